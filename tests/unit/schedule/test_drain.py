"""A weight gradient that its update takes while it drains: what moves, counted by hand."""

from lls_hw.models.program.lower import lower
from lls_hw.models.registry import load, load_network
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.rule import OptimizerSpec
from lls_hw.sim.event.engine import run_events
from lls_hw.sim.schedule.drain import DrainedUpdate


def test_drained_gradient__moves_state_once_and_never_itself() -> None:
    program = lower(load_network("smallconv"), parse_rule("lls_m"), batch=8)
    chip = load("chips", "edge_16x16", AcceleratorSpec, "--chip")
    result = run_events(program, chip, schedule="best")
    by_op = run_events(program, chip)
    codes = 512 * 512  # linear4's weights; masters and momentum have 16 bits, the copy 8
    update = next(r for r in result.ops if (r.layer, r.stage) == ("linear4", "update"))
    assert dict(update.dram_read_bytes) == {"linear4/weight@momentum": 2 * codes, "linear4/weight@master": 2 * codes}
    written = {"linear4/weight@momentum": 2 * codes, "linear4/weight@master": 2 * codes, "linear4/weight": codes}
    assert dict(update.dram_write_bytes) == written
    moved = {name for r in result.ops for name in (*r.dram_read_bytes, *r.dram_write_bytes)}
    assert "linear4/weight_grad" not in moved
    twin = next(r for r in by_op.ops if (r.layer, r.stage) == ("linear4", "update"))
    assert twin.dram_read_bytes["linear4/weight_grad"] >= 4 * codes
    assert (update.counts.rng_draws, update.counts.requantises) == (twin.counts.rng_draws, twin.counts.requantises)


def test_adam__waits_for_the_whole_gradient() -> None:
    """Its second moment's scale follows from the gradient's peak: no update is taken before the last tile is there."""
    optimizer = OptimizerSpec(name="adam")
    program = lower(load_network("smallconv"), parse_rule("lls_m"), optimizer=optimizer, batch=8)
    chip = load("chips", "edge_16x16", AcceleratorSpec, "--chip")
    result = run_events(program, chip, schedule="fused")
    assert not [op.kind for op in result.groups if "Update" in op.kind and op.kind != "Update"]
    update = next(r for r in result.ops if (r.layer, r.stage) == ("linear4", "update"))
    assert "linear4/weight_grad" in update.dram_read_bytes


def test_search__knows_that_a_gradient_by_itself_drains() -> None:
    """At 512 KiB conv3's gradient would fit a group, and leave and come back; alone its update takes it."""
    network = load_network("smallconv")
    chip = load("chips", "edge_16x16", AcceleratorSpec, "--chip").changed("scratchpad", capacity_bytes=512 * 1024)
    found = run_events(lower(network, parse_rule("bp"), batch=1), chip, schedule="best")
    taken = [op.layer for op in found.groups if isinstance(op, DrainedUpdate)]
    assert "conv3" in taken
    moved = {name for op in found.ops for name in (*op.dram_read_bytes, *op.dram_write_bytes)}
    assert not moved & {f"{layer}/weight_grad" for layer in taken}
