"""What mappings are chosen for: bounds hold, brute force agrees, and no choice is worse than fewest bytes."""

from dataclasses import replace

import numpy as np
import pytest

from lls_hw.models.program.lower import lower
from lls_hw.models.registry import load, load_network
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.sim.cost.counts import NAMES, Counts
from lls_hw.sim.cost.energy import price
from lls_hw.sim.event.engine import run_alone, run_events, run_schedule
from lls_hw.sim.event.power import STATES
from lls_hw.sim.mapping.bounds import bounds_of
from lls_hw.sim.mapping.least_cost import distinct, trial_of
from lls_hw.sim.mapping.nest_ops import chooser, fewest_bytes, nest_of, work_of
from lls_hw.sim.mapping.objective import FEWEST_BYTES, OBJECTIVES, named_objective, objective_on
from lls_hw.sim.mapping.schedule import schedule_program
from lls_hw.sim.mapping.search import candidates_of
from lls_hw.sim.mapping.traffic import Traffic
from tests.unit.mapping.small import CHIP, OPS, PROGRAM, TINY, context, op_name

TECHNOLOGY = load("technology", "cmos_45nm", TechnologySpec, "--technology")
COSTS = tuple(name for name in OBJECTIVES if name != "bytes")
CHIPS = {
    "edge_16x16": CHIP,
    "one slot": CHIP.changed("scratchpad", double_buffered=False),
    "one queue": CHIP.changed("dram", dma_queues="shared", latency_cycles=7),
    "os": CHIP.changed("array", dataflow="os", rows=5, cols=7),
    "is": CHIP.changed("array", dataflow="is").changed("scratchpad", banks=3),
    "accumulators": CHIP.changed("accumulators", entries=256),
    "few accumulators": CHIP.changed("accumulators", entries=32).changed("scratchpad", double_buffered=False),
    "depthwise on the array": CHIP.model_copy(update={"depthwise_on": "array"}),
}


def objective(name, chip=CHIP, program=PROGRAM):
    return objective_on(name, chip, program.precision, TECHNOLOGY)


def trial(index, chip, program=PROGRAM):
    op, ctx = program.ops[index], context(index, 1 << 40, chip, program)
    nest = nest_of(ctx, op)
    return trial_of(ctx, nest, op, work_of(ctx, nest, op), run_alone)


