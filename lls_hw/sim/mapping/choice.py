"""One mapping of a nest: tile sizes and loop order, and what follows from them."""

from dataclasses import dataclass

from lls_hw.sim.mapping.axes import TileAxis
from lls_hw.sim.mapping.nest import Dim, Nest, NestOperand


@dataclass(frozen=True, slots=True)
class Choice:
    """One mapping of a nest.

    Attributes
    ----------
    order : loops, outermost first.
    rows, ins, outs : the cuts.
    dram_bytes : bus bytes of all its tiles, partial sums included.
    need_bytes : scratchpad bytes of its buffers.
    held : its sums are held in the accumulators.
    """

    order: str
    rows: TileAxis
    ins: TileAxis
    outs: TileAxis
    dram_bytes: int
    need_bytes: int
    held: bool = False

    @property
    def tiles(self) -> int:
        """Tiles of the whole op."""
        return self.rows.trips * self.ins.trips * self.outs.trips

    def axis(self, dim: Dim) -> TileAxis:
        """The cut of a loop."""
        return {"r": self.rows, "i": self.ins, "o": self.outs}[dim]

    def repeats(self, nest: Nest, operand: NestOperand) -> tuple[Dim, ...]:
        """Loops for which a side comes back: ignored ones that turn, with a turning relevant loop inside."""
        relevant = nest.relevant(operand.side)
        return tuple(
            dim
            for dim in nest.ignored(operand.side)
            if self.axis(dim).trips > 1
            and any(self.axis(inner).trips > 1 for inner in relevant if self.order.index(inner) > self.order.index(dim))
        )

    def visits(self, nest: Nest, operand: NestOperand) -> int:
        """Number of times that a tile of the side is brought in (or, of the result, visited)."""
        count = 1
        for dim in (*nest.relevant(operand.side), *self.repeats(nest, operand)):
            count *= self.axis(dim).trips
        return count

    @property
    def keeps_halo(self) -> bool:
        """Whether rows of the input map under the next tile's windows wait for it: rows follow on each other."""
        return self.ins.trips == 1 or self.order.index("r") > self.order.index("i")

    def sizes(self) -> str:
        """The first tile's sizes in words."""
        first, ins, outs = self.rows.runs[0][0], self.ins.runs[0][0].size, self.outs.runs[0][0].size
        rows = f"{first.out_rows} rows" if self.rows.by_rows else f"{first.images} images"
        return f"{rows} x {ins} in x {outs} out"

    def text(self) -> str:
        """The mapping in words."""
        held = ", sums in accumulators" if self.held else ""
        return f"order {self.order}, {self.sizes()}, {self.tiles} tiles{held}, {self.dram_bytes} DRAM bytes"
