"""A product (or a pooling) as a nest of three loops over maps cut along rows and channels.

Every weighted op joins three sides: the input map `x` (rows r, input channels i), the weights `w`
(i, output channels o) and the output map `y` (r, o). What differs is which side is the result:

============  ======  =========  ============
op            result  summed     reads
============  ======  =========  ============
forward       y       i          x, w
input_grad    x       o          y, w
weight_grad   w       r          x, y
============  ======  =========  ============

A depthwise convolution has no o: w is (i), y is (r, i). A pooling has no w either.
"""

from dataclasses import dataclass
from typing import Literal

from lls_hw.models.spec.geometry import Window
from lls_hw.models.spec.memory import DramSpec
from lls_hw.sim.array.elementwise import pick
from lls_hw.sim.mapping.axes import Piece, TileAxis, chunk_axis, chunk_sizes, row_axes
from lls_hw.sim.mapping.sums import SumBanks
from lls_hw.sim.mapping.tile import Transfer, make_transfer

Side = Literal["x", "w", "y"]
Dim = Literal["r", "i", "o"]
ORDERS = ("rio", "roi", "iro", "ior", "ori", "oir")


@dataclass(frozen=True, slots=True)
class NestOperand:
    """One tensor of a nest, without its name: its side, width, and whether it crosses the DRAM pins."""

    side: Side
    bits: int
    in_dram: bool


