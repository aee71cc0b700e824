"""The place where a product's sums gather: in the accumulators below the array's columns, or in the scratchpad.

A chip's accumulators are banks (two where it double buffers) of entries under each column; see docs/array.md. The
sums of a tile are *held* there if its scratchpad never sees them:

- they stay: all sums of the result's tile fit one bank, also while tiles of a k that is cut follow one another. An
  input gradient's stay with the whole piece of the input map to which its products are added, beside the turn of
  products that is not finished yet;
- or they pass: no k is cut, so they are finished turn by turn.

That spares sums that are narrowed the way out and back, and sums of a cut k that to and fro. A result that one tile
finishes and nobody narrows (a weight gradient) goes to the scratchpad from its last fold.

Otherwise they lie in the scratchpad, as on a chip without accumulators, but the partial sums between a tile's own folds
of k do not: they need room for one turn. Turns are used only where they cost no cycle: where each is as long as a fold
takes to load.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lls_hw.models.spec.accelerator import AcceleratorSpec, ArraySpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.sim.array import dataflow_of
from lls_hw.sim.array.dataflow import fold_count
from lls_hw.sim.array.elementwise import greatest

if TYPE_CHECKING:
    from lls_hw.sim.mapping.axes import Piece
    from lls_hw.sim.mapping.nest import Nest

    Pieces = dict[Literal["r", "i", "o"], Piece]


@dataclass(frozen=True, slots=True)
class SumBanks:
    """The accumulators as a nest's tiles see them. Sizes of pieces may be arrays, as everywhere in the mapper.

    Attributes
    ----------
    entries : of one bank of one column.
    scatters : products are added to a map in which their places overlap (an input gradient of more than one tap).
    """

    entries: int
    array: ArraySpec
    scatters: bool

    def result_entries(self, nest: "Nest", at: "Pieces") -> int:
        """Entries of the fullest column if all sums of a result's tile stand below the array."""
        flow, side = dataflow_of(self.array), nest.result.side
        channels = at["i" if side == "x" else "o"].size
        places = nest.taps * at["i"].size if side == "w" else nest.pixels(side, at["r"])
        down, across = (channels, places) if flow.is_transposed else (places, channels)
        return down * fold_count(across, self.array.cols)

    def stay(self, nest: "Nest", at: "Pieces") -> bool:
        """Whether they fit one bank."""
        entries = self.result_entries(nest, at)
        if not self.scatters:
            return entries <= self.entries
        flow = dataflow_of(self.array)
        if flow.is_transposed:  # a map's positions lie along the columns, and a tap would cross them
            return entries < 0
        if flow.sums_stay:
            return entries <= self.entries
        return (entries < self.entries) & self.in_step(nest, at, entries)

    def pass_by(self, nest: "Nest", at: "Pieces") -> bool:
        """Whether sums that one tile starts and finishes may leave turn by turn."""
        if self.scatters:
            return self.entries < 0
        return self.in_step(nest, at)

    def turns(self, nest: "Nest", at: "Pieces", taken: int = 0) -> int:
        """Turns in which a tile streams, `taken` entries of the bank being in use."""
        room = greatest(1, self.entries - taken)
        return dataflow_of(self.array).turns(self._streamed(nest, at), room)

    def in_step(self, nest: "Nest", at: "Pieces", taken: int = 0) -> bool:
        """Whether turns cost no cycle: there is one, or each is as long as its folds take to load while others run."""
        array = self.array
        if dataflow_of(array).sums_stay:
            return self.entries - taken >= array.rows
        turns = self.turns(nest, at, taken)
        hidden = (self._streamed(nest, at) // turns >= array.rows) & array.preload_hidden
        return (turns == 1) | hidden

    def _streamed(self, nest: "Nest", at: "Pieces") -> int:
        return dataflow_of(self.array).roles(*nest.product(at))[0]


def sum_banks(chip: AcceleratorSpec, sum_bits: int, *, scatters: bool) -> SumBanks | None:
    """The chip's accumulators for sums of so many bits, if it has any.

    Raises
    ------
    SpecError : their entries are narrower.
    """
    memory = chip.accumulators
    if memory is None:
        return None
    if memory.word_bits is not None and memory.word_bits < sum_bits:
        need = f"the run's accumulators have {sum_bits} bits"
        raise SpecError("chip.accumulators.word_bits", memory.word_bits, need, f"Use {sum_bits} or more.")
    entries = memory.entries // chip.accumulator_banks
    return SumBanks(entries, chip.array, scatters) if entries else None
