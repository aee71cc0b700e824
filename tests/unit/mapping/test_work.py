"""The table of lane operations: known events, every entry in use, and cycles by hand."""

from pathlib import Path

import lls_hw.sim.mapping.work as work_module
from lls_hw.sim.cost.counts import NAMES
from lls_hw.sim.mapping.work import DIVIDE_CYCLES, WORK, lane_cycles, times


def test_work__entries_are_counted_events():
    assert {event for events in WORK.values() for event in events} <= set(NAMES)


def test_work__every_entry_is_used():
    folder = Path(work_module.__file__).parent
    text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py") if path.name != "work.py")
    assert [name for name in WORK if f'"{name}"' not in text] == []


def test_lane_cycles__all_lanes_until_the_last_round():
    assert lane_cycles(times(("narrow", 17)), lanes=16) == 2
    assert lane_cycles({"vector_divides": 1}, lanes=16) == DIVIDE_CYCLES // 16
    assert lane_cycles({"rng_draws": 100, "phase_steps": 100}, lanes=16) == 0
