"""The tile pipeline against its max-plus twin, and the cases that can be done by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lls_hw.sim.event.account import shares
from lls_hw.sim.event.engine import run_schedule
from lls_hw.sim.mapping.tile import Loop, Tile
from tests.oracles import event as oracle

SETTINGS = settings(deadline=None, max_examples=40)
tiles_of = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60), st.integers(0, 60)), min_size=1, max_size=8)


def with_dram(chip, **values):
    return chip.changed("dram", **{"bytes_per_cycle": 1, "burst_bytes": 1, "latency_cycles": 0, **values})


def pipeline_tiles(transfer, sizes):
    return [
        Tile("t", (compute, drain), (transfer(load),), takes=(0,), gives=(0,), takes_out=True, gives_out=True)
        for load, compute, drain in sizes
    ]


@SETTINGS
@given(sizes=tiles_of, latency=st.integers(0, 50), depth=st.sampled_from([1, 2]), repeats=st.integers(1, 40))
def test_pipeline__equals_max_plus_recurrence(chip, scheduled, transfer, sizes, latency, depth, repeats):
    """Load, compute, drain; repeated bodies are skipped by the engine and unrolled by the oracle."""
    quick = with_dram(chip, latency_cycles=latency).changed("scratchpad", double_buffered=depth == 2)
    body = (Loop(repeats, tuple(pipeline_tiles(transfer, sizes))),)
    result = run_schedule(scheduled(quick, body, route=("array", "vector"), depth=depth))
    loads, computes, drains = (list(column) * repeats for column in zip(*sizes, strict=True))
    ends = oracle.pipeline_ends([latency + load for load in loads], computes, drains, depth)
    assert result.cycles == ends[-1][2]


@SETTINGS
@given(
    sizes=st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=8),
    depth=st.sampled_from([1, 2]),
)
def test_pipeline__stores_equal_max_plus_recurrence(chip, scheduled, transfer, sizes, depth):
    """Compute and store, with nothing to load: the store is the drain."""
    quick = with_dram(chip).changed("scratchpad", double_buffered=depth == 2)
    body = [Tile("t", (c,), takes_out=True, gives_out=True, stores=(transfer(s),)) for c, s in sizes]
    result = run_schedule(scheduled(quick, body, depth=depth))
    computes, stores = (list(column) for column in zip(*sizes, strict=True))
    assert result.cycles == oracle.pipeline_ends([0] * len(sizes), computes, stores, depth)[-1][2]


@SETTINGS
@given(sizes=tiles_of, queue=st.sampled_from(["shared", "per_direction"]), latency=st.integers(0, 30))
def test_pipeline__contended_bus_stays_within_bounds(chip, scheduled, transfer, sizes, queue, latency):
    quick = with_dram(chip, dma_queues=queue, latency_cycles=latency)
    body = [
        Tile(
            "t", (c,), (transfer(n),), takes=(0,), gives=(0,), takes_out=True, gives_out=True, stores=(transfer(s + 1),)
        )
        for n, c, s in sizes
    ]
    result = run_schedule(scheduled(quick, body), trace=True)
    busy = result.busy_cycles
    assert max(busy.values()) <= result.cycles <= busy["array"] + busy["dma_read"] + busy["dma_write"]
    if queue == "shared":
        assert busy["dma_read"] + busy["dma_write"] <= result.cycles


@SETTINGS
@given(sizes=tiles_of, slow=st.integers(1, 16), faster=st.integers(0, 16))
def test_pipeline__one_requester_gains_from_bandwidth(chip, scheduled, transfer, sizes, slow, faster):
    """The same tiles, only loads on the bus: more bytes a cycle never cost cycles."""
    body = tuple(pipeline_tiles(transfer, sizes))
    cycles = [
        run_schedule(scheduled(with_dram(chip, bytes_per_cycle=speed), body, route=("array", "vector"))).cycles
        for speed in (slow, slow + faster)
    ]
    assert cycles[1] <= cycles[0]


def test_single_resource__equals_closed_form(chip, scheduled, transfer):
    quick = with_dram(chip, latency_cycles=7)
    compute = run_schedule(scheduled(quick, (Loop(1000, (Tile("t", (13,)),)),)))
    assert compute.cycles == 13_000
    moves = run_schedule(scheduled(quick, (Loop(1000, (Tile("t", (0,), (transfer(5),), takes=(0,), gives=(0,)),)),)))
    assert moves.cycles == 1000 * (7 + 5)


def test_skipping__steps_through_few_of_many_tiles(chip, scheduled, transfer):
    tile = pipeline_tiles(transfer, [(9, 10, 11)])[0]
    result = run_schedule(scheduled(with_dram(chip), (Loop(1_000_000, (tile,)),), route=("array", "vector")))
    assert result.tiles == 1_000_000
    assert result.simulated_tiles < 20
    assert result.busy_cycles["vector"] == 11_000_000


def test_stuck_machine__raises_with_its_state(chip, scheduled, transfer):
    """A tile that takes a slot and never gives it back: our bug, and it must look like one."""
    tile = Tile("greedy", (5,), (transfer(8),), takes=(0,))
    with pytest.raises(
        RuntimeError, match=r"^the machine is stuck at cycle \d+: 1 ops have not ended, .*input slot greedy"
    ):
        run_schedule(scheduled(with_dram(chip), (tile,) * 3))


@given(st.lists(st.integers(0, 200), max_size=8))
def test_shares__equal_cycle_by_cycle_attribution(ends):
    assert shares(ends) == oracle.shares(ends)
