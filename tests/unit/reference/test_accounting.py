"""MAC and memory accounting against the facts of docs/design.md, what is counted."""

import pytest

from lls_hw.models.reference.accounting import mac_counts, memory_counts, ratio, unpooled_signal_macs
from lls_hw.models.reference.initial import initial_parameters
from lls_hw.models.registry import load_network
from lls_hw.models.rules.registry import parse_rule, rules
from lls_hw.models.spec.network import NetworkSpec
from tests.unit.reference.tiny import RULES, tiny_network

BP, LLS = parse_rule("bp"), parse_rule("lls")


def one_loss_per_convolution(network: NetworkSpec) -> NetworkSpec:
    data = network.model_dump()
    for layer in data["layers"]:
        if layer["kind"] == "separable":
            layer["local_loss"] = "conv"
    return NetworkSpec.from_mapping(data, network.name)


def step_ratio(network: NetworkSpec) -> float:
    found = ratio(mac_counts(network, BP).training_step, mac_counts(network, LLS).training_step)
    assert found is not None
    return found


def test_mac_counts__vgg8_signal_is_the_published_300x() -> None:
    network = load_network("vgg8").resized((3, 128, 128), 2)
    signal = mac_counts(network, BP).learning_signal
    assert signal == 11_477_714_944
    assert round(signal / unpooled_signal_macs(network, 2), 1) == 317.2
    assert round(step_ratio(network), 2) == 1.50


def test_mac_counts__vgg8_cifar100_with_pooled_latents() -> None:
    network = load_network("vgg8").resized((3, 32, 32), 100)
    signals = [mac_counts(network, rule).learning_signal for rule in (BP, LLS)]
    assert round(signals[0] / signals[1], 1) == 351.3


def test_mac_counts__mlperf_tiny_vww() -> None:
    network = load_network("mlperf_tiny_vww")
    assert mac_counts(network, BP).inference == 7_489_664
    assert round(step_ratio(network), 3) == 1.037
    assert round(step_ratio(one_loss_per_convolution(network)), 2) == 1.46


def test_mac_counts__tiny_network_by_hand() -> None:
    network = tiny_network()  # a: 10x7x4, 3x3x2; b: 3x2 maps (5x3 halved), dw 4, pw 5; c: 2*2*5 -> 7; 7 -> 3
    forward = [70 * 4 * 18, 3 * 2 * 4 * 9, 3 * 2 * 5 * 4, 7 * 20, 21]
    bp, lls, m, mxm = (mac_counts(network, parse_rule(name)) for name in ("bp", "lls", "lls_m", "lls_mxm"))
    assert bp.inference == bp.weight_gradient == sum(forward)
    assert (bp.learning_signal, bp.block_input_gradient) == (sum(forward[1:]), 0)
    latents = 16 + 20 + 4
    assert lls.learning_signal == 2 * 3 * latents
    assert lls.block_input_gradient == forward[2]
    assert m.learning_signal - lls.learning_signal == 3 * 3 * 3
    assert mxm.learning_signal - lls.learning_signal == 3 * 3 * 9
    assert lls.training_step == 2 * sum(forward) + 6 * latents + forward[2]
    outputs = 70 * 4 + 6 * 5 + 7
    assert mac_counts(network, parse_rule("dfa")).learning_signal == 3 * outputs
    losses = mac_counts(network, parse_rule("local_losses"))
    assert losses.weight_gradient == sum(forward) + 3 * latents
    assert mac_counts(network, parse_rule("lls_mxm_reduced", reduced_rows=2)).learning_signal == 4 * latents + 9 * 6


def test_ratio__none_where_the_denominator_is_zero() -> None:
    network = tiny_network()
    signal = mac_counts(network, parse_rule("drtp")).learning_signal
    assert signal == mac_counts(network, parse_rule("inference")).learning_signal == 0
    assert ratio(mac_counts(network, BP).learning_signal, signal) is None


@pytest.mark.parametrize("rule", [*RULES, "inference"])
def test_memory_counts__state_and_weights_are_the_parameters(rule: str) -> None:
    network, spec = tiny_network(), parse_rule(rule, reduced_rows=2)
    counts = memory_counts(network, spec)
    held = sum(value.size for value in initial_parameters(network, spec, 0).values())
    assert counts.rule_state + counts.weights == held


def test_memory_counts__state_by_hand() -> None:
    network, outputs, latents = tiny_network(), 70 * 4 + 6 * 5 + 7, 16 + 20 + 4
    state = {rule: memory_counts(network, parse_rule(rule, reduced_rows=2)).rule_state for rule in rules()}
    assert state == {
        "inference": 0, "bp": 0, "lls": 0, "lls_m": 3 * 3, "lls_mxm": 3 * 9, "lls_mxm_reduced": 3 * 6,
        "lls_random": 3 * latents, "lls_m_random": 3 * latents + 9, "lls_mxm_random": 3 * latents + 27,
        "local_losses": 3 * latents + 9, "dfa": 3 * outputs, "drtp": 3 * outputs,
    }  # fmt: skip


def test_memory_counts__a_local_rule_holds_one_block() -> None:
    network = tiny_network()
    blocks = [70 * 2 + 70 * 4, 5 * 3 * 4 + 6 * 4 + 6 * 4 + 6 * 5, 20 + 7, 7 + 3]
    held = {rule: memory_counts(network, parse_rule(rule)).activations for rule in ("bp", "dfa", "lls_m", "drtp")}
    assert held == {"bp": sum(blocks), "dfa": sum(blocks), "lls_m": max(blocks), "drtp": max(blocks)}
    assert memory_counts(network, parse_rule("inference")).activations == 0
