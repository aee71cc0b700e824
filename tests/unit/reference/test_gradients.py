"""Gradients of every rule against finite differences, and walls between blocks."""

import numpy as np
import pytest
import torch

from lls_hw.models.reference.build import build_reference, image_tensor, label_tensor
from lls_hw.models.reference.network import Reference, Tape
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.geometry import WeightedLayer
from tests.unit.reference.tiny import LOCAL_RULES, RULES, lively_parameters, tiny_batch, tiny_network

STEP = 1e-5
ENTRIES_PER_PARAMETER = 12


def make(rule: str, local_loss: str = "block", **constants):
    network = tiny_network(local_loss)
    spec = parse_rule(rule, reduced_rows=2, **constants)
    reference = build_reference(network, spec, lively_parameters(network, spec), dtype="float64")
    images, labels = tiny_batch(network)
    return reference, image_tensor(network, images, torch.float64), label_tensor(network, labels, len(labels))


def loss_layer(reference: Reference, name: str) -> str:
    """The layer whose loss trains a parameter."""
    owner = name.rpartition("/")[0]
    if not reference.is_local or owner == "classifier":
        return "classifier"
    layers = [layer for layer in reference.layers if isinstance(layer, WeightedLayer)]
    start = [layer.name for layer in layers].index(owner)
    return next(layer.name for layer in layers[start:] if layer.local is not None)


def local_value(reference: Reference, tape: Tape, name: str, signals: dict[str, torch.Tensor]) -> float:
    """The scalar that a parameter's gradient is of."""
    layer = loss_layer(reference, name)
    if layer in signals:
        return float((tape.tensors[f"{layer}/h"] * signals[layer]).sum())
    return float(tape.losses[layer])


@pytest.mark.parametrize("local_loss", ["block", "conv"])
@pytest.mark.parametrize("rule", RULES)
def test_objective_gradient__finite_differences(rule: str, local_loss: str) -> None:
    reference, x, labels = make(rule, local_loss, temperature=0.7, label_smoothing=0.1)
    tape = reference.learn(x, labels)
    trained = reference.trained()
    gradients = dict(zip(trained, torch.autograd.grad(tape.objective, list(trained.values())), strict=True))
    signals = {}
    if rule in {"dfa", "drtp"}:
        for layer in (layer for layer in reference.layers if getattr(layer, "local", None) is not None):
            logits = tape.logits.detach()
            onehot = torch.eye(logits.shape[1], dtype=logits.dtype)[labels]
            error = logits.softmax(1) - onehot if rule == "dfa" else -onehot
            signals[layer.name] = torch.einsum("nc,c...->n...", error, reference.state(layer)["feedback"])
    rng = np.random.default_rng(0)
    for name, gradient in gradients.items():
        flat = trained[name].detach().view(-1)
        for index in rng.permutation(len(flat))[:ENTRIES_PER_PARAMETER]:
            values = []
            for sign in (1, -1):
                flat[index] += sign * STEP
                with torch.no_grad():
                    values.append(local_value(reference, reference.learn(x, labels), name, signals))
                flat[index] -= sign * STEP
            found = (values[0] - values[1]) / (2 * STEP)
            expect = float(gradient.reshape(-1)[index])
            assert abs(found - expect) <= 1e-6 * float(gradient.abs().max()) + 1e-9, f"{name}[{index}]"


@pytest.mark.parametrize("rule", LOCAL_RULES)
def test_local_rule__no_gradient_crosses_a_block_boundary(rule: str) -> None:
    reference, x, labels = make(rule)
    tape = reference.learn(x, labels)
    names = list(reference.trained())
    leaves = list(reference.trained().values())
    for layer in ("a", "b.pw", "c", "classifier"):
        if rule in {"dfa", "drtp"} and layer != "classifier":
            target = tape.tensors[f"{layer}/h"].sum()
        else:
            target = tape.losses[layer]
        found = torch.autograd.grad(target, leaves, allow_unused=True, retain_graph=True)
        reached = {
            name.partition("/")[0].partition(".")[0] for name, g in zip(names, found, strict=True) if g is not None
        }
        assert reached == {layer.partition(".")[0]}


def test_local_rule__one_loss_per_convolution_cuts_inside_the_block() -> None:
    reference, x, labels = make("lls_m", "conv")
    tape = reference.learn(x, labels)
    assert torch.autograd.grad(tape.losses["b.pw"], reference.parameters["b.dw/weight"], allow_unused=True) == (None,)


def test_backpropagation__reaches_the_first_layer() -> None:
    reference, x, labels = make("bp")
    tape = reference.learn(x, labels)
    assert set(tape.losses) == {"classifier"}
    (found,) = torch.autograd.grad(tape.losses["classifier"], reference.parameters["a/weight"])
    assert found.abs().max() > 0


def test_zero_latent__receives_no_gradient() -> None:
    from lls_hw.models.reference.rules.lls import normalised

    z = torch.zeros(2, 5, dtype=torch.float64, requires_grad=True)
    (grad,) = torch.autograd.grad(normalised(z).sum(), z)
    assert not grad.any()
