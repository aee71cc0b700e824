"""Every shipped network under every rule, at a reduced size: a costed schedule can be carried out, bit for bit.

Orders and norms take turns, so that each network and each rule meets all of them; `scripts/replay_random.py` has more.
"""

import pytest

from lls_hw.models.registry import names
from lls_hw.models.rules.registry import rules
from lls_hw.models.spec.geometry import NORMS
from lls_hw.models.spec.network import NetworkSpec
from tests.unit.functional.small import with_fitting_norm
from tests.unit.replay.cases import case, chip, shrunk

INPUTS = {"vww_cnn": (3, 32, 32), "mobilenet_v1": (3, 32, 32), "mlperf_tiny_vww": (3, 32, 32)}
SHARES = {"vgg11": 64, "mobilenet_v1": 64, "vww_cnn": 32, "vgg8": 32}
RULES = tuple(rules())
ORDERS = ("op", "fused", "best")
NETS = tuple(sorted(names("nets")))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("net", NETS)
def test_shipped__schedules_carried_out_give_both_engines_numbers(net: str, rule: str) -> None:
    turn = NETS.index(net) + RULES.index(rule)
    order, norm = ORDERS[turn % 3], NORMS[turn // 3 % 3]
    network = with_fitting_norm(shrunk(net, INPUTS.get(net, (1, 16, 16)), SHARES.get(net, 16)), norm)
    made = case(network, rule, chip(sram_kib=8))
    assert made is not None
    schedules = made.schedules(order)
    assert schedules, f"no schedule of {net} under {rule}"
    for schedule in schedules:
        proof = made.replay(schedule)
        assert proof.differences == ()
        assert proof.kept == sum(tensor.kept for tensor in made.program.tensors.values())
        assert proof.peak_bytes <= proof.capacity_bytes


def test_poolings_in_front_of_the_first_block__what_their_gradients_read_is_stored() -> None:
    """Nothing waits for those gradients, so they run by themselves, after the groups that made what they read."""
    pool = {"kind": "max_pool", "size": 2}
    conv = {"kind": "conv", "name": "c", "out_channels": 8, "kernel": 3, "stride": 1, "padding": 1, "pool": 2}
    linear = {"kind": "linear", "name": "f", "out_features": 8, "pool": 1}
    network = NetworkSpec.from_mapping(
        {"name": "pooled", "input": [16, 16, 16], "classes": 3, "layers": [pool, pool, conv, linear]}, "pooled"
    )
    made = case(network, "bp", chip(sram_kib=4))
    assert made is not None
    schedules = made.schedules("best")
    assert schedules
    for schedule in schedules:
        assert made.replay(schedule).differences == ()
