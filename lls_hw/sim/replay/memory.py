"""Memories as byte arrays, in which every byte knows what wrote it last."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lls_hw.models.spec.storage import storage_bytes
from lls_hw.sim.kernels.codes import Ints
from lls_hw.sim.replay.packing import pack, touched_bytes, unpack
from lls_hw.sim.replay.region import Region

NOTHING = 0
"""The mark of a byte that nothing was written to."""


class Memory:
    """Bytes, and beside each the mark of the area that wrote it last."""

    def __init__(self, size_bytes: int) -> None:
        self.bytes = np.zeros(size_bytes, np.uint8)
        self.marks = np.full(size_bytes, NOTHING, np.int32)
        self.areas = 0

    def area(self, tensor: str, address: int, region: Region, bits: int) -> "Area":
        """An area for a part of a tensor; nothing is in it until it is written."""
        self.areas += 1
        found = Area(self, tensor, address, region, bits, self.areas)
        assert 0 <= address <= self.bytes.size - found.size_bytes, f"{tensor} at {address} leaves the memory"
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Area:
    """A part of a tensor that lies densely at an address.

    Attributes
    ----------
    mark : what its bytes are marked with when they are written. A byte with another mark was never written, or was
        taken by another area since: then it cannot be read here.
    """

    memory: Memory
    tensor: str
    address: int
    region: Region
    bits: int
    mark: int

    @property
    def size_bytes(self) -> int:
        """Bytes of its codes when packed."""
        return storage_bytes(self.region.elements, self.bits)

    def holds(self, region: Region) -> bool:
        """Whether a part lies in it; a whole tensor may be seen in another shape."""
        return region.is_inside(self.region) or self.region.is_whole

    def write(self, region: Region, codes: Ints) -> None:
        """Codes of a part of it."""
        assert codes.size == region.elements, f"{self.tensor}[{region.text}]: {codes.shape} codes"
        at = slice(self.address, self.address + self.size_bytes)
        outer, shape = self._seen(region)
        if region.shape == shape:
            self.memory.bytes[at], self.memory.marks[at] = pack(codes, self.bits), self.mark
            return
        part = region.within(outer)
        if self.bits % 8 == 0:
            each = self.bits // 8
            box, marks = (of[at].reshape(*shape, each) for of in (self.memory.bytes, self.memory.marks))
            box[part], marks[part] = pack(codes, self.bits).reshape(*region.shape, each), self.mark
            return
        held = unpack(self.memory.bytes[at], self.bits, self.region.elements).reshape(shape).copy()
        mask = np.zeros(shape, bool)
        held[part], mask[part] = codes.reshape(region.shape), True
        self.memory.bytes[at] = pack(held, self.bits)
        self.memory.marks[at][touched_bytes(mask, self.bits)] = self.mark

    def read(self, region: Region) -> tuple[Ints, int]:
        """Codes of a part of it, in the part's shape; and how many of the bytes are not its own."""
        at = slice(self.address, self.address + self.size_bytes)
        outer, shape = self._seen(region)
        raw, marks = self.memory.bytes[at], self.memory.marks[at]
        part = region.within(outer)
        if self.bits % 8 == 0:
            each = self.bits // 8
            found, own = raw.reshape(*shape, each)[part], marks.reshape(*shape, each)[part]
            codes = unpack(found.reshape(-1).copy(), self.bits, region.elements)
            return codes.reshape(region.shape), int(np.count_nonzero(own != self.mark))
        mask: npt.NDArray[np.bool_] = np.zeros(shape, bool)
        mask[part] = True
        foreign = marks[touched_bytes(mask, self.bits)] != self.mark
        return unpack(raw, self.bits, self.region.elements).reshape(shape)[part], int(np.count_nonzero(foreign))

    def _seen(self, region: Region) -> tuple[Region, tuple[int, ...]]:
        """The area in the view of a part, and its shape there."""
        if region.view == self.region.view:
            return self.region, self.region.shape
        assert self.region.is_whole, f"{self.tensor}: a part of {self.region.view} seen as {region.view}"
        return Region(region.view, tuple((0, size) for size in region.view)), region.view
