"""Broken schedules are caught, with the op, the tensor and what is missing."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lls_hw.cli import main
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.sim.mapping.recipes import products
from lls_hw.sim.mapping.schedule import Schedule, ScheduledOp
from lls_hw.sim.mapping.tile import Loop, Node, Tile
from lls_hw.sim.replay.allocate import lay_out
from lls_hw.sim.replay.errors import ReplayError
from lls_hw.sim.replay.replay import blocks_of, replay_schedule
from lls_hw.sim.schedule import phases
from tests.unit.replay.cases import Case, case, chip, shrunk


@pytest.fixture(scope="module")
def made() -> Case:
    found = case(shrunk("smallconv", (1, 16, 16), 4), "lls_m", chip(sram_kib=8))
    assert found is not None
    return found


def changed(nodes: tuple[Node, ...], change: Callable[[Tile], Tile | None]) -> tuple[Node, ...] | None:
    """The tree with the first tile that a change applies to changed; None where there is none."""
    for at, node in enumerate(nodes):
        new: Any = None
        if isinstance(node, Loop):
            body = changed(node.body, change)
            new = None if body is None else Loop(node.count, body)
        else:
            new = change(node)
        if new is not None:
            return (*nodes[:at], new, *nodes[at + 1 :])
    return None


def broken(schedule: Schedule, which: Callable[[ScheduledOp], bool], change: Callable[[Tile], Tile | None]) -> Schedule:
    """A schedule with one kind of tile of one op changed."""
    for at, scheduled in enumerate(schedule.ops):
        if which(scheduled) and (body := changed(scheduled.plan.body, change)) is not None:
            bad = replace(scheduled, plan=replace(scheduled.plan, body=body))
            return replace(schedule, ops=(*schedule.ops[:at], bad, *schedule.ops[at + 1 :]))
    raise AssertionError("nothing to break")


def without_a_load(tile: Tile) -> Tile | None:
    return replace(tile, loads=tile.loads[:-1]) if tile.loads else None


def without_stores(tile: Tile) -> Tile | None:
    return replace(tile, stores=()) if tile.stores else None


@pytest.mark.parametrize("order", ["op", "fused", "best"])
def test_dropped_load__is_named(made: Case, order: str) -> None:
    for schedule in made.schedules(order):
        bad = broken(schedule, lambda one: "forward" in one.op.stage, without_a_load)
        with pytest.raises(ReplayError, match="scratchpad") as error:
            replay_schedule(bad, made.start)
        assert " forward (" in error.value.op
        assert error.value.tensor, "the operand that is missing"


def test_dropped_store_of_a_map__is_missed_by_its_reader(made: Case) -> None:
    (schedule,) = made.schedules("op")
    places = schedule.residency.places

    def stores_a_map(one: ScheduledOp) -> bool:
        return one.op.kind == "Gemm" and one.op.stage == "forward" and places[one.index][one.op.result].store

    bad = broken(schedule, stores_a_map, without_stores)
    with pytest.raises(ReplayError, match="nothing has stored them"):
        replay_schedule(bad, made.start)


def test_dropped_store_of_a_weight__is_a_difference(made: Case) -> None:
    (schedule,) = made.schedules("op")
    bad = broken(schedule, lambda one: one.op.kind == "Update" and one.op.copy is not None, without_stores)
    differences = made.replay(bad).differences
    assert any("codes differ" in line for line in differences)
    assert any("the event engine counts" in line for line in differences) is False, "it drops the bytes as well"


def test_wrong_codes_that_never_leave_the_chip__are_a_difference(made: Case) -> None:
    """A tensor that stays in the scratchpad until its last use is compared when it goes."""
    (schedule,) = made.schedules("op")
    (name,) = {one.tensor for one in schedule.residency.stays if one.tensor == "conv1/modulation_grad"}
    right = made.after[name]
    wrong = {**made.after, name: replace(right, codes=right.codes + 1)}
    differences = replace(made, after=wrong).replay(schedule).differences
    assert [line.split(":")[0] for line in differences] == [f"{name} in the scratchpad"]


@pytest.mark.parametrize("order", ["op", "fused"])
def test_reused_address__is_seen_byte_by_byte(made: Case, order: str) -> None:
    """All buffers of the first op at one address."""
    schedule = made.schedules(order)[0]
    layout = lay_out(blocks_of(schedule), made.chip.scratchpad.capacity_bytes)
    one = next(at for block, at in zip(layout.blocks, layout.addresses, strict=True) if block.owner == 0)
    own = [one if block.owner == 0 else at for block, at in zip(layout.blocks, layout.addresses, strict=True)]
    with pytest.raises(ReplayError, match="taken by something else") as error:
        replay_schedule(schedule, made.start, replace(layout, addresses=tuple(own)))
    assert error.value.op.startswith(schedule.ops[0].op.layer)


@pytest.mark.parametrize("order", ["op", "fused"])
def test_missing_halo_row__is_named(order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planner whose windows are a row too short loads too little, op by op and in groups."""
    network = shrunk("smallconv", (1, 32, 32), 4)
    exact = products._windows

    def short(shape: Any) -> tuple[tuple[int, int], ...]:
        return tuple((a, b - (b < shape.in_h and shape.kernel_h > 1)) for a, b in exact(shape))

    monkeypatch.setattr(products, "_windows", short)
    monkeypatch.setattr(phases, "_windows", short)
    made = case(network, "lls_m", chip(sram_kib=8))
    assert made is not None
    (schedule,) = made.schedules(order)
    with pytest.raises(ReplayError, match=r"rows \d+ to \d+ are not in the scratchpad"):
        replay_schedule(schedule, made.start)


