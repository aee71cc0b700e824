"""Work of one array tile: cycles, array traffic, and the narrowing of what it finishes."""

from dataclasses import dataclass
from functools import lru_cache, partial

from lls_hw.models.program.ops.base import Direction
from lls_hw.models.spec.accelerator import ArraySpec
from lls_hw.sim.array import dataflow_of
from lls_hw.sim.array.closed_form import array_accesses, array_cycles
from lls_hw.sim.array.dataflow import ArrayAccesses
from lls_hw.sim.array.elementwise import are_ints, each, pick
from lls_hw.sim.array.grouped import Groups, grouped_cycles, most_packed
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.nest import Nest
from lls_hw.sim.mapping.nest_plan import Pieces, TileWork
from lls_hw.sim.mapping.tile import add_to
from lls_hw.sim.mapping.work import lane_cycles, times

MAC_KIND: dict[Direction, str | None] = {
    "forward": None,
    "input_grad": "macs_weight_error",
    "weight_grad": "macs_activation_error",
}


_known_cycles = lru_cache(maxsize=65536)(array_cycles)
_known_accesses = lru_cache(maxsize=65536)(array_accesses)


def product_cycles(m: int, k: int, n: int, array: ArraySpec, turns: int = 1) -> int:
    """Cycles of one product on the chip's array, remembered."""
    return (_known_cycles if are_ints(m, k, n, turns) else array_cycles)(m, k, n, array, turns=turns)


def product_accesses(m: int, k: int, n: int, array: ArraySpec, turns: int = 1) -> ArrayAccesses:
    """Accesses of one product on the chip's array, remembered."""
    return (_known_accesses if are_ints(m, k, n, turns) else array_accesses)(m, k, n, array, turns=turns)


def depthwise_cycles(channels: int, m: int, k: int, n: int, array: ArraySpec) -> int:
    """Cycles of `channels` small products: one behind the other, or packed on the diagonal, whichever is less."""
    return each(partial(_packed_cycles, array), channels, m, k, n)


@lru_cache(maxsize=65536)
def _packed_cycles(array: ArraySpec, channels: int, m: int, k: int, n: int) -> int:
    one = Groups(groups=channels, m=m, k=k, n=n)
    return min(grouped_cycles(one, array, pack=pack) for pack in range(1, most_packed(one, array) + 1))


