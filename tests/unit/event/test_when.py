"""When units serve ops, and how full the scratchpad is: the JSON's timeline and occupancy."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lls_hw.costs.timeline import OCCUPANCY_POINTS, UNIT_ORDER, occupancy_json, thinned, timeline_json
from lls_hw.models.program.lower import lower
from lls_hw.models.registry import load_network
from lls_hw.models.rules.registry import parse_rule
from lls_hw.sim.event.engine import run_events


@pytest.fixture(scope="module")
def program():
    return lower(load_network("smallconv"), parse_rule("lls_m"), batch=4)


def test_active__is_what_the_whole_timeline_shows(program, chip):
    """Skipping repeated tiles changes no first and no last cycle; the trace of every tile is the oracle."""
    quick, slow = run_events(program, chip), run_events(program, chip, batched=False, trace=True)
    assert [op.active for op in quick.ops] == [op.active for op in slow.ops]
    for unit in UNIT_ORDER:
        spans = [(start, end) for name, _, start, end in slow.spans if name == unit]
        active = [op.active[unit] for op in slow.ops if unit in op.active]
        inside = [any(first <= start and end <= last for first, last in active) for start, end in spans]
        assert all(inside)
        assert {first for first, _ in active} <= {start for start, _ in spans}
        assert {last for _, last in active} <= {end for _, end in spans}


def test_timeline__keeps_every_busy_cycle_and_no_unit_serves_two_ops_at_once(program, chip):
    result = run_events(program, chip)
    entries = timeline_json(result)
    for unit in UNIT_ORDER:
        mine = sorted((e for e in entries if e["unit"] == unit), key=lambda e: e["start_cycle"])
        assert sum(e["busy_cycles"] for e in mine) == result.busy_cycles.get(unit, 0)
        assert all(e["busy_cycles"] <= e["end_cycle"] - e["start_cycle"] for e in mine)
        assert all(one["end_cycle"] <= two["start_cycle"] for one, two in itertools.pairwise(mine))
        assert all(0 <= e["start_cycle"] < e["end_cycle"] <= result.cycles for e in mine)


def test_occupancy__keeps_the_peak(program, chip):
    result = run_events(program, chip)
    points = occupancy_json(result)
    assert max(used for _, used in points) == result.scratchpad_peak_bytes
    assert len(points) <= OCCUPANCY_POINTS
    assert points == sorted(points)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 99)), min_size=1, max_size=200), st.integers(3, 40))
def test_thinned__keeps_the_highest_of_every_stretch(steps, most):
    """Against the definition: the stretches are cut anew here, point by point."""
    cycles = [sum(gap + 1 for gap, _ in steps[: at + 1]) for at in range(len(steps))]
    points = list(zip(cycles, (used for _, used in steps), strict=True))
    kept = thinned(points, most)
    assert len(kept) <= most
    assert kept == sorted(set(kept)), "in order and none twice"
    assert set(kept) <= set(points)
    assert kept[-1] == points[-1]
    width = -(-(points[-1][0] + 1) // max(1, (most - 1) // 2))
    for stretch in {cycle // width for cycle, _ in points}:
        highest = max(used for cycle, used in points if cycle // width == stretch)
        assert highest in [used for cycle, used in kept if cycle // width == stretch]
