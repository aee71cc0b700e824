"""DRAM: a byte array in which every tensor lies densely at an address of its own, and a count of what moves."""

from collections.abc import Mapping
from dataclasses import dataclass

from lls_hw.models.program.ops.base import Tensor
from lls_hw.models.spec.memory import DramSpec
from lls_hw.models.spec.storage import storage_bytes
from lls_hw.sim.kernels.codes import Ints
from lls_hw.sim.mapping.tile import Into, Transfer, make_transfer
from lls_hw.sim.replay.errors import ReplayError
from lls_hw.sim.replay.memory import Area, Memory
from lls_hw.sim.replay.region import Region, whole


@dataclass(frozen=True, slots=True)
class DramPlace:
    """The bytes of a tensor in DRAM."""

    address: int
    elements: int
    bits: int


class Dram:
    """The tensors of a program, and those that move under names of their own (partial sums).

    Attributes
    ----------
    moved : bus bytes of each tensor in each direction.
    """

    def __init__(self, spec: DramSpec, tensors: Mapping[str, Tensor], extra: Mapping[str, tuple[int, int]]) -> None:
        self.spec, self.moved = spec, {"read": {}, "write": {}}  # type: tuple[DramSpec, dict[Into, dict[str, int]]]
        sizes = {name: (tensor.elements, tensor.bits) for name, tensor in tensors.items()}
        self.places: dict[str, DramPlace] = {}
        end = 0
        for name, (elements, bits) in {**sizes, **extra}.items():
            self.places[name] = DramPlace(end, elements, bits)
            end += -(-storage_bytes(elements, bits) // spec.burst_bytes) * spec.burst_bytes
        self.memory = Memory(end)
        self.areas = {
            name: self.memory.area(name, place.address, whole(place.elements), place.bits)
            for name, place in self.places.items()
        }

    def area(self, name: str) -> Area:
        """The whole tensor."""
        return self.areas[name]

    def fill(self, name: str, codes: Ints) -> None:
        """Codes that DRAM holds before the step."""
        self.areas[name].write(whole(codes.size), codes)

    def load(self, transfer: Transfer, region: Region) -> Ints:
        """The codes that a transfer brings.

        Raises
        ------
        ReplayError : they were never stored, or the transfer is not the region's.
        """
        codes, missing = self.areas[transfer.tensor].read(region)
        if missing:
            need = f"{missing} of its bytes are not in DRAM: nothing has stored them"
            raise ReplayError(need, tensor=transfer.tensor, region=region.text)
        self._count(transfer, region, "read")
        return codes

    def store(self, transfer: Transfer, region: Region, codes: Ints) -> None:
        """Codes that a transfer sends.

        Raises
        ------
        ReplayError : the transfer is not the region's.
        """
        self.areas[transfer.tensor].write(region, codes)
        self._count(transfer, region, "write")

    def _count(self, transfer: Transfer, region: Region, into: Into) -> None:
        """Bytes by the region's own addresses; a transfer that was costed otherwise is refused."""
        number, each = region.pieces
        own = make_transfer(
            self.spec,
            transfer.tensor,
            self.places[transfer.tensor].bits,
            segments=number,
            segment_elements=each,
            span_elements=region.elements,
        )
        if (own.elements, own.bus_bytes) != (transfer.elements, transfer.bus_bytes):
            need = (
                f"it takes {own.bus_bytes} bytes of the bus in {number} pieces ({own.elements} codes), "
                f"costed are {transfer.bus_bytes} ({transfer.elements} codes)"
            )
            raise ReplayError(need, tensor=transfer.tensor, region=region.text)
        counts = self.moved[into]
        counts[transfer.tensor] = counts.get(transfer.tensor, 0) + own.bus_bytes
