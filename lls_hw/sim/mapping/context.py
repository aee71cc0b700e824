"""The knowledge of an op's planner: the chip, the tensors, and those that live in the scratchpad."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lls_hw.models.program.ops.base import Tensor
from lls_hw.models.program.ops.pooling import Pool, PoolBackward
from lls_hw.models.program.ops.products import Product
from lls_hw.models.program.program import Program
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.sim.array.elementwise import greatest
from lls_hw.sim.mapping.tile import Transfer, make_transfer

SUMS = "@sums"
WIDE_BITS = 64
"""Width of the vector and local units' sums in memory."""


def sums_of(name: str) -> str:
    """The sums that become a tensor, in DRAM until its scale is known."""
    return name + SUMS


def partial_of(name: str) -> str:
    """The partial sums of a tensor, in DRAM between two visits of its tiles."""
    return name + "@partial"


def is_sums(name: str) -> bool:
    """Whether these are sums rather than a tensor of the program."""
    return name.endswith(SUMS)


HELD_CHANNEL_SHARE = 4
"""Operands per channel may fill this fraction (1/4) of the scratchpad before channels are cut."""


@dataclass(frozen=True, slots=True)
class Place:
    """The place where one op finds one tensor.

    Attributes
    ----------
    resident : the whole tensor is in the scratchpad while the op runs.
    load : the op brings it in from DRAM (a resident one once, before its first tile).
    store : the op sends it to DRAM (a resident one as well as keeping it).
    """

    resident: bool
    load: bool
    store: bool


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a planner needs for one op."""

    program: Program
    chip: AcceleratorSpec
    places: Mapping[str, Place]
    budget_bytes: int

    @property
    def depth(self) -> int:
        """Slots of a streamed operand."""
        return 2 if self.chip.scratchpad.double_buffered else 1

    def tensor(self, name: str) -> Tensor:
        """A tensor by name, or the sums that become it and wait for its scale."""
        if not is_sums(name):
            return self.program.tensors[name]
        tensor = self.program.tensors[name.removesuffix(SUMS)]
        writers = (op for op in self.program.ops if tensor.name in op.writes)
        narrow = any(isinstance(op, Product | Pool | PoolBackward) for op in writers)
        return replace(tensor, name=name, bits=self.program.precision.accumulator_bits if narrow else WIDE_BITS)

    def place(self, name: str) -> Place:
        """The place of a tensor; sums that wait are in DRAM."""
        return Place(resident=False, load=True, store=True) if is_sums(name) else self.places[name]

    def streams_in(self, name: str) -> bool:
        """Whether tiles must bring the tensor in."""
        return not self.place(name).resident

    def streams_out(self, name: str) -> bool:
        """Whether tiles must send the tensor out."""
        return self.place(name).store

    def draw(self, name: str) -> tuple[str, ...]:
        """Work entry of the random draw with which a tensor's codes are rounded, if they are."""
        precision = self.program.precision
        rounding = precision.error_rounding if self.tensor(name).role == "error" else precision.rounding
        return ("draw",) if rounding == "stochastic" else ()

    def finish(self, name: str) -> tuple[str, ...]:
        """Work on a finished sum: it is narrowed, or, where the tensor is measured first, only looked at."""
        return ("peak",) if self.measures else ("narrow", *self.rounded(name))

    def rounded(self, name: str) -> tuple[str, ...]:
        """Work beside a narrowing of a tensor: the draw of its rounding, the detector of its peak."""
        return (*self.draw(name), *self.peak())

    @property
    def measures(self) -> bool:
        """Whether a tensor's own peak is taken in a pass before the one that narrows it."""
        return self.program.precision.scaling == "two_pass"

    def peak(self) -> tuple[str, ...]:
        """Work entry of the peak detector beside a narrowing, where the next step's scale comes from it."""
        return ("peak",) if self.program.precision.scaling == "delayed" else ()

    def words(self, elements: int, bits: int) -> int:
        """Scratchpad words of packed codes."""
        return -(-elements * bits // self.chip.scratchpad.word_bits)

    def served(self, compute_cycles: int, tally: Mapping[str, int]) -> int:
        """Cycles of a tile on a unit: its work, or, if longer, what the memories' ports need for its words.

        Every bank reads one word and writes one word a cycle; a unit's words are spread evenly over the banks, and so
        are sums over the columns' accumulators, of which each serves one unit with one bank:

            cycles = max(work, ceil(words read / banks), ceil(words written / banks), ceil(sums read / columns), ...)
        """
        ports = {
            "scratchpad_read_words": self.chip.scratchpad.ports,
            "scratchpad_write_words": self.chip.scratchpad.ports,
            "accumulator_reads": self.chip.array.cols,
            "accumulator_writes": self.chip.array.cols,
        }
        return greatest(
            compute_cycles, *(-(-tally[event] // banks) for event, banks in ports.items() if event in tally)
        )

    def whole(self, name: str) -> Transfer:
        """A movement of a whole tensor."""
        tensor = self.tensor(name)
        return make_transfer(
            self.chip.dram,
            name,
            tensor.bits,
            segments=1,
            segment_elements=tensor.elements,
            span_elements=tensor.elements,
        )

    def piece(self, name: str, elements: int, *, segments: int = 1, span: int = 0) -> Transfer:
        """A movement of `segments` pieces of `elements` codes each."""
        return make_transfer(
            self.chip.dram,
            name,
            self.tensor(name).bits,
            segments=segments,
            segment_elements=elements,
            span_elements=span or segments * elements,
        )

    def fills(self, names: tuple[str, ...]) -> tuple[Transfer, ...]:
        """Loads of the resident tensors among `names` that start in DRAM."""
        return tuple(self.whole(name) for name in names if self.places[name].resident and self.places[name].load)
