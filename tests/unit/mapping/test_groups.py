"""Groups of channels of a normalisation: what needs every group's sums comes after all of them."""

import pytest

from lls_hw.models.program.lower import lower
from lls_hw.models.program.ops.normalise import BatchNorm, BatchNormBackward
from lls_hw.models.program.program import Program
from lls_hw.models.registry import load, load_network
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.precision import Precision, Scaling
from lls_hw.sim.event.engine import run_events
from lls_hw.sim.mapping.schedule import schedule_program
from lls_hw.sim.mapping.tile import walk

SMALL = 8 * 1024
"""Bytes of scratchpad with room for a few dozen channels' words: smallconv's 64 and 128 channels are cut."""


def chip(capacity_bytes: int) -> AcceleratorSpec:
    return load("chips", "edge_16x16_flat", AcceleratorSpec, "--chip").changed(
        "scratchpad", capacity_bytes=capacity_bytes
    )


def program(scaling: Scaling = "delayed") -> Program:
    network = load_network("smallconv")
    small = network.resized((network.input[0], 12, 12))
    return lower(small, parse_rule("lls"), Precision(scaling=scaling), batch=2)


@pytest.mark.parametrize("scaling", ["delayed", "two_pass"])
@pytest.mark.parametrize("kind", [BatchNorm, BatchNormBackward])
def test_norm__every_group_is_summed_before_the_first_is_applied(kind: type, scaling: Scaling) -> None:
    cut = 0
    for scheduled in schedule_program(program(scaling), chip(SMALL)).ops:
        if not isinstance(scheduled.op, kind):
            continue
        tiles = list(walk(scheduled.plan.body))
        names = [tile.name for tile, _ in tiles if tile.read_codes or tile.tally]
        sums = [at for at, name in enumerate(names) if name.endswith("sums")]
        applied = [at for at, name in enumerate(names) if name.endswith("apply")]
        assert max(sums) < min(applied)
        cut += sum(times for tile, times in tiles if "statistics" in tile.name) > 1
    assert cut


def test_norm__groups_do_what_one_group_does_and_carry_their_words() -> None:
    """Cutting channels changes no event of the unit; it costs the words that wait in DRAM between the phases."""
    whole, cut = (run_events(program(), chip(size)) for size in (1 << 20, SMALL))
    carried = 0
    for one, other in zip(whole.ops, cut.ops, strict=True):
        if one.kind not in ("BatchNorm", "BatchNormBackward"):
            continue
        for name in ("vector_adds", "vector_wide_macs", "vector_multiplies", "vector_compares", "vector_shifts",
                     "vector_divides", "requantises", "rng_draws", "peaks"):  # fmt: skip
            assert getattr(one.counts, name) == getattr(other.counts, name), (one.layer, one.kind, name)
        assert one.read_codes == other.read_codes
        assert one.written_codes == other.written_codes
        back = [n for n in other.dram_read_bytes if n.endswith("@sums")]
        assert all(other.dram_read_bytes[n] == other.dram_write_bytes[n] for n in back)
        carried += len(back)
    assert carried