@pytest.mark.parametrize("chip", CHIPS.values(), ids=CHIPS)
@pytest.mark.parametrize("index", OPS, ids=op_name)
def test_bounds__events_are_exact_and_no_run_is_shorter(index, chip):
    one = trial(index, chip)
    table = candidates_of(one.nest, chip.dram, one.ctx.depth)
    energy = objective("energy", chip)
    bounds = bounds_of(Traffic(one.nest, chip.dram, one.ctx.depth), chip, energy, one.worker, table.held)
    possible = np.flatnonzero((table.need_bytes < chip.scratchpad.capacity_bytes).ravel())
    for flat in possible[:: max(1, len(possible) // 20)]:
        counts, cycles = one.run(table.choice(int(flat)))
        work = energy.of(
            replace(counts, **dict.fromkeys(STATES, 0)), 0
        )  # time in the DRAM's states is no event of a tile
        assert bounds.pj.flat[flat] == pytest.approx(work, rel=1e-12), table.choice(int(flat)).text()
        assert bounds.cycles.flat[flat] <= cycles, table.choice(int(flat)).text()
        assert bounds.cycles.flat[flat] <= bounds.likely_cycles.flat[flat]


@pytest.mark.parametrize("index", OPS, ids=op_name)
def test_distinct__leaves_one_of_each_run(index):
    """Of all candidates with the same cuts, those left out run like one that is left."""
    one = trial(index, CHIP)
    table = candidates_of(one.nest, CHIP.dram, one.ctx.depth)
    kept = set(distinct(table, Traffic(one.nest, CHIP.dram, one.ctx.depth)).tolist())
    possible = [int(flat) for flat in np.flatnonzero((table.need_bytes < 1 << 50).ravel())]
    assert 0 < len(kept) < len(possible)
    cuts = table.need_bytes[0].size
    for flat in possible[:: max(1, len(possible) // 40)]:
        if flat not in kept:
            twins = {one.run(table.choice(twin)) for twin in range(flat % cuts, flat, cuts) if twin in kept}
            assert one.run(table.choice(flat)) in twins


@pytest.mark.parametrize("name", COSTS)
def test_choice__is_the_best_of_all_candidates(name):
    """Against every candidate that fits, each run in full by the event engine."""
    wanted, compared = objective(name, program=TINY), 0
    for index in OPS:
        one = trial(index, CHIP, TINY)
        table = candidates_of(one.nest, CHIP.dram, one.ctx.depth)
        kept = distinct(table, Traffic(one.nest, CHIP.dram, one.ctx.depth))
        figures = np.array([wanted.of(*one.run(table.choice(int(flat)))) for flat in kept])
        need = table.need_bytes.ravel()[kept]
        for budget in np.unique(np.geomspace(need.min(), need.max(), 8).astype(int)).tolist():
            found = chooser(wanted, run_alone)(one.ctx, one.nest, one.op, one.worker, budget)
            assert wanted.of(*one.run(found)) == figures[need <= budget].min(), (op_name(index), budget, found.text())
            assert found.need_bytes <= budget
            compared += 1
    assert compared > 50


SWEEP = [
    (net, rule, sram) for net in ("smallconv", "mlperf_tiny_vww") for rule in ("lls_m", "bp") for sram in (96, 256)
]


@pytest.mark.parametrize(("net", "rule", "sram_kib"), SWEEP)
@pytest.mark.parametrize("chip", CHIPS.values(), ids=CHIPS)
def test_sweep__no_choice_is_worse_than_fewest_bytes(net, rule, sram_kib, chip):
    """Op by op, each alone; and whole programs."""
    chip = chip.changed("scratchpad", capacity_bytes=sram_kib * 1024)
    program = lower(load_network(net), parse_rule(rule), batch=2)
    plain = run_schedule(schedule_program(program, chip))
    for name in COSTS:
        wanted, seen = objective(name, chip, program), []

        def choose(ctx, nest, op, worker, budget, *, wanted=wanted, seen=seen):
            found = chooser(wanted, run_alone)(ctx, nest, op, worker, budget)
            runs = trial_of(ctx, nest, op, worker, run_alone)
            first = fewest_bytes(ctx, nest, op, worker, budget)
            assert wanted.of(*runs.run(found)) <= wanted.of(*runs.run(first)), (op.layer, op.stage, found.text())
            seen.append(found)
            return found

        schedule_program(program, chip, choose)
        assert len(seen) > 5
        result = run_events(program, chip, objective=wanted)
        assert wanted.of(result.counts, result.cycles) <= wanted.of(plain.counts, plain.cycles)
        assert result.macs == plain.macs


def test_bytes__is_the_ranking_by_bytes_itself():
    assert chooser(FEWEST_BYTES, run_alone) is fewest_bytes
    program = lower(load_network("smallconv"), parse_rule("bp"), batch=2)
    assert run_events(program, CHIP, objective=objective("bytes")) == run_schedule(schedule_program(program, CHIP))


def test_choice__is_the_same_again():
    """With nothing remembered from before."""
    from lls_hw.sim.mapping import least_cost

    program = lower(load_network("smallconv"), parse_rule("lls_m"), batch=4)
    first = schedule_program(program, CHIP, chooser(objective("edp"), run_alone)).mappings
    for memo in (least_cost._run, least_cost._bounds):
        memo.cache_clear()
    assert schedule_program(program, CHIP, chooser(objective("edp"), run_alone)).mappings == first


def test_objective__prices_a_run_as_the_price_list_does():
    counts = Counts(**{name: 3 + at for at, name in enumerate(NAMES)} | {"macs": 1000})
    how = {"chip": CHIP, "precision": PROGRAM.precision, "technology": TECHNOLOGY}
    total = price(counts, cycles=77, **how).total
    assert objective("energy").of(counts, 77) == pytest.approx(total, rel=1e-13)
    assert objective("edp").of(counts, 77) == pytest.approx(total * 77, rel=1e-13)
    assert objective("cycles").of(counts, 77) == 77
    assert objective("bytes").of(counts, 77) == counts.dram_read_bytes + counts.dram_write_bytes
    tally = {name: getattr(counts, name) for name in NAMES}
    assert objective("energy").dynamic_pj(tally) == pytest.approx(objective("energy").of(counts, 0), rel=1e-13)


def test_named_objective__refuses_others():
    need = "--objective = 'power': mappings are chosen for energy, cycles, edp, bytes. Choose one of them."
    with pytest.raises(SpecError) as caught:
        named_objective("--objective", "power")
    assert str(caught.value) == need


def test_trial__of_fewer_ports_is_another():
    """A chip of fewer macros than banks has fewer ports: what was mapped for the other must not serve it."""
    few = CHIP.changed("scratchpad", capacity_bytes=48 * 1024)
    many = CHIP.changed("scratchpad", capacity_bytes=64 * 1024)
    more = CHIP.changed("scratchpad", capacity_bytes=128 * 1024)
    assert [chip.scratchpad.ports for chip in (few, many, more)] == [12, 16, 16]
    assert trial(OPS[0], few) != trial(OPS[0], many)
    assert trial(OPS[0], more) == trial(OPS[0], many)