@dataclass(frozen=True, slots=True)
class ArrayWork:
    """Work of a Gemm's tiles (or of a depthwise convolution's on the array, channel by channel or packed).

    The products of an input gradient are added to the sums of the input map (col2im), so every one of them is a read
    and a write there; otherwise a tile adds to sums that already stand only where it continues a product.

    `held`: its sums are held in the accumulators (`mapping.sums`).
    """

    ctx: Context
    nest: Nest
    direction: Direction
    finish: tuple[str, ...]
    held: bool = False

    def __call__(self, at: Pieces, starts: bool, finishes: bool) -> TileWork:
        """Work of one tile."""
        m, k, n = self.nest.product(at)
        channels = at["i"].size if self.nest.shared else 1
        array = self.ctx.chip.array
        banked, turns = self._turns(at, k)
        one = product_accesses(m, k, n, array, turns)
        tally = {**self._array_tally(one, channels), **self._sums(one, channels, banked, starts=starts)}
        tally["scratchpad_read_words"] = tally["scratchpad_read_words"] + self._operand_words(one, channels)
        if self.nest.shared:
            compute = depthwise_cycles(channels, m, k, n, array)
        else:
            compute = product_cycles(m, k, n, array, turns)
        if finishes and self.held and not self.nest.narrows:  # the sums leave the accumulators as they are
            tally["scratchpad_write_words"] = tally["scratchpad_write_words"] + self.ctx.words(
                one.outputs, self.nest.result.bits
            )
        cycles = self.ctx.served(compute, tally)
        narrow = (
            narrowing(self.ctx, self.nest, at, self.finish, held=self.held) if finishes and self.nest.narrows else {}
        )
        add_to(tally, narrow)
        if finishes and self.held and not self.nest.narrows:  # while the next tile's come into the other bank
            add_to(tally, {"accumulator_reads": one.outputs})
        if self.nest.narrows:
            lanes = lane_cycles(lane_events(narrow), self.ctx.chip.vector.lanes)
            return TileWork((cycles, self.ctx.served(lanes, narrow)), tally, cycles - compute, banked is True)
        return TileWork((cycles,), tally, cycles - compute, banked is True)

    def _turns(self, at: Pieces, k: int) -> tuple[bool, int]:
        """(whether sums between folds gather in the accumulators, turns)."""
        banks, nest = self.nest.banks, self.nest
        if banks is None:
            return False, 1
        if self.held:
            return True, banks.turns(nest, at, banks.result_entries(nest, at) if banks.scatters else 0)
        if dataflow_of(banks.array).sums_stay:
            return False, 1
        worth = (k > banks.array.rows) & banks.in_step(nest, at)
        return worth, pick(worth, banks.turns(nest, at), 1)

    def _sums(self, one: ArrayAccesses, channels: int, banked: bool, *, starts: bool) -> dict[str, int]:
        """Sums written and read, where they lie.

        Held ones are in the accumulators only. Others begin with what stands in the scratchpad and end there; those
        between folds of k are in the accumulators, or, where these are too small, in the scratchpad too.
        """
        flow, words = dataflow_of(self.ctx.chip.array), self.ctx.words
        written = one.outputs if flow.sums_stay else one.accumulator_writes
        carried = one.outputs if self.direction == "input_grad" or not starts else 0
        if self.held:
            return {
                "scratchpad_read_words": 0,
                "scratchpad_write_words": 0,
                "accumulator_reads": one.accumulator_reads + carried,
                "accumulator_writes": written,
            }
        between = pick(banked, one.accumulator_reads, 0)
        bits = self.nest.sum_bits
        tally = {
            "scratchpad_read_words": words(channels * (one.accumulator_reads - between + carried), bits),
            "scratchpad_write_words": words(channels * (written - between), bits),
        }
        if self.nest.banks is None:
            return tally
        return {**tally, "accumulator_reads": between, "accumulator_writes": between}

    def _array_tally(self, one: ArrayAccesses, channels: int) -> dict[str, int]:
        operand = max(self._operand_bits())
        registers = (one.operand_shifts + one.stationary_shifts + one.stationary_swaps) * operand + (
            one.sum_shifts + one.drain_shifts
        ) * self.nest.sum_bits
        tally = {"macs": one.macs * channels, "array_register_bits": registers * channels}
        kind = MAC_KIND[self.direction]
        return tally if kind is None else {**tally, kind: tally["macs"]}

    def _operand_words(self, one: ArrayAccesses, channels: int) -> int:
        bits_a, bits_b = self._operand_bits()
        return self.ctx.words(channels * one.a_reads, bits_a) + self.ctx.words(channels * one.b_reads, bits_b)

    def _operand_bits(self) -> tuple[int, int]:
        """Widths of the left and right operand: reads are (x, w), (x, y) or (y, w)."""
        left, right = (operand.bits for operand in self.nest.reads)
        return left, right


def lane_events(tally: dict[str, int]) -> dict[str, int]:
    """The events of a tally that take a lane of the vector or local unit."""
    memories = ("scratchpad", "accumulator", "array", "macs")
    return {event: n for event, n in tally.items() if not event.startswith(memories)}


def narrowing(ctx: Context, nest: Nest, at: Pieces, finish: tuple[str, ...], *, held: bool = False) -> dict[str, int]:
    """Finished sums are read and written back as the nest's result; `finish` is the work per sum."""
    done = nest.final_elements(at)
    tally = times(*((name, done) for name in finish))
    tally["scratchpad_read_words"] = 0 if held else ctx.words(done, nest.sum_bits)
    tally["scratchpad_write_words"] = ctx.words(done, nest.result.bits)
    return {**tally, "accumulator_reads": done} if held else tally
