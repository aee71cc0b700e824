"""The recorded step: names and shapes, the local error's closed form, the update."""

import dataclasses

import numpy as np
import pytest

from lls_hw.models.reference.basis import square_basis
from lls_hw.models.reference.initial import initial_parameters, parameter_shapes
from lls_hw.models.reference.step import training_step
from lls_hw.models.registry import load_network
from lls_hw.models.rules.registry import find_rule, parse_rule
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.geometry import PoolLayer, WeightedLayer, adaptive_windows
from lls_hw.models.spec.resolve import resolve
from lls_hw.models.spec.rule import OptimizerSpec
from tests.unit.reference.tiny import RULES, lively_parameters, tiny_batch, tiny_network

SGD = OptimizerSpec(name="sgd", learning_rate=0.1)
MOMENTUM = OptimizerSpec(name="momentum", learning_rate=0.1, momentum=0.9)


def step(rule: str, *, local_loss: str = "block", optimizer=SGD, momenta=None, **constants):
    network, spec = tiny_network(local_loss), parse_rule(rule, reduced_rows=2, **constants)
    values = lively_parameters(network, spec)
    images, labels = tiny_batch(network)
    return values, training_step(network, spec, optimizer, values, momenta or {}, images, labels, dtype="float64")


def expected_shapes(rule: str, local_loss: str, batch: int) -> dict[str, tuple[int, ...]]:
    network, spec = tiny_network(local_loss), parse_rule(rule, reduced_rows=2)
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in resolve(network):
        name = layer.name
        if isinstance(layer, PoolLayer):
            shapes[f"{name}/h"] = (batch, layer.out_h, layer.out_w, layer.channels)
        elif layer.kind == "classifier":
            shapes |= {"classifier/logits": (batch, 3), "classifier/error": (batch, 3)}
        else:
            whole = (batch, layer.out_h, layer.out_w, layer.out_c)
            shapes |= {f"{name}/{short}": whole for short in ("y", "h", "delta_y", "delta_h")}
            if layer.local is not None and rule not in {"bp", "dfa", "drtp"}:
                latents = (batch, layer.local.latents(layer.out_c))
                shapes |= {f"{name}/latent": latents, f"{name}/latent_grad": latents}
                shapes |= {f"{name}/signal_logits": (batch, 3), f"{name}/error": (batch, 3)}
    trained = {name: shape for name, shape in parameter_shapes(network, spec).items() if find_rule(rule).trains(name)}
    return shapes | {f"{name}_grad": shape for name, shape in trained.items()}


@pytest.mark.parametrize("local_loss", ["block", "conv"])
@pytest.mark.parametrize("rule", RULES)
def test_training_step__names_and_shapes(rule: str, local_loss: str) -> None:
    values, record = step(rule, local_loss=local_loss)
    assert {name: value.shape for name, value in record.tensors.items()} == expected_shapes(rule, local_loss, 6)
    assert {name: value.shape for name, value in record.parameters.items()} == {k: v.shape for k, v in values.items()}
    local = {"a", "b", "c"} | ({"b.dw"} if local_loss == "conv" else set())
    assert set(record.losses) == {"classifier"} | (set() if rule in {"bp", "dfa", "drtp"} else local)


def numpy_local_error(rule, z, labels, basis, state, temperature):
    """Local error of one block in the steps of docs/design.md: (logits, error, dLoss/dz)."""
    r = 1 / np.sqrt((z * z).sum(1, keepdims=True))
    p = z @ basis.T
    gain = state if rule == "lls_mxm" else np.diag(np.ones(len(basis)) if rule == "lls" else state)
    s = (p * r) @ gain / temperature
    share = np.exp(s - s.max(1, keepdims=True))
    share /= share.sum(1, keepdims=True)
    e = (share - np.eye(s.shape[1])[labels]) / len(z)
    u = (e @ gain.T / temperature) @ basis
    return s, e, r * (u - z * r * (e * s).sum(1, keepdims=True))


