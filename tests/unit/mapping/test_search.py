"""The mapper's scores are what the tiles move and need, and its winner is the best of all candidates."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lls_hw.models.program.lower import lower
from lls_hw.models.program.ops.products import DepthwiseConv, Gemm
from lls_hw.models.registry import load_network
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.errors import SpecError
from lls_hw.sim.mapping.axes import (
    EXHAUSTIVE,
    chunk_axis,
    chunk_sizes,
    cut_images,
    cut_rows,
    row_axes,
    steps,
    windows_of,
)
from lls_hw.sim.mapping.explain import explain
from lls_hw.sim.mapping.nest_ops import fewest_bytes, nest_of, streamed_names, work_of
from lls_hw.sim.mapping.nest_plan import NestBuilder
from lls_hw.sim.mapping.search import candidates_of, score
from lls_hw.sim.mapping.tile import walk
from tests.unit.mapping.small import CHIP, OPS, PROGRAM, context, op_name

SETTINGS = settings(deadline=None, max_examples=25)


@pytest.mark.parametrize("index", OPS, ids=op_name)
def test_table__equals_the_tiles_of_every_candidate(index):
    """Each candidate is built in full: bytes moved, buffers, and work are compared with its score."""
    op, ctx = PROGRAM.ops[index], context(index, 1 << 40)
    nest = nest_of(ctx, op)
    table = candidates_of(nest, CHIP.dram, ctx.depth)
    worker = work_of(ctx, nest, op)
    route = worker.route
    names = (*streamed_names(op), op.out)
    macs = set()
    for flat in np.flatnonzero(table.need_bytes.ravel() < 1 << 50)[::7]:
        choice = table.choice(int(flat))
        plan = NestBuilder(ctx, nest, names, choice, worker.work_for(choice)).plan(route, 0, ())
        moved = sum(t.bus_bytes * n for tile, n in walk(plan.body) for t in (*tile.loads, *tile.stores))
        assert moved == choice.dram_bytes, choice
        assert plan.working_bytes == choice.need_bytes, choice
        assert plan.touched_writes[op.out] == PROGRAM.tensors[op.out].elements
        macs.add(sum(n * (tile.tally.get("macs", 0) + tile.tally.get("vector_macs", 0)) for tile, n in walk(plan.body)))
    if isinstance(op, Gemm | DepthwiseConv):
        assert macs == {op.macs}


@pytest.mark.parametrize("index", OPS[:6])
@pytest.mark.parametrize("budget", [900, 2000, 8000, 1 << 20])
def test_choice__no_fitting_candidate_moves_fewer_bytes(index, budget):
    op, ctx = PROGRAM.ops[index], context(index, budget)
    nest = nest_of(ctx, op)
    table = candidates_of(nest, CHIP.dram, ctx.depth)
    fits = table.need_bytes <= budget
    if not fits.any():
        pytest.skip("no candidate fits so little")
    choice = fewest_bytes(ctx, nest, op, work_of(ctx, nest, op), budget)
    assert choice.need_bytes <= budget
    assert choice.dram_bytes == table.dram_bytes[fits].min()


@SETTINGS
@given(
    batch=st.integers(1, 7),
    rows=st.integers(1, 40),
    kernel=st.integers(1, 5),
    stride=st.integers(1, 6),
    pad=st.integers(0, 4),
)
def test_row_axes__cover_every_row_once(batch, rows, kernel, stride, pad):
    pad = min(pad, kernel - 1)
    if rows + 2 * pad < kernel:
        return
    out = (rows + 2 * pad - kernel) // stride + 1
    windows = windows_of(out, rows, kernel, stride, pad)
    for axis in row_axes(batch, rows, windows):
        assert axis.total(lambda piece: piece.images * piece.out_rows) == batch * out
        assert axis.total(lambda piece: piece.images * piece.fresh_rows) == batch * rows
        assert axis.total(lambda piece: piece.images * piece.final_rows) == batch * rows
        assert all(min(p.fresh_rows, p.final_rows) >= 0 and p.in_rows >= p.fresh_rows for p, _ in axis.runs)


@SETTINGS
@given(length=st.integers(1, 600), align=st.sampled_from([1, 8, 16, 32]))
def test_chunk_sizes__always_offer_the_whole_and_one(length, align):
    sizes = chunk_sizes(length, align)
    assert {1, length} <= set(sizes)
    assert all(chunk_axis(length, size).total(lambda piece: piece.size) == length for size in sizes)


def unroll(places):
    for place in places:
        if hasattr(place, "body"):
            for _ in range(place.count):
                yield from unroll(place.body)
        else:
            yield place


@SETTINGS
@given(length=st.integers(1, 50), chunk=st.integers(1, 50), batch=st.integers(1, 5))
def test_steps__mark_exactly_the_first_and_the_last(length, chunk, batch):
    axes = itertools.chain([chunk_axis(length, chunk)], row_axes(batch, length, windows_of(length, length, 3, 1, 1)))
    for axis in axes:
        places = list(unroll(steps(axis)))
        assert len(places) == axis.trips
        assert [p.first for p in places] == [True] + [False] * (axis.trips - 1)
        assert [p.last for p in places] == [False] * (axis.trips - 1) + [True]
        assert [p.piece for p in places] == [p for _ in range(axis.outer) for p, n in axis.runs for _ in range(n)]


def test_explain__says_why_and_refuses_streams():
    program = lower(load_network("vww_cnn"), parse_rule("lls_m"), batch=8)
    why = explain(program, CHIP, 0, top=3)
    assert why.text().startswith("op 0 conv1 forward (Gemm): ")
    assert all(other.dram_bytes > why.winner.dram_bytes for other in why.runners_up)
    with pytest.raises(
        SpecError, match=r"^--explain = 1: op 1 \(BatchNorm\) streams, it has no mapping\. Name a GEMM\.$"
    ):
        explain(program, CHIP, 1)


def every_cut(nest):
    """All sizes of all loops, with no thought for what is worth trying."""
    images = tuple(cut_images(nest.batch, n, nest.in_h, nest.windows) for n in range(1, nest.batch + 1))
    rows = tuple(cut_rows(nest.batch, n, nest.in_h, nest.windows) for n in range(1, len(nest.windows)))
    outs = 1 if nest.shared else nest.out_c
    return {
        "r": images + rows,
        "i": tuple(chunk_axis(nest.in_c, n) for n in range(1, nest.in_c + 1)),
        "o": tuple(chunk_axis(outs, n) for n in range(1, outs + 1)),
    }


def test_search__is_optimal_on_small_layers():
    """Against brute force over every tile size and order, at a dozen budgets each."""
    compared = 0
    for index in OPS:
        nest = nest_of(context(index, 1 << 40), PROGRAM.ops[index])
        if max(nest.in_c, nest.out_c, len(nest.windows), nest.batch) > EXHAUSTIVE:
            continue
        found, brute = candidates_of(nest, CHIP.dram, 2), score(nest, CHIP.dram, 2, every_cut(nest))
        most = int(brute.need_bytes[brute.need_bytes < 1 << 50].max())
        for budget in np.unique(np.geomspace(brute.need_bytes.min(), most, 12).astype(int)):
            best = brute.dram_bytes[brute.need_bytes <= budget].min()
            assert found.dram_bytes[found.need_bytes <= budget].min() == best, (PROGRAM.ops[index], budget)
            compared += 1
    assert compared > 100
