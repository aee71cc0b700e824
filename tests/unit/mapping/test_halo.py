"""Rows of the input map that the next tile's windows need wait for it: recounted row by row, with sets."""

from itertools import product

import numpy as np
import pytest

from lls_hw.models.program.lower import lower
from lls_hw.models.registry import load, load_network
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.sim.mapping.explain import explain
from lls_hw.sim.mapping.nest_ops import nest_of, streamed_names, work_of
from lls_hw.sim.mapping.nest_plan import NestBuilder
from lls_hw.sim.mapping.search import candidates_of
from lls_hw.sim.mapping.tile import unrolled
from tests.unit.mapping.small import CHIP, OPS, PROGRAM, context, op_name

WINDOWED = [
    index
    for index in OPS
    if any(operand.side == "x" for operand in nest_of(context(index, 1 << 40), PROGRAM.ops[index]).reads)
]


def pieces(axis):
    """(piece, image or None, first output row) of every piece, in order."""
    for repeat in range(axis.outer):
        row = 0
        for piece, count in axis.runs:
            for _ in range(count):
                yield piece, repeat if axis.by_rows else None, row
                row += piece.out_rows if axis.by_rows else 0


def loads_by_hand(nest, choice):
    """Codes of x that each tile brings, in order, from the rows that its windows need and those that are there."""
    loops = {"r": list(pieces(choice.rows)), "i": list(pieces(choice.ins)), "o": list(pieces(choice.outs))}
    there, before, brought = set(), None, []
    for at in product(*(range(len(loops[dim])) for dim in choice.order)):
        place = dict(zip(choice.order, at, strict=True))
        piece, image, row = loops["r"][place["r"]]
        channels = loops["i"][place["i"]][0].size
        last = row + piece.out_rows == len(nest.windows)
        begin = 0 if row == 0 else min(nest.windows[row][0], max(end for _, end in nest.windows[:row]))
        end = nest.in_h if last else max(w[1] for w in nest.windows[: row + piece.out_rows])
        need = {(place["i"], image, line) for line in range(begin, end)} if image is not None else None
        if need is None:  # whole images: nothing to keep
            key = (place["i"], place["r"])
            brought.append(0 if key == before else piece.images * nest.in_h * nest.in_w * channels)
            before, there = key, set()
            continue
        brought.append(len(need - there) * nest.in_w * channels)
        there = need
    return brought


@pytest.mark.parametrize("index", WINDOWED, ids=op_name)
def test_loads__are_the_rows_that_are_not_there(index):
    op, ctx = PROGRAM.ops[index], context(index, 1 << 40)
    nest = nest_of(ctx, op)
    table = candidates_of(nest, CHIP.dram, ctx.depth)
    worker = work_of(ctx, nest, op)
    names = (*streamed_names(op), op.out)
    name = names[[operand.side for operand in nest.reads].index("x")]
    judged = 0
    possible = np.flatnonzero(table.need_bytes.ravel() < 1 << 50)
    for flat in possible[:: max(1, len(possible) // 400)]:
        choice = table.choice(int(flat))
        if not choice.keeps_halo:
            continue
        plan = NestBuilder(ctx, nest, names, choice, worker.work_for(choice)).plan(worker.route, 0, ())
        brought = [
            sum(load.elements for load in tile.loads if load.tensor == name) for tile in unrolled(plan.body)
        ]  # fmt: skip
        assert brought == loads_by_hand(nest, choice), choice.text()
        judged += 1
    assert judged > min(20, len(possible) // 3)


def test_vgg8__conv2_reaches_what_zigzag_reaches():
    """5.5 MB are compulsory; 11.3 MB were moved when every tile brought its whole window."""
    program = lower(load_network("vgg8"), parse_rule("lls_m"), batch=8)
    chip = load("chips", "edge_16x16", AcceleratorSpec, "--chip")
    index = next(i for i, op in enumerate(program.ops) if op.layer == "conv2")
    assert explain(program, chip, index).winner.dram_bytes <= 7_710_000
