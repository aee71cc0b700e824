"""Work of one array tile: cycles, array traffic, and the narrowing of what it finishes."""

from dataclasses import dataclass
from functools import lru_cache, partial

from lls_hw.models.program.ops.base import Direction
from lls_hw.models.spec.accelerator import ArraySpec
from lls_hw.sim.array import dataflow_of
from lls_hw.sim.array.closed_form import array_accesses, array_cycles
from lls_hw.sim.array.dataflow import ArrayAccesses
from lls_hw.sim.array.elementwise import are_ints, each
from lls_hw.sim.array.grouped import Groups, grouped_cycles, most_packed
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.nest import Nest
from lls_hw.sim.mapping.nest_plan import Pieces, TileWork
from lls_hw.sim.mapping.work import lane_cycles, times

MAC_KIND: dict[Direction, str | None] = {
    "forward": None,
    "input_grad": "macs_weight_error",
    "weight_grad": "macs_activation_error",
}


_known_cycles = lru_cache(maxsize=65536)(array_cycles)
_known_accesses = lru_cache(maxsize=65536)(array_accesses)


def product_cycles(m: int, k: int, n: int, array: ArraySpec) -> int:
    """Cycles of one product on the chip's array, remembered."""
    return (_known_cycles if are_ints(m, k, n) else array_cycles)(m, k, n, array)


def product_accesses(m: int, k: int, n: int, array: ArraySpec) -> ArrayAccesses:
    """Accesses of one product on the chip's array, remembered."""
    return (_known_accesses if are_ints(m, k, n) else array_accesses)(m, k, n, array)


def depthwise_cycles(channels: int, m: int, k: int, n: int, array: ArraySpec) -> int:
    """Cycles of `channels` small products: one behind the other, or packed on the diagonal, whichever is less."""
    return each(partial(_packed_cycles, array), channels, m, k, n)


@lru_cache(maxsize=65536)
def _packed_cycles(array: ArraySpec, channels: int, m: int, k: int, n: int) -> int:
    one = Groups(groups=channels, m=m, k=k, n=n)
    return min(grouped_cycles(one, array, pack=pack) for pack in range(1, most_packed(one, array) + 1))


def product_size(nest: Nest, direction: Direction, at: Pieces) -> tuple[int, int, int]:
    """(m, k, n) of a tile; depthwise: of one of its channels."""
    rows = nest.pixels("y", at["r"])
    fan_in = nest.taps * (1 if nest.shared else at["i"].size)
    out = 1 if nest.shared else at["o"].size
    return {"forward": (rows, fan_in, out), "weight_grad": (fan_in, rows, out), "input_grad": (rows, out, fan_in)}[
        direction
    ]


@dataclass(frozen=True, slots=True)
class ArrayWork:
    """Work of a Gemm's tiles (or of a depthwise convolution's on the array, channel by channel or packed).

    The products of an input gradient are added into the accumulators of the input map (col2im), so every
    one of them is a read and a write there; otherwise a tile adds to sums that already stand only where it
    continues a product.
    """

    ctx: Context
    nest: Nest
    direction: Direction
    extras: tuple[str, ...]

    def __call__(self, at: Pieces, starts: bool, finishes: bool) -> TileWork:
        """Work of one tile."""
        m, k, n = product_size(self.nest, self.direction, at)
        channels = at["i"].size if self.nest.shared else 1
        array = self.ctx.chip.array
        tally = self._array_tally(product_accesses(m, k, n, array), channels, m * n, starts)
        compute = depthwise_cycles(channels, m, k, n, array) if self.nest.shared else product_cycles(m, k, n, array)
        cycles = self.ctx.served(compute, tally)
        narrow = narrowing(self.ctx, self.nest, at, self.extras) if finishes and self.nest.narrows else {}
        for event, number in narrow.items():
            tally[event] = tally.get(event, 0) + number
        if self.nest.narrows:
            lanes = lane_cycles(lane_events(narrow), self.ctx.chip.vector.lanes)
            return TileWork((cycles, self.ctx.served(lanes, narrow)), tally, cycles - compute)
        return TileWork((cycles,), tally, cycles - compute)

    def _array_tally(self, one: ArrayAccesses, channels: int, outputs: int, starts: bool) -> dict[str, int]:
        bits_a, bits_b = self._operand_bits()
        sum_bits = self.nest.sum_bits
        continued = self.direction == "input_grad" or not starts
        sums_read = one.accumulator_reads + (outputs if continued else 0)
        sums_written = one.outputs if dataflow_of(self.ctx.chip.array).sums_stay else one.accumulator_writes
        operand = max(bits_a, bits_b)
        registers = (one.operand_shifts + one.stationary_shifts + one.stationary_swaps) * operand + (
            one.sum_shifts + one.drain_shifts
        ) * sum_bits
        tally = {
            "macs": one.macs * channels,
            "array_register_bits": registers * channels,
            "scratchpad_read_words": self.ctx.words(channels * one.a_reads, bits_a)
            + self.ctx.words(channels * one.b_reads, bits_b)
            + self.ctx.words(channels * sums_read, sum_bits),
            "scratchpad_write_words": self.ctx.words(channels * sums_written, sum_bits),
        }
        kind = MAC_KIND[self.direction]
        return tally if kind is None else {**tally, kind: tally["macs"]}

    def _operand_bits(self) -> tuple[int, int]:
        """Widths of the left and right operand: reads are (x, w), (x, y) or (y, w)."""
        left, right = (operand.bits for operand in self.nest.reads)
        return left, right


def lane_events(tally: dict[str, int]) -> dict[str, int]:
    """The events of a tally that take a lane of the vector or local unit."""
    return {event: n for event, n in tally.items() if not event.startswith(("scratchpad", "array", "macs"))}


def narrowing(ctx: Context, nest: Nest, at: Pieces, extras: tuple[str, ...]) -> dict[str, int]:
    """Finished sums are read, narrowed and written back as codes; `extras` are further work per code (bias, draw)."""
    done = nest.final_elements(at)
    tally = times(("narrow", done), *((name, done) for name in extras))
    tally["scratchpad_read_words"] = ctx.words(done, nest.sum_bits)
    tally["scratchpad_write_words"] = ctx.words(done, nest.result.bits)
    return tally
