"""Constant pictures: BatchNorm's variance is zero, and float must say what integers say (ADR 011)."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from lls_hw.config import resolve_run
from lls_hw.fidelity.against_float import against
from lls_hw.fidelity.validate import validate
from lls_hw.models.reference.layers import BN_EPS, activated
from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.models.spec.resolve import resolve
from lls_hw.options.run import RunChoices
from lls_hw.training.float_run import train_float
from lls_hw.training.plan import TrainPlan

NET = """
name = "n"
input = [1, 6, 6]
classes = 2
[[layers]]
kind = "conv"
name = "a"
out_channels = 4
kernel = 3
stride = 1
padding = 1
pool = 2
[[layers]]
kind = "linear"
name = "b"
out_features = 8
pool = 4
"""


@pytest.fixture
def choices(tmp_path: Path) -> dict[str, str]:
    """A network, and twelve pictures of one grey."""
    (tmp_path / "net.toml").write_text(NET)
    grey, labels = np.full((12, 6, 6, 1), 128, np.uint8), np.arange(12) % 2
    np.savez(tmp_path / "d.npz", train_images=grey, train_labels=labels, test_images=grey, test_labels=labels)
    return {"net": str(tmp_path / "net.toml"), "data": f"npz:{tmp_path / 'd.npz'}"}


@pytest.mark.parametrize("rule", ["lls", "lls_m", "bp", "lls_random", "local_losses"])
def test_constant_pictures__teach_float_the_classifiers_bias_alone(rule: str, choices: dict[str, str]) -> None:
    """Two biases start within ±1/sqrt(8): no loss passes log(1 + e^(2/sqrt(8)))."""
    run, images = resolve_run(RunChoices(**choices, rule=rule, batch=4))
    curve, _, _ = train_float(run, images, TrainPlan(epochs=3))
    losses = [row["loss"] for row in curve]
    assert max(losses) < math.log(1 + math.exp(2 / math.sqrt(8)))
    assert math.log(2) - 1e-6 < losses[-1] < losses[0], "it falls to what a coin can do"


@pytest.mark.parametrize("rule", ["lls", "lls_m", "bp"])
def test_constant_pictures__every_gradient_agrees_also_where_both_are_zero(rule: str, choices: dict[str, str]) -> None:
    run, images = resolve_run(RunChoices(**choices, rule=rule, batch=4))
    found = validate(run, images, with_hint=False)
    assert found.missed == ()
    zero = [check for check in found.checks if check.tensor == "a/weight_grad"]
    assert (zero[0].cosine, zero[0].sqnr_db) == (1.0, 200.0)


def test_against__a_zero_equals_a_zero_and_nothing_else() -> None:
    zero, one = np.zeros(3, np.float32), np.ones(3, np.float32)
    assert against("t", zero, zero).cosine == 1.0
    assert against("t", zero, one).cosine == against("t", one, zero).cosine == 0.0


def layer() -> WeightedLayer:
    described = NetworkSpec.from_mapping(
        {"name": "n", "input": [1, 4, 4], "classes": 2, "layers": [
            {"kind": "conv", "name": "a", "out_channels": 3, "kernel": 1, "stride": 1, "padding": 0, "pool": 1}]},
        "net",
    )  # fmt: skip
    return next(one for one in resolve(described) if isinstance(one, WeightedLayer))


def test_activated__other_channels_and_running_statistics_are_pytorch_s() -> None:
    """One constant channel of three: the others bit for bit as without it, its own gradient that of the formula."""
    torch.manual_seed(0)
    y = torch.randn(8, 3, 4, 4)
    y[:, 1] = -0.3
    y.requires_grad_()
    beta = torch.tensor([0.1, 0.2, -0.3])
    state, buffers = {"gamma": torch.tensor([1.0, 2.0, 0.5]), "beta": beta}, {}
    out = activated(layer(), y, state, buffers, training=True)
    theirs = torch.nn.BatchNorm2d(3)
    with torch.no_grad():
        theirs.weight.copy_(state["gamma"])
        theirs.bias.copy_(beta)
    expected = torch.nn.functional.leaky_relu(theirs(y), 0.01)
    assert torch.equal(out[:, [0, 2]], expected[:, [0, 2]])
    assert torch.equal(out[:, 1], torch.full_like(out[:, 1], 0.2))
    torch.testing.assert_close(buffers["a/running_mean"], theirs.running_mean)
    torch.testing.assert_close(buffers["a/running_var"], theirs.running_var)
    signal = torch.randn_like(out)
    out.backward(signal)
    own = signal[:, 1]
    torch.testing.assert_close(y.grad[:, 1], 2.0 / math.sqrt(BN_EPS) * (own - own.mean()), rtol=1e-4, atol=1e-3)
