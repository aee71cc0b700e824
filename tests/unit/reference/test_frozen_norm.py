"""Frozen norms in float: `torch.nn.BatchNorm` in eval mode and autograd are the oracle."""

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
    """The layer's norm as PyTorch's own module has it, in eval mode, and LeakyReLU."""
    kind = torch.nn.BatchNorm1d if y.dim() == 2 else torch.nn.BatchNorm2d
    module = kind(layer.out_c, eps=1e-5).double().eval()
    module.weight, module.bias = (torch.nn.Parameter(state[name].detach()) for name in ("gamma", "beta"))
    del module.bias
    module.bias = state["beta"]
    module.running_mean, module.running_var = (buffers[f"{layer.name}/running_{what}"] for what in ("mean", "var"))
    return torch.nn.functional.leaky_relu(module(y), layer.negative_slope)


def reference_of(rule: str):
    network = tiny_network("conv").with_norm("frozen")
    spec = parse_rule(rule, reduced_rows=2, temperature=0.7)
    made = build_reference(network, spec, lively_parameters(network, spec), dtype="float64")
    rng = np.random.default_rng(4)
    for layer in made.layers:
        if isinstance(layer, WeightedLayer) and layer.batch_norm:
            made.buffers[f"{layer.name}/running_mean"] = torch.from_numpy(0.3 * rng.standard_normal(layer.out_c))
            made.buffers[f"{layer.name}/running_var"] = torch.from_numpy(rng.uniform(0.2, 3.0, layer.out_c))
    images, labels = tiny_batch(network)
    return made, image_tensor(network, images, torch.float64), label_tensor(network, labels, len(labels))


def gradients(made, x, labels):
    tape = made.learn(x, labels)
    watched = {**made.trained(), **{name: value for name, value in tape.tensors.items() if name.endswith("/y")}}
    found = torch.autograd.grad(tape.objective, list(watched.values()))
    return dict(zip(watched, found, strict=True))


@pytest.mark.parametrize("rule", ["bp", "lls", "lls_m", "lls_mxm", "local_losses"])
def test_frozen__gradients_are_those_of_torch_nn(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made, x, labels = reference_of(rule)
    before = {name: value.clone() for name, value in made.buffers.items()}
    ours = gradients(made, x, labels)
    assert all(torch.equal(made.buffers[name], value) for name, value in before.items()), "statistics are constants"
    assert {"a/beta", "b.dw/beta", "b.pw/beta", "c/beta", "classifier/bias"} <= ours.keys()
    assert not [name for name in ours if name.endswith("/gamma") or name in ("a/bias", "c/bias")]
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
