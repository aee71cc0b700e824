"""Who may stay in the scratchpad, and what that saves."""

import pytest

from lls_hw.models.program.lower import lower
from lls_hw.models.registry import load, load_network
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.sim.event.engine import run_events
from lls_hw.sim.mapping.residency import plan_residency, touches
from lls_hw.sim.mapping.schedule import schedule_program

CHIP = load("chips", "edge_16x16_flat", AcceleratorSpec, "--chip")


def program_of(rule, net="smallconv", batch=2):
    return lower(load_network(net), parse_rule(rule), batch=batch)


@pytest.mark.parametrize("rule", ["bp", "lls_m"])
def test_residency__always_leaves_the_room_it_was_told_to(rule):
    program = program_of(rule)
    rooms = [30_000] * len(program.ops)
    plan = plan_residency(program, 100_000, rooms)
    assert max(plan.resident_bytes) <= 70_000
    for index in range(len(program.ops)):
        here = sum(stay.size_bytes for stay in plan.stays if stay.first <= index <= stay.last)
        assert here == plan.resident_bytes[index]


def test_residency__everything_stays_where_there_is_no_end_of_space():
    """Then DRAM only sees inputs, labels, and what outlives the step: each byte in or out once."""
    program = program_of("lls_m")
    chip = CHIP.changed("scratchpad", capacity_bytes=1 << 30).changed("dram", burst_bytes=1)
    result = run_events(program, chip)
    at_first = {n for n, t in program.tensors.items() if t.role in ("input", "label") or t.kept}
    read = {name: count for op in result.ops for name, count in op.dram_read_bytes.items()}
    written = {name for op in result.ops for name in op.dram_write_bytes}
    # A tensor that one op alone touches has no gap to stay over: it passes through.
    lonely = {name for name, ops in touches(program).items() if len(ops) == 1}
    assert set(read) <= at_first
    assert written <= {n for n, t in program.tensors.items() if t.kept} | lonely
    assert all(count == program.tensors[name].size_bytes for name, count in read.items())


def test_residency__nothing_stays_without_space():
    program = program_of("bp")
    plan = plan_residency(program, 1000, [1000] * len(program.ops))
    assert plan.stays == ()
    assert all(not place.resident for places in plan.places for place in places.values())


def test_residency__a_kept_tensor_is_loaded_once_and_written_back():
    program = program_of("lls_m")
    schedule = schedule_program(program, CHIP)
    stays = {stay.tensor: stay for stay in schedule.residency.stays}
    name = next(n for n, t in program.tensors.items() if t.role == "weight" and n in stays)
    places = [places[name] for places in schedule.residency.places if name in places]
    assert [place.load for place in places] == [True] + [False] * (len(places) - 1)
    assert places[-1].store, "the update's copy must reach DRAM"


def test_residency__local_rule_keeps_less_alive_than_backpropagation():
    """The memory a local rule saves follows from lifetimes alone."""
    peaks = [max(program_of(rule, "vww_cnn", 8).live_bytes()) for rule in ("bp", "lls_m")]
    assert peaks[1] < peaks[0]
