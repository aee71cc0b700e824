"""Bursts leave whole: what crosses the pins is what was asked for, up to the ends of contiguous pieces."""

import pytest

from lls_hw.models.program.lower import lower
from lls_hw.models.program.ops.loss import TargetProject
from lls_hw.models.registry import load, load_network
from lls_hw.models.rules.registry import parse_rule, rules
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.sim.mapping.schedule import Schedule, schedule_program
from lls_hw.sim.mapping.tile import Transfer, walk

CHIP = load("chips", "edge_16x16_flat", AcceleratorSpec, "--chip")


def scheduled(net: str, rule: str, sram_kib: int, batch: int = 8) -> Schedule:
    program = lower(load_network(net), parse_rule(rule), batch=batch)
    return schedule_program(program, CHIP.changed("scratchpad", capacity_bytes=sram_kib * 1024))


def moves(plan) -> list[tuple[Transfer, int]]:
    """Every transfer of an op, and how often it is made."""
    found = [(transfer, 1) for transfer in plan.fills]
    for tile, times in walk(plan.body):
        found += [(transfer, times) for transfer in (*tile.loads, *tile.stores)]
    return found


@pytest.mark.parametrize("sram_kib", [16, 64, 256])
@pytest.mark.parametrize("net", ["smallconv", "vww_cnn", "mlperf_tiny_vww"])
def test_target__is_written_once_in_whole_bursts(net: str, sram_kib: int) -> None:
    """Before, channels were cut: of a burst of 64 bytes 8 were used, and 1.05 MB of errors were charged as 8.39."""
    found = scheduled(net, "drtp", sram_kib)
    targets = [one for one in found.ops if isinstance(one.op, TargetProject)]
    assert targets
    for one in targets:
        for name in (one.op.error, one.op.feedback):
            moved = [(transfer, times) for transfer, times in moves(one.plan) if transfer.tensor == name]
            payload = sum(transfer.payload_bytes * times for transfer, times in moved)
            assert payload in (0, found.program.tensors[name].size_bytes), "each once, or it stays on the chip"
            assert sum(transfer.bus_bytes * times for transfer, times in moved) <= 1.1 * payload + 64 * 8, (name, net)


def test_target__by_hand() -> None:
    """vww_cnn's block1.dw: 64x64x32 errors of 8 samples are 1 048 576 bytes, the feedback of 2 classes 262 144."""
    found = scheduled("vww_cnn", "drtp", 256)
    one = next(one for one in found.ops if isinstance(one.op, TargetProject) and one.op.shape.positions == 64 * 64)
    bytes_of: dict[str, int] = {}
    for transfer, times in moves(one.plan):
        bytes_of[transfer.tensor] = bytes_of.get(transfer.tensor, 0) + transfer.bus_bytes * times
    assert bytes_of[one.op.error] == found.program.tensors[one.op.error].size_bytes
    assert bytes_of[one.op.feedback] == found.program.tensors[one.op.feedback].size_bytes


@pytest.mark.parametrize("rule", sorted(rules()))
def test_bus__carries_little_else_than_what_was_asked_for(rule: str) -> None:
    """All rules: at most 1 % of the bytes that cross the pins are the rest of a burst."""
    for net in ("vww_cnn", "smallconv"):
        found = [move for one in scheduled(net, rule, 256).ops for move in moves(one.plan)]
        payload, bus = (sum(getattr(t, what) * times for t, times in found) for what in ("payload_bytes", "bus_bytes"))
        assert payload <= bus <= 1.01 * payload, net
