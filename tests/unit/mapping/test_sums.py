"""Where sums lie: never more than a bank holds, counted as the registers count them, and never worse with more room."""

import itertools

import numpy as np
import pytest

from lls_hw.models.program.lower import lower
from lls_hw.models.program.ops.products import Gemm
from lls_hw.models.registry import load, load_network
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.sim.array import dataflow_of
from lls_hw.sim.array.registers import run_array
from lls_hw.sim.event.engine import run_events
from lls_hw.sim.mapping.context import Context, Place
from lls_hw.sim.mapping.nest_ops import nest_of, streamed_names, work_of
from lls_hw.sim.mapping.nest_plan import NestBuilder
from lls_hw.sim.mapping.schedule import schedule_program
from lls_hw.sim.mapping.search import candidates_of
from lls_hw.sim.mapping.tile import walk

EDGE = (
    load("chips", "edge_16x16_flat", AcceleratorSpec, "--chip")
    .changed("array", rows=4, cols=3)
    .changed("vector", lanes=3)
)
FLOWS = ("ws", "is", "os")
ENTRIES = (2, 8, 14, 30, 70, 200, 1000)


def small_program():
    net = {
        "name": "small",
        "input": [3, 9, 7],
        "classes": 3,
        "layers": [
            {"kind": "conv", "name": "a", "out_channels": 10, "kernel": 3, "stride": 2, "padding": 1, "pool": 2},
            {"kind": "conv", "name": "b", "out_channels": 9, "kernel": 3, "stride": 1, "padding": 1, "pool": 2},
            {"kind": "conv", "name": "c", "out_channels": 5, "kernel": 1, "stride": 1, "padding": 0, "pool": 2},
            {"kind": "linear", "name": "fc", "out_features": 6, "pool": 4},
        ],
    }
    return lower(NetworkSpec.from_mapping(net, "small"), parse_rule("bp"), batch=2)


PROGRAM = small_program()
OPS = [index for index, op in enumerate(PROGRAM.ops) if isinstance(op, Gemm)]


def chip_of(flow, entries, *, hidden=True, double=True):
    chip = EDGE.changed("array", dataflow=flow, preload_hidden=hidden).changed("scratchpad", double_buffered=double)
    return chip if entries is None else chip.changed("accumulators", entries=entries)


def mapped(index, chip):
    """(context, nest, worker, candidates) of an op with nothing resident."""
    op = PROGRAM.ops[index]
    names = dict.fromkeys((*op.reads, *op.writes))
    ctx = Context(PROGRAM, chip, {n: Place(False, n in op.reads, n in op.writes) for n in names}, 1 << 40)
    nest = nest_of(ctx, op)
    return ctx, nest, work_of(ctx, nest, op), candidates_of(nest, chip.dram, ctx.depth)


def built(index, ctx, nest, worker, choice):
    names = (*streamed_names(PROGRAM.ops[index]), PROGRAM.ops[index].out)
    return NestBuilder(ctx, nest, names, choice, worker.work_for(choice)).plan(worker.route, 0, ())


def overlaps(index):
    """Whether products are added to a map where others are."""
    op = PROGRAM.ops[index]
    return op.direction == "input_grad" and op.shape.kernel_h > 1 and op.shape.kind == "conv"


def pieces_of(choice):
    axes = [[piece for piece, _ in axis.runs] for axis in (choice.rows, choice.ins, choice.outs)]
    return [dict(zip("rio", at, strict=True)) for at in itertools.product(*axes)]


