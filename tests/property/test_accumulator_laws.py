"""What accumulators promise, over random layers, chips, mappings: no more bytes, words or cycles with more entries."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lls_hw.models.program.ops.products import Gemm
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.sim.event.engine import run_alone, run_events
from lls_hw.sim.mapping.context import Context, Place
from lls_hw.sim.mapping.nest_ops import nest_of, streamed_names, work_of
from lls_hw.sim.mapping.nest_plan import NestBuilder
from lls_hw.sim.mapping.search import IMPOSSIBLE_BYTES, candidates_of
from lls_hw.sim.mapping.tile import walk
from tests.property.test_event_laws import SETTINGS, alone, cases

ENTRIES = st.one_of(st.integers(2, 100), st.integers(2, 4000))


def with_entries(chip: AcceleratorSpec, entries: int | None) -> AcceleratorSpec:
    """The chip with so many, or none; lanes that its columns can serve."""
    bare = AcceleratorSpec.from_mapping(
        {**chip.model_dump(), "memory": tuple(level for level in chip.memory if level.kind != "accumulators")}, "chip"
    )
    bare = bare.changed("vector", lanes=bare.array.cols)
    return bare if entries is None else bare.changed("accumulators", entries=entries, word_bits=64)


@SETTINGS
@given(case=cases(), entries=ENTRIES, more=st.integers(1, 4000))
def test_gemm__more_entries_never_cost_dram_bytes(case, entries, more):
    """With its best mapping of fewest bytes: sums that are held leave room."""
    program, chip = case
    for op in program.ops[:12]:
        if isinstance(op, Gemm):
            one = alone(program, op)
            moved = [
                (counts.dram_read_bytes + counts.dram_write_bytes)
                for counts in (run_events(one, with_entries(chip, n)).counts for n in (None, entries, entries + more))
            ]
            assert moved == sorted(moved, reverse=True)


def every_size(program, op, chip, *, stores):
    """(context, nest, worker, names, candidates) of an op whose operands are loaded; its result is stored, or stays."""
    places = {name: Place(False, True, False) for name in op.reads}
    places[op.out] = Place(not stores, False, stores)
    ctx = Context(program, chip, places, 1 << 40)
    nest = nest_of(ctx, op)
    return ctx, nest, work_of(ctx, nest, op), (*streamed_names(op), op.out), candidates_of(nest, chip.dram, ctx.depth)


@settings(SETTINGS, max_examples=220)  # some 2 200 pairs of chips
@given(case=cases(), entries=ENTRIES, more=st.integers(1, 4000), stores=st.booleans(), data=st.data())
def test_mapping__more_entries_never_cost_words_nor_cycles(case, entries, more, stores, data):
    """One mapping, the op by itself: with none, with some, with more.

    The work of no unit grows. Cycles do not where only loads use the bus: with stores on it, a shorter tile may ask for
    it at a worse moment.
    """
    program, chip = case
    chip = chip.changed("scratchpad", capacity_bytes=1 << 30)  # whatever the mapping needs
    gemms = [op for op in program.ops if isinstance(op, Gemm)]
    for op in gemms[:8]:
        chips = [with_entries(chip, number) for number in (None, entries, entries + more)]
        known = [every_size(program, op, one, stores=stores) for one in chips]
        flat = data.draw(st.sampled_from(np.flatnonzero(known[0][4].need_bytes.ravel() < IMPOSSIBLE_BYTES).tolist()))
        found = []
        for one, (ctx, nest, worker, names, table) in zip(chips, known, strict=True):
            choice = table.choice(flat)
            plan = NestBuilder(ctx, nest, names, choice, worker.work_for(choice)).plan(worker.route, 0, ())
            found.append((run_alone(op, plan, one), busy(plan), choice))
        for ((small, slow), longer, before), ((large, quick), shorter, after) in pairwise(found):
            assert after.held >= before.held
            assert after.need_bytes <= before.need_bytes
            assert words(large) <= words(small)
            assert (large.dram_read_bytes, large.dram_write_bytes) == (small.dram_read_bytes, small.dram_write_bytes)
            assert all(now <= then for now, then in zip(shorter, longer, strict=True))
            assert quick <= slow or small.dram_write_bytes > 0


def words(counts):
    """Of the scratchpad, read and written."""
    return counts.scratchpad_read_words + counts.scratchpad_write_words


def busy(plan):
    """Cycles of each unit over all tiles."""
    total = [0] * len(plan.route)
    for tile, times in walk(plan.body):
        total = [sum_ + times * each for sum_, each in zip(total, tile.cycles, strict=True)]
    return total