def test_scale_that_is_not_known__is_refused(made: Case) -> None:
    """A tensor without a scale from the last step was zero there; it may not be anything else now."""
    (schedule,) = made.schedules("op")
    scales = made.start.machine.scales
    known = scales.seen.pop("conv1/y")
    try:
        with pytest.raises(ReplayError, match="scale is not known"):
            replay_schedule(schedule, made.start)
    finally:
        scales.seen["conv1/y"] = known


LINE = ["replay", "--net", "smallconv", "--rule", "lls_m", "--input", "1x12x12", "--batch", "2"]


def test_replay_cli__says_what_was_proved(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*LINE, "--schedule", "fused"]) == 0
    out = capsys.readouterr().out
    assert "tensors equal, bit for bit: all 49 that outlive the step, and" in out
    assert "as the event engine counts, tensor by tensor" in out
    assert "of 262,144 bytes of scratchpad" in out


def test_replay_cli__writes_its_proof_and_the_memory_over_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*LINE, "--json", "-", "--quiet", "--objective", "bytes"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == "lls-hw/replay/1"
    assert data["proved"] is True
    assert data["differences"] == []
    pad = data["scratchpad"]
    assert max(one["address"] + one["bytes"] for one in pad["memory_map"]) == pad["peak_address_bytes"]
    assert pad["most_held_bytes"] <= pad["peak_address_bytes"] <= pad["capacity_bytes"]
    assert sum(data["dram_read_bytes"].values()) > 0


def test_replay_cli__a_difference_is_status_1(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setattr("lls_hw.sim.replay.units.run_update", lambda m, op: None)
    assert main(LINE) == 1
    assert "the replay differs" in capsys.readouterr().out


@pytest.mark.parametrize("more", [["--dram", "none"], ["--bits", "w8,a8,acc16"], ["--net", "nowhere"]])
def test_replay_cli__what_cannot_be_replayed_is_one_line(more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*LINE, *more]) == 2
    assert capsys.readouterr().err.startswith("lls-hw: ")


def test_network__of_the_replays_is_a_network() -> None:
    assert isinstance(shrunk("vgg8", (3, 16, 16)), NetworkSpec)