@pytest.mark.parametrize("rule", ["lls", "lls_m", "lls_mxm"])
def test_local_error__refimp(rule: str) -> None:
    values, record = step(rule, temperature=0.6)
    labels = tiny_batch(tiny_network())[1]
    for layer in (layer for layer in resolve(tiny_network()) if isinstance(layer, WeightedLayer) and layer.local):
        name, h = layer.name, record.tensors[f"{layer.name}/h"]
        z = numpy_latent(layer, h)
        np.testing.assert_allclose(record.tensors[f"{name}/latent"], z, rtol=1e-12, atol=1e-14)
        state = values.get(f"{name}/modulation")
        basis = square_basis(3, z.shape[1])
        s, e, g = numpy_local_error(rule, z, labels, basis, state, 0.6)
        np.testing.assert_allclose(record.tensors[f"{name}/signal_logits"], s, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(record.tensors[f"{name}/error"], e, rtol=1e-10, atol=1e-12)
        areas = np.tile(layer.local.areas, 1 if layer.local.channels else layer.out_c)
        np.testing.assert_allclose(record.tensors[f"{name}/latent_grad"], g / areas, rtol=1e-9, atol=1e-12)


def numpy_latent(layer: WeightedLayer, h: np.ndarray) -> np.ndarray:
    """Means over windows in (channel, row, column) order."""
    if layer.local.channels is not None:
        return np.stack([h[:, 0, 0, a:b].mean(1) for a, b in layer.local.channels], 1)
    rows, cols = layer.local.rows, layer.local.cols
    z = [h[:, a:b, c:d].mean((1, 2)) for a, b in rows for c, d in cols]
    return np.stack(z, 2).reshape(len(h), -1)


def test_delta_h__is_the_latent_gradient_spread_over_overlapping_windows() -> None:
    _, record = step("lls_m")
    layer = next(layer for layer in resolve(tiny_network()) if layer.name == "b.pw")
    grad = record.tensors["b.pw/latent_grad"].reshape(6, layer.out_c, 2, 2)
    spread = np.zeros((6, layer.out_h, layer.out_w, layer.out_c))
    for i, (a, b) in enumerate(adaptive_windows(layer.out_h, 2)):
        for j, (c, d) in enumerate(adaptive_windows(layer.out_w, 2)):
            spread[:, a:b, c:d] += grad[:, None, None, :, i, j]
    np.testing.assert_allclose(record.tensors["b.pw/delta_h"], spread, rtol=1e-10, atol=1e-14)


def test_weight_grad__is_the_product_of_input_and_delta_y() -> None:
    _, record = step("lls")
    x = record.tensors["pool2/h"].reshape(6, -1)
    expect = x.T @ record.tensors["c/delta_y"].reshape(6, -1)
    np.testing.assert_allclose(record.tensors["c/weight_grad"].reshape(expect.shape), expect, rtol=1e-9, atol=1e-13)
    pointwise = np.einsum("nhwi,nhwo->io", record.tensors["b.dw/h"], record.tensors["b.pw/delta_y"])
    np.testing.assert_allclose(record.tensors["b.pw/weight_grad"][0, 0], pointwise, rtol=1e-9, atol=1e-13)


def test_dfa__signal_is_the_output_error_through_the_feedback() -> None:
    values, record = step("dfa")
    error = record.tensors["classifier/error"] * 6  # the signal is not divided by the batch
    expect = np.tensordot(error, values["a/feedback"], 1)
    np.testing.assert_allclose(record.tensors["a/delta_h"], expect, rtol=1e-10, atol=1e-14)


def test_drtp__signal_is_the_target_through_the_feedback() -> None:
    values, record = step("drtp")
    labels = tiny_batch(tiny_network())[1]
    np.testing.assert_allclose(record.tensors["c/delta_h"], -values["c/feedback"][labels], rtol=1e-12)


@pytest.mark.parametrize("rule", ["bp", "lls_m", "lls_random"])
def test_update__momentum_follows_pytorch(rule: str) -> None:
    network, spec = tiny_network(), parse_rule(rule)
    images, labels = tiny_batch(network)
    values, first = step(rule, optimizer=MOMENTUM)
    second = training_step(network, spec, MOMENTUM, first.parameters, first.momenta, images, labels, dtype="float64")
    assert set(first.momenta) == {name for name in values if find_rule(rule).trains(name)}
    for name in first.momenta:
        velocity = 0.9 * first.tensors[f"{name}_grad"] + second.tensors[f"{name}_grad"]
        np.testing.assert_allclose(second.momenta[name], velocity, rtol=1e-12, atol=1e-15)
        moved = first.parameters[name] - 0.1 * velocity
        np.testing.assert_allclose(second.parameters[name], moved, rtol=1e-12, atol=1e-15)


def test_update__fixed_state_and_plain_sgd() -> None:
    values, record = step("lls_m_random")
    assert record.momenta == {}
    np.testing.assert_array_equal(record.parameters["a/projection"], values["a/projection"])


def test_training_step__single_precision_is_close_and_deterministic() -> None:
    network, rule = load_network("smallconv"), parse_rule("lls_m")
    values = initial_parameters(network, rule, 0)
    rng = np.random.default_rng(0)
    batch = rng.standard_normal((4, 28, 28, 1)).astype(np.float32), rng.integers(0, 10, 4)
    records = [
        training_step(network, rule, SGD, values, {}, *batch, dtype=d) for d in ("float32", "float32", "float64")
    ]
    assert records[0].tensors["conv1/h"].dtype == np.float32
    for name, value in records[0].tensors.items():
        np.testing.assert_array_equal(value, records[1].tensors[name])
    exact = records[2].tensors["conv3/weight_grad"]
    assert np.abs(records[0].tensors["conv3/weight_grad"] - exact).max() < 1e-4 * np.abs(exact).max()


def test_training_step__given_basis_is_used() -> None:
    network, rule = tiny_network(), parse_rule("lls")
    values, (images, labels) = lively_parameters(network, rule), tiny_batch(network)
    length = 4 * 4
    zero = {"a": np.zeros((3, length))}
    record = training_step(network, rule, SGD, values, {}, images, labels, bases=zero)
    assert not record.tensors["a/signal_logits"].any()
    assert record.tensors["b.pw/signal_logits"].any()


def test_training_step__whole_network_records_every_layer() -> None:
    """The default network at its own size: every weighted layer has its error and its weight gradient, all finite."""
    network, rule = load_network("vww_cnn"), parse_rule("lls_m")
    values = initial_parameters(network, rule, 0)
    images, labels = np.random.default_rng(0).standard_normal((8, 128, 128, 3)).astype(np.float32), np.arange(8) % 2
    record = training_step(network, rule, MOMENTUM, values, {}, images, labels)
    layers = [layer for layer in resolve(network) if isinstance(layer, WeightedLayer)]
    assert len(layers) == 16
    for layer in layers:
        for name in (f"{layer.name}/weight_grad", f"{layer.name}/{'delta_y' if layer.batch_norm else 'error'}"):
            assert np.isfinite(record.tensors[name]).all(), name
            assert record.tensors[name].any(), name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rule": parse_rule("inference")}, r"^--rule = 'inference': a training step needs a rule that learns\. "),
        ({"dtype": "float16"}, r"^dtype = 'float16': the reference computes in float32 or float64\. "),
        ({"images": np.zeros((6, 2, 10, 7))}, r"^images = \(6, 2, 10, 7\): their shape must be \(batch, 10, 7, 2\)\. "),
        ({"labels": np.full(6, 3)}, r"^labels = \(3, 3\): they lie in 0 to 2\. "),
        ({"labels": np.zeros(5, int)}, r"^labels = \(5,\): their shape must be \(6,\)\. "),
        (
            {"optimizer": OptimizerSpec(name="schedulefree_sgd")},
            r"^--optimizer = 'schedulefree_sgd': one explicit step is defined for sgd",
        ),
        (
            {"momenta": {"a/projection": np.zeros(1)}},
            r"^momenta = 'a/projection': rule lls trains no such parameter\. ",
        ),
        ({"momenta": {"a/bias": np.zeros(5)}}, r"^momenta\.a/bias = \(5,\): its shape must be the parameter's\. "),
        ({"bases": {"a": np.zeros((3, 9))}}, r"^bases\.a = \(3, 9\): its shape must be \(3, 16\)\. "),
        ({"parameters": {}}, r"^parameters = 'a/weight': it is missing\. "),
    ],
)
def test_training_step__refusals(change, message: str) -> None:
    network, rule = tiny_network(), parse_rule("lls")
    images, labels = tiny_batch(network)
    given = {"network": network, "rule": rule, "optimizer": SGD, "parameters": lively_parameters(network, rule)}
    given |= {"momenta": {}, "images": images, "labels": labels}
    with pytest.raises(SpecError, match=message):
        training_step(**(given | change))


def test_training_step__refuses_a_parameter_of_another_shape() -> None:
    network, rule = tiny_network(), parse_rule("lls")
    values = lively_parameters(network, rule) | {"a/bias": np.zeros(9)}
    with pytest.raises(
        SpecError, match=r"^parameters\.a/bias = \(9,\): its shape must be \(4,\)\. Use program layout\."
    ):
        training_step(network, rule, SGD, values, {}, *tiny_batch(network))
    unknown = lively_parameters(network, rule) | {"z/bias": np.zeros(9)}
    with pytest.raises(SpecError, match=r"^parameters = 'z/bias': rule lls on tiny has none\. Remove it\."):
        training_step(network, rule, SGD, unknown, {}, *tiny_batch(network))


def test_training_step__refuses_batchnorm_over_one_value() -> None:
    network, rule = tiny_network(), parse_rule("lls")
    images, labels = tiny_batch(network, batch=1)
    with pytest.raises(SpecError, match=r"^batch = 1: BatchNorm of layer 'c' would see a single value per channel\. "):
        training_step(network, rule, SGD, lively_parameters(network, rule), {}, images, labels)


def test_step_record__is_frozen() -> None:
    _, record = step("bp")
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.losses = {}
