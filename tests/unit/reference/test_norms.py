"""Frozen and group norms in float: PyTorch's own modules and autograd are the oracle."""

import numpy as np
import pytest
import torch

from lls_hw.models.reference import layers as ops
from lls_hw.models.reference.build import build_reference, image_tensor, label_tensor
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.models.spec.network import NetworkSpec
from tests.unit.reference.tiny import lively_parameters, tiny_batch, tiny_network


def by_torch_nn(layer, y, state, buffers, *, training, momentum=0.1):
    """The layer's norm as PyTorch's own module has it (BatchNorm in eval mode), and LeakyReLU."""
    if layer.norm == "group":
        module = torch.nn.GroupNorm(layer.norm_groups, layer.out_c, eps=1e-5).double()
        del module.weight, module.bias
        module.weight, module.bias = state["gamma"], state["beta"]
        return torch.nn.functional.leaky_relu(module(y), layer.negative_slope)
    kind = torch.nn.BatchNorm1d if y.dim() == 2 else torch.nn.BatchNorm2d
    module = kind(layer.out_c, eps=1e-5).double().eval()
    module.weight, module.bias = (torch.nn.Parameter(state[name].detach()) for name in ("gamma", "beta"))
    del module.bias
    module.bias = state["beta"]
    module.running_mean, module.running_var = (buffers[f"{layer.name}/running_{what}"] for what in ("mean", "var"))
    return torch.nn.functional.leaky_relu(module(y), layer.negative_slope)


def grouped() -> NetworkSpec:
    """The tiny network with widths that two groups of channels divide."""
    data = tiny_network("conv").model_dump()
    data["layers"][2]["out_channels"], data["layers"][4]["out_features"] = 6, 8
    return NetworkSpec.from_mapping({**data, "norm": "group", "norm_groups": 2}, "tiny")


def reference_of(rule: str, norm: str):
    network = {"frozen": tiny_network("conv").with_norm("frozen"), "group": grouped()}[norm]
    spec = parse_rule(rule, reduced_rows=2, temperature=0.7)
    made = build_reference(network, spec, lively_parameters(network, spec), dtype="float64")
    rng = np.random.default_rng(4)
    for layer in made.layers:
        if isinstance(layer, WeightedLayer) and layer.batch_norm:
            made.buffers[f"{layer.name}/running_mean"] = torch.from_numpy(0.3 * rng.standard_normal(layer.out_c))
            made.buffers[f"{layer.name}/running_var"] = torch.from_numpy(rng.uniform(0.2, 3.0, layer.out_c))
    made.buffers = made.buffers if norm == "frozen" else {}
    images, labels = tiny_batch(network)
    return made, image_tensor(network, images, torch.float64), label_tensor(network, labels, len(labels))


def gradients(made, x, labels):
    tape = made.learn(x, labels)
    watched = {**made.trained(), **{name: value for name, value in tape.tensors.items() if name.endswith("/y")}}
    found = torch.autograd.grad(tape.objective, list(watched.values()))
    return dict(zip(watched, found, strict=True))


@pytest.mark.parametrize("rule", ["bp", "lls", "lls_m", "lls_mxm", "local_losses"])
def test_frozen__gradients_are_those_of_torch_nn(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made, x, labels = reference_of(rule, "frozen")
    before = {name: value.clone() for name, value in made.buffers.items()}
    ours = gradients(made, x, labels)
    assert all(torch.equal(made.buffers[name], value) for name, value in before.items()), "statistics are constants"
    assert {"a/beta", "b.dw/beta", "b.pw/beta", "c/beta", "classifier/bias"} <= ours.keys()
    assert not [name for name in ours if name.endswith("/gamma") or name in ("a/bias", "c/bias")]
    agree(ours, made, x, labels, monkeypatch)


@pytest.mark.parametrize("rule", ["bp", "lls", "lls_m", "lls_mxm", "local_losses"])
def test_group__gradients_are_those_of_torch_nn(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made, x, labels = reference_of(rule, "group")
    ours = gradients(made, x, labels)
    assert not made.buffers, "nothing is remembered of other batches"
    assert {"a/gamma", "a/beta", "b.dw/gamma", "b.pw/gamma", "c/gamma", "classifier/bias"} <= ours.keys()
    assert not [name for name in ours if name in ("a/bias", "c/bias")]
    agree(ours, made, x, labels, monkeypatch)


def test_group__samples_know_nothing_of_each_other() -> None:
    """One sample by itself has the output that it has in its batch, in training as in a test."""
    made, x, _ = reference_of("lls_m", "group")
    for training in (True, False):
        together = made.forward(x, training=training).tensors["c/h"]
        alone = [made.forward(x[n : n + 1], training=training).tensors["c/h"] for n in range(len(x))]
        assert torch.allclose(together, torch.cat(alone), rtol=0, atol=1e-12)


def test_group__of_one_value_leaves_beta() -> None:
    """A picture of one colour on which rounding leaves no signal: where a group is constant, h is that of beta."""
    made, *_ = reference_of("lls", "group")
    layer = next(layer for layer in made.layers if layer.name == "a")
    state = made.state(layer)
    y = torch.full((2, layer.out_c, 3, 3), 0.1, dtype=torch.float64)
    y[1, layer.out_c // 2 :] += torch.arange(9.0).reshape(3, 3)
    h = ops.activated(layer, y, state, {}, training=True)
    plain = torch.nn.functional.leaky_relu(state["beta"], layer.negative_slope).reshape(-1, 1, 1)
    assert torch.equal(h[0], plain.expand(h[0].shape))
    assert torch.equal(h[1, : layer.out_c // 2], h[0, : layer.out_c // 2])
    lively = by_torch_nn(layer, y, state, {}, training=True)
    assert torch.allclose(h[1, layer.out_c // 2 :], lively[1, layer.out_c // 2 :], atol=1e-12)


def agree(ours, made, x, labels, monkeypatch) -> None:
    """Every gradient within 1e-6 of the largest of its tensor."""
    monkeypatch.setattr(ops, "activated", by_torch_nn)
    theirs = gradients(made, x, labels)
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert float(value.abs().max()) > 0, name
        assert float((ours[name] - value).abs().max()) <= 1e-6 * float(value.abs().max()), name


def test_one_block__can_have_a_norm_of_its_own() -> None:
    network = tiny_network()
    data = network.model_dump()
    data["layers"][2]["norm"] = "frozen"
    mixed = NetworkSpec.from_mapping(data, "mixed")
    made = build_reference(mixed, parse_rule("lls"), lively_parameters(mixed, parse_rule("lls")))
    names = made.trained().keys()
    assert "a/gamma" in names
    assert "b.pw/gamma" not in names
    assert NetworkSpec.from_mapping(mixed.model_dump(), "again") == mixed
    assert not any("norm" in layer for layer in network.model_dump()["layers"])
    assert "norm" not in network.model_dump()
