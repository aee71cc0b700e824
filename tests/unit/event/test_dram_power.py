"""The DRAM's states, cycle by cycle: against a device stepped one cycle at a time, by hand, and over whole programs."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lls_hw.models.program.lower import lower
from lls_hw.models.registry import load, load_network
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.sim.event.engine import run_events
from lls_hw.sim.event.power import ACTIVE, ASLEEP, DOWN, STANDBY, STATES, DramPower

CHIP = load("chips", "edge_16x16_flat", AcceleratorSpec, "--chip")


def stepped(requests: list[tuple[int, int]], end: int, closes: int | None, sleeps: int | None) -> dict[str, int]:
    """Cycles by state, one cycle at a time; `requests` are (first cycle, cycle after the last)."""
    found, rests = dict.fromkeys(STATES, 0), 0
    for cycle in range(end):
        if any(first <= cycle < last for first, last in requests):
            found[ACTIVE] += 1
            rests = 0
            continue
        if sleeps is not None and rests >= sleeps:
            found[ASLEEP] += 1
        elif closes is not None and rests >= closes:
            found[DOWN] += 1
        else:
            found[STANDBY] += 1
        rests += 1
    return found


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=8),
    st.one_of(st.none(), st.integers(0, 12)),
    st.one_of(st.none(), st.integers(12, 40)),
    st.lists(st.integers(0, 120), max_size=6),
)
def test_book__is_a_device_stepped_cycle_by_cycle(requests, closes, sleeps, looks):
    """Requests overlap as they please, and the account is looked at at any time."""
    power = DramPower(CHIP)
    power.closes, power.sleeps, power.wakes = closes, sleeps, 0
    spans = [(first, first + length) for first, length in requests]
    end, account = 130, {}
    moments = [(first, 1) for first, _ in spans] + [(last, -1) for _, last in spans] + [(at, 0) for at in (*looks, end)]
    for cycle, change in sorted(moments, key=lambda at: (at[0], -at[1])):
        power.book(cycle, account)
        if change > 0:
            power.request(cycle)
        elif change < 0:
            power.release(cycle)
    assert dict.fromkeys(STATES, 0) | account == stepped(spans, end, closes, sleeps)


def test_times__of_the_default_chip():
    """At 200 MHz: 18 ns to close rows, 10 us for the PHY to wake, a hundred times as long until self refresh."""
    power = DramPower(CHIP)
    assert (power.closes, power.sleeps, power.wakes) == (4, 200_000, 2_000)
    fast = DramPower(CHIP.changed("dram", latency_cycles=1, self_refresh_after_cycles=0))
    assert (fast.closes, fast.sleeps) == (None, None), "7.5 ns are two cycles, more than its latency"
    awake = DramPower(CHIP.changed("dram", power_down=False))
    assert (awake.closes, awake.sleeps) == (None, 200_000)


def test_request__after_self_refresh_waits_and_others_meanwhile_too():
    power, account = DramPower(CHIP.changed("dram", self_refresh_after_cycles=20_000)), {}
    power.book(20_000, account)
    assert power.request(20_000) == 2_000
    power.book(20_500, account)
    assert power.request(20_500) == 1_500
    power.book(23_000, account)
    power.release(22_500)
    power.release(23_000)
    assert power.request(42_999) == 0
    assert account == {STANDBY: 4, DOWN: 19_996, ACTIVE: 3_000}


@pytest.mark.parametrize("rule", ["bp", "lls_m", "inference"])
@pytest.mark.parametrize("change", [{}, {"self_refresh_after_cycles": 300}, {"power_down": False}], ids=str)
def test_states__of_an_op_are_its_cycles(rule, change):
    result = run_events(lower(load_network("smallconv"), parse_rule(rule), batch=4), CHIP.changed("dram", **change))
    for op in result.ops:
        assert sum(getattr(op.counts, state) for state in STATES) == op.attributed_cycles
    assert sum(getattr(result.counts, state) for state in STATES) == result.cycles
    assert result.counts.dram_active_cycles >= result.busy_cycles["dram"]
    assert (result.counts.dram_self_refresh_cycles > 0) == (change.get("self_refresh_after_cycles") == 300)
    assert (result.counts.dram_power_down_cycles == 0) == (change == {"power_down": False})


def test_macros__in_use_are_counted_for_every_cycle():
    """A run holds between none and all of its macros; the integral over its ops is that over its occupancy."""
    result = run_events(lower(load_network("smallconv"), parse_rule("bp"), batch=4), CHIP)
    points, total = [*result.occupancy, (result.cycles, 0)], 0
    for (cycle, used), (until, _) in pairwise(points):
        total += -(-used // 4096) * (until - cycle)
    assert result.counts.scratchpad_macro_cycles == total
    assert 0 < total < 64 * result.cycles
