"""Schedules that the search finds: legal, complete, and the same work as op by op."""

from functools import cache

import pytest

from lls_hw.models.program.lower import lower
from lls_hw.models.program.ops.base import Op
from lls_hw.models.program.program import Program
from lls_hw.models.registry import load, load_network
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.geometry import Norm
from lls_hw.sim.event.engine import run_events, run_schedule
from lls_hw.sim.event.result import EventResult
from lls_hw.sim.mapping.objective import FEWEST_BYTES
from lls_hw.sim.schedule.best import candidates
from lls_hw.sim.schedule.chain import Chain
from lls_hw.sim.schedule.estimate import Estimator
from lls_hw.sim.schedule.group import Group
from lls_hw.sim.schedule.plan import GroupPlans, grouped_program
from lls_hw.sim.schedule.search import FREE_MAPS, OrderSearch
from tests.unit.schedule.legal import check

RULES = ("lls_m", "bp", "inference", "local_losses")
CASES = [(net, rule, side) for net, side in (("smallconv", 28), ("vww_cnn", 16)) for rule in RULES]


@cache
def chip(kib: int) -> AcceleratorSpec:
    return load("chips", "edge_16x16", AcceleratorSpec, "--chip").changed("scratchpad", capacity_bytes=kib * 1024)


@cache
def program(net: str, rule: str, side: int, norm: Norm = "batch") -> Program:
    network = load_network(net).with_norm(norm)
    return lower(network.resized((network.input[0], side, side)), parse_rule(rule), batch=3)


@pytest.mark.parametrize(("net", "rule", "side"), CASES)
@pytest.mark.parametrize("kib", [48, 256])
def test_found_schedule__is_legal_and_does_the_programs_work(net: str, rule: str, side: int, kib: int) -> None:
    one, on = program(net, rule, side), chip(kib)
    by_op = run_events(one, on)
    for found in candidates(one, on, "best", FEWEST_BYTES):
        check(one, found)
        does_the_work(run_schedule(GroupPlans(one, found, on).schedule()), by_op, on)


@pytest.mark.parametrize(("net", "rule", "side"), CASES)
@pytest.mark.parametrize("kib", [48, 256])
def test_group_norms__wait_for_their_own_sample_alone(net: str, rule: str, side: int, kib: int) -> None:
    one, on = program(net, rule, side, "group"), chip(kib)
    by_op = run_events(one, on)
    for found in candidates(one, on, "fused", FEWEST_BYTES):
        check(one, found)
        does_the_work(run_schedule(GroupPlans(one, found, on).schedule()), by_op, on)
        together = [{phase.op.kind for phase in op.phases} for op in found if isinstance(op, Group)]
        assert any({"GroupStatistics", "GroupNorm"} <= kinds for kinds in together)


@pytest.mark.parametrize(("net", "rule", "side"), CASES)
def test_frozen_norms__are_no_barrier(net: str, rule: str, side: int) -> None:
    """No group reads a map in front of a norm for sums alone, and every op is charged what it does by itself."""
    one, on = program(net, rule, side, "frozen"), chip(256)
    by_op = run_events(one, on)
    for found in candidates(one, on, "fused", FEWEST_BYTES):
        check(one, found)
        result = run_schedule(GroupPlans(one, found, on).schedule())
        does_the_work(result, by_op, on)
        for mine, alone in zip(result.ops, by_op.ops, strict=True):
            for event in ("vector_wide_macs", "vector_divides", "vector_compares", "requantises"):
                assert getattr(mine.counts, event) >= getattr(alone.counts, event), (mine.layer, mine.stage, event)


def does_the_work(result: EventResult, by_op: EventResult, on: AcceleratorSpec) -> None:
    assert [(r.layer, r.macs, r.signal_macs) for r in result.ops] == [
        (r.layer, r.macs, r.signal_macs) for r in by_op.ops
    ]
    assert sum(stage.cycles for stage in result.stages) == result.cycles
    assert result.scratchpad_peak_bytes <= on.scratchpad.capacity_bytes
    assert sum(r.attributed_cycles for r in result.ops) == result.cycles
    assert result.counts.macs >= by_op.counts.macs


def test_skipped_tiles__change_no_number() -> None:
    one, on = program("smallconv", "lls_m", 28), chip(48)
    *_, found = candidates(one, on, "best", FEWEST_BYTES)
    schedule = GroupPlans(one, found, on).schedule()
    quick, slow = run_schedule(schedule), run_schedule(schedule, batched=False)
    assert quick.simulated_tiles < slow.simulated_tiles
    assert (quick.cycles, quick.ops) == (slow.cycles, slow.ops)


def test_long_groups__do_not_store_their_maps_in_every_way() -> None:
    """Frozen norms and a large scratchpad let a dozen phases share a loop: 2^12 ways to store their maps."""
    one, on = program("vww_cnn", "bp", 16, "frozen"), chip(1024)
    estimates = Estimator(grouped_program(one, one.ops), on, FEWEST_BYTES)

    def moved_bytes(op: Op) -> int | None:
        found = estimates.of(op)
        return None if found is None else found.dram_bytes

    search = OrderSearch(Chain(one, on), moved_bytes, lambda name: estimates.of_store(name).dram_bytes)
    assert search.run() is not None
    ways = {len(wanted): len(found) for (_, wanted, _), found in search.known.items()}
    assert max(ways) > FREE_MAPS
    assert max(ways.values()) <= 2**FREE_MAPS
