"""The table of lane operations: known events, every entry in use, and cycles by hand."""

from pathlib import Path

import pytest

import lls_hw.sim.mapping.work as work_module
from lls_hw.models.program.lower import lower
from lls_hw.models.registry import load, load_network
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.memory import DramSpec
from lls_hw.sim.cost.counts import NAMES
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.tile import make_transfer
from lls_hw.sim.mapping.work import DIVIDE_CYCLES, WORK, lane_cycles, times


def test_work__entries_are_counted_events():
    assert {event for events in WORK.values() for event in events} <= set(NAMES)


def test_work__every_entry_is_used():
    folder = Path(work_module.__file__).parent
    text = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py") if path.name != "work.py")
    assert [name for name in WORK if f'"{name}"' not in text] == []


def test_lane_cycles__all_lanes_until_the_last_round():
    assert lane_cycles(times(("narrow", 17)), lanes=16) == 2
    assert lane_cycles({"vector_divides": 1}, lanes=16) == DIVIDE_CYCLES // 16
    assert lane_cycles({"rng_draws": 100, "phase_steps": 100}, lanes=16) == 0


def test_transfer__of_nothing_is_refused():
    dram = DramSpec(bytes_per_cycle=8, latency_cycles=40)
    with pytest.raises(AssertionError, match=r"^a transfer moves at least one code: Transfer\(tensor='x', "):
        make_transfer(dram, "x", 8, segments=0, segment_elements=4, span_elements=4)


def test_served__waits_for_the_busier_port():
    """Ten words read and three written over two banks take five cycles, unless the work takes longer."""
    program = lower(load_network("smallconv"), parse_rule("inference"), batch=1)
    chip = load("chips", "edge_16x16_flat", AcceleratorSpec, "--chip").changed("scratchpad", banks=2)
    ctx = Context(program, chip, {}, 0)
    words = {"scratchpad_read_words": 10, "scratchpad_write_words": 3}
    assert [ctx.served(cycles, words) for cycles in (0, 4, 5, 9)] == [5, 5, 5, 9]