@dataclass(frozen=True, slots=True)
class Nest:
    """Geometry and operands; hashable, so that equal layers are mapped once.

    Attributes
    ----------
    windows : input rows under each output row.
    kernel_w, taps : columns of a window, and all its positions.
    shared : y has x's channels (depthwise, pooling).
    sum_bits : width of a result in its accumulators.
    narrows : whether the result is narrowed to `result.bits` before it is stored.
    banks : the accumulators below the array, where the nest runs there and the chip has them.
    """

    batch: int
    in_h: int
    in_w: int
    in_c: int
    out_w: int
    out_c: int
    windows: tuple[Window, ...]
    taps: int
    shared: bool
    reads: tuple[NestOperand, ...]
    result: NestOperand
    sum_bits: int
    narrows: bool
    align: int
    banks: SumBanks | None = None

    @property
    def dims(self) -> tuple[Dim, ...]:
        """Loops of the nest."""
        return ("r", "i") if self.shared else ("r", "i", "o")

    @property
    def orders(self) -> tuple[str, ...]:
        """Loop orders, outermost first."""
        return ("rio", "iro") if self.shared else ORDERS

    def relevant(self, side: Side) -> tuple[Dim, ...]:
        """Loops that move to another part of a side."""
        if side == "x":
            return ("r", "i")
        if side == "w":
            return ("i",) if self.shared else ("i", "o")
        return ("r", "i") if self.shared else ("r", "o")

    def ignored(self, side: Side) -> tuple[Dim, ...]:
        """Loops that come back to the same part of a side."""
        return tuple(dim for dim in self.dims if dim not in self.relevant(side))

    def axes(self) -> dict[Dim, tuple[TileAxis, ...]]:
        """Every way to cut each loop."""
        out = (1,) if self.shared else chunk_sizes(self.out_c, self.align)
        return {
            "r": row_axes(self.batch, self.in_h, self.windows),
            "i": tuple(chunk_axis(self.in_c, size) for size in chunk_sizes(self.in_c, self.align)),
            "o": tuple(chunk_axis(1 if self.shared else self.out_c, size) for size in out),
        }

    def channels(self, side: Side) -> tuple[Dim, int]:
        """The loop and the full number of a map side's channels."""
        if side == "y" and not self.shared:
            return "o", self.out_c
        return "i", self.in_c

    def pixels(self, side: Side, piece: Piece) -> int:
        """Map positions of a row piece on one side, halo included."""
        rows, width = (piece.in_rows, self.in_w) if side == "x" else (piece.out_rows, self.out_w)
        return piece.images * rows * width

    def loaded_pixels(self, side: Side, piece: Piece, *, kept: bool) -> int:
        """Positions that a load brings: all of the piece's, or without the halo that an earlier piece left."""
        if side == "x" and kept:
            return piece.images * piece.fresh_rows * self.in_w
        return self.pixels(side, piece)

    def halo_pixels(self, piece: Piece) -> int:
        """Positions of the input map that an earlier piece has left."""
        return piece.images * (piece.in_rows - piece.fresh_rows) * self.in_w

    def final_pixels(self, piece: Piece) -> int:
        """Result positions that are finished with this row piece."""
        if self.result.side == "x":
            return piece.images * piece.final_rows * self.in_w
        return self.pixels("y", piece)

    def elements(self, side: Side, at: dict[Dim, Piece]) -> int:
        """Codes of one tile of a side, halo included."""
        if side == "w":
            return self.taps * at["i"].size * (1 if self.shared else at["o"].size)
        return self.pixels(side, at["r"]) * at[self.channels(side)[0]].size

    def loaded_elements(self, side: Side, at: dict[Dim, Piece], *, kept: bool) -> int:
        """Codes that a load brings of one tile of a side."""
        if side != "x":
            return self.elements(side, at)
        return self.loaded_pixels(side, at["r"], kept=kept) * at["i"].size

    def final_elements(self, at: dict[Dim, Piece]) -> int:
        """Result codes that a tile finishes (its halo rows wait for the next tile)."""
        if self.result.side == "w":
            return self.elements("w", at)
        return self.final_pixels(at["r"]) * at[self.channels(self.result.side)[0]].size

    def product(self, at: dict[Dim, Piece]) -> tuple[int, int, int]:
        """(m, k, n) of the matrix product of a tile; depthwise: of one of its channels."""
        rows = self.pixels("y", at["r"])
        fan_in = self.taps * (1 if self.shared else at["i"].size)
        out = 1 if self.shared else at["o"].size
        sizes: dict[Side, tuple[int, int, int]] = {
            "y": (rows, fan_in, out),
            "w": (fan_in, rows, out),
            "x": (rows, out, fan_in),
        }
        return sizes[self.result.side]

    def result_bits(self, *, held: bool) -> int:
        """Bits of the scratchpad that an element of the result takes in its slot.

        Sums lie there, and their codes in the same place; or, if sums are held in the accumulators, codes only, and
        none of a result that has its own place there.
        """
        if not held:
            return self.sum_bits
        return self.result.bits if self.result.in_dram else 0

    def transfer(
        self,
        dram: DramSpec,
        tensor: str,
        operand: NestOperand,
        at: dict[Dim, Piece],
        *,
        final: bool = False,
        kept: bool = False,
    ) -> Transfer:
        """The movement of one tile: contiguous where whole channels move, else one piece a position.

        `final`: what the tile finishes; `kept`: without the halo that is there.
        """
        if operand.side == "w":
            return self._weights(dram, tensor, operand.bits, at)
        dim, full = self.channels(operand.side)
        pixels = self.final_pixels(at["r"]) if final else self.loaded_pixels(operand.side, at["r"], kept=kept)
        size = at[dim].size
        whole = size == full
        return make_transfer(
            dram,
            tensor,
            operand.bits,
            segments=pick(whole, 1, pixels),
            segment_elements=pick(whole, pixels * size, size),
            span_elements=pixels * full,
        )

    def _weights(self, dram: DramSpec, tensor: str, bits: int, at: dict[Dim, Piece]) -> Transfer:
        """Weights lie as (taps, in, out)."""
        full_out = 1 if self.shared else self.out_c
        i, o = at["i"].size, 1 if self.shared else at["o"].size
        rows, whole = o == full_out, i == self.in_c
        segments = pick(rows, pick(whole, 1, self.taps), self.taps * i)
        length = pick(rows, pick(whole, self.taps * i * o, i * o), o)
        span = self.taps * self.in_c * full_out
        return make_transfer(dram, tensor, bits, segments=segments, segment_elements=length, span_elements=span)

    def partial(self, dram: DramSpec, tensor: str, at: dict[Dim, Piece]) -> Transfer:
        """Partial sums of one tile on their way out and back: one contiguous piece, at full width."""
        elements = self.elements(self.result.side, at)
        return make_transfer(dram, tensor, self.sum_bits, segments=1, segment_elements=elements, span_elements=elements)