@pytest.mark.parametrize("index", OPS, ids=lambda i: f"{PROGRAM.ops[i].layer}-{PROGRAM.ops[i].direction}")
@pytest.mark.parametrize("flow", FLOWS)
def test_candidates__bytes_buffers_and_macs_are_those_of_their_tiles(index, flow):
    kinds = set()
    for entries in ENTRIES:
        ctx, nest, worker, table = mapped(index, chip_of(flow, entries))
        possible = np.flatnonzero(table.need_bytes.ravel() < 1 << 50)
        for flat in possible[:: max(1, len(possible) // 40)]:
            choice = table.choice(int(flat))
            plan = built(index, ctx, nest, worker, choice)
            moved = sum(t.bus_bytes * n for tile, n in walk(plan.body) for t in (*tile.loads, *tile.stores))
            assert (moved, plan.working_bytes) == (choice.dram_bytes, choice.need_bytes), choice
            assert sum(n * tile.tally["macs"] for tile, n in walk(plan.body)) == PROGRAM.ops[index].macs
            assert plan.out.name == ("codes" if choice.held else "sums")
            kinds.add(choice.held)
    assert kinds == ({False} if flow == "is" and overlaps(index) else {False, True})


@pytest.mark.parametrize("index", OPS, ids=lambda i: f"{PROGRAM.ops[i].layer}-{PROGRAM.ops[i].direction}")
@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("double", [True, False])
def test_held_sums__never_exceed_a_bank(index, flow, double):
    """By the sums themselves: a tile's are laid below the columns one by one and counted, not asked of the mapper."""
    checked = 0
    for entries in ENTRIES:
        chip = chip_of(flow, entries, double=double)
        bank, cols = entries // (2 if double else 1), chip.array.cols
        _, nest, _, table = mapped(index, chip)
        for flat in np.flatnonzero(table.held.ravel() & (table.need_bytes.ravel() < 1 << 50))[::7]:
            choice = table.choice(int(flat))
            ignored = [choice.axis(dim).trips for dim in nest.ignored(nest.result.side)]
            for at in pieces_of(choice):
                m, _, n = nest.product(at)
                if overlaps(index):  # the map stands below the columns
                    pixels, channels = nest.pixels("x", at["r"]), at["i"].size
                    products = 0 if flow == "os" else 1
                    fullest = np.bincount(np.arange(channels) % cols).max() * pixels + products
                    assert flow != "is"
                    assert fullest <= bank
                    continue
                across, streamed = (m, n) if flow == "is" else (n, m)
                fullest = np.bincount(np.arange(across) % cols).max() * streamed
                if fullest <= bank:
                    continue
                assert max(ignored, default=1) == 1, "sums that must wait for another tile do not fit"
                one = min(streamed, chip.array.rows) if flow == "os" else 1
                assert bank >= one
                checked += 1
    assert checked > 0 or PROGRAM.ops[index].layer not in ("a", "b") or PROGRAM.ops[index].direction != "forward"


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("index", [OPS[0], OPS[2]])
@pytest.mark.parametrize("entries", [14, 30, 200])
def test_held_tiles__count_what_the_registers_count(flow, index, entries):
    """Cycles, operands read and accumulator accesses of tiles that start and finish, beside the clocked array."""
    chip = chip_of(flow, entries).changed("scratchpad", word_bits=8, banks=10**6)
    _, nest, worker, table = mapped(index, chip)
    seen = 0
    for flat in np.flatnonzero(table.held.ravel() & (table.need_bytes.ravel() < 1 << 50))[::29]:
        choice = table.choice(int(flat))
        if any(choice.axis(dim).trips > 1 for dim in nest.ignored(nest.result.side)):
            continue
        for at in pieces_of(choice)[:2]:
            m, k, n = nest.product(at)
            run = run_array(np.ones((m, k), int), np.ones((k, n), int), chip.array, bank_entries=entries // 2)
            tile = worker.work_for(choice)(at, True, True)
            counted = run.counters
            written = m * n if dataflow_of(chip.array).sums_stay else counted.accumulator_writes
            assert tile.cycles[0] == run.cycles
            assert tile.tally["accumulator_writes"] == written
            assert tile.tally["accumulator_reads"] == counted.accumulator_reads + counted.outputs
            bits = [operand.bits for operand in nest.reads]
            words = (counted.a_reads * bits[0] + counted.b_reads * bits[1]) // 8
            assert tile.tally["scratchpad_read_words"] == words
            assert tile.tally["scratchpad_write_words"] == m * n * nest.result.bits // 8
            seen += 1
    assert seen > 3


def work_of_all(index, ctx, nest, worker, choice):
    """(cycles by unit, scratchpad words) of all tiles."""
    plan = built(index, ctx, nest, worker, choice)
    cycles = [0] * len(plan.route)
    words = 0
    for tile, times in walk(plan.body):
        for at, each in enumerate(tile.cycles):
            cycles[at] += times * each
        words += times * (tile.tally["scratchpad_read_words"] + tile.tally["scratchpad_write_words"])
    return cycles, words


@pytest.mark.parametrize("index", OPS, ids=lambda i: f"{PROGRAM.ops[i].layer}-{PROGRAM.ops[i].direction}")
@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("hidden", [True, False])
def test_more_entries__never_cost_cycles_nor_scratchpad_words_nor_room(index, flow, hidden):
    """For every mapping; so neither does an op whose mapping is chosen among them. From no accumulators upward."""
    before, gained = {}, 0
    for entries in (None, *ENTRIES):
        ctx, nest, worker, table = mapped(index, chip_of(flow, entries, hidden=hidden))
        possible = np.flatnonzero(table.need_bytes.ravel() < 1 << 50)
        for flat in possible[:: max(1, len(possible) // 25)]:
            choice = table.choice(int(flat))
            cycles, words = work_of_all(index, ctx, nest, worker, choice)
            if flat in before:
                least, fewest, room, held = before[flat]
                assert all(now <= then for now, then in zip(cycles, least, strict=True)), choice
                assert words <= fewest, choice
                assert choice.need_bytes <= room, choice
                assert choice.held >= held, choice
                gained += words < fewest
            before[flat] = cycles, words, choice.need_bytes, choice.held
    assert gained > 0


def test_one_entry_a_column__is_a_chip_without_accumulators():
    """Two banks of nothing: every number of a run is that of the chip that has none."""
    program = lower(load_network("smallconv"), parse_rule("lls_m"), batch=2)
    none, one = (run_events(program, chip_of("ws", entries)) for entries in (None, 1))
    assert none == one


def test_narrow_entries_are_refused():
    chip = EDGE.changed("accumulators", entries=64, word_bits=24)
    with pytest.raises(SpecError) as refused:
        schedule_program(PROGRAM, chip)
    need = "the run's accumulators have 32 bits. Use 32 or more."
    assert str(refused.value) == f"chip.accumulators.word_bits = 24: {need}"
