"""Shapes and initial values of a network's parameters. NumPy only, no torch."""

import zlib

import numpy as np
import numpy.typing as npt

from lls_hw.models.spec.geometry import WeightedLayer, adaptive_windows
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.models.spec.resolve import resolve
from lls_hw.models.spec.rule import RuleSpec

Array = npt.NDArray[np.float32]

PROJECTION_COLUMNS = 2048
"""Columns of a random projection before it is averaged down to the latent's length."""
MODULATION_STD, PROJECTION_STD, FEEDBACK_SPAN = 0.01, 0.1, 1e-4
FIXED = ("projection", "feedback")
"""State that no rule trains."""


def weighted_layers(network: NetworkSpec) -> tuple[WeightedLayer, ...]:
    """The layers that hold weights, in order, classifier last."""
    return tuple(layer for layer in resolve(network) if isinstance(layer, WeightedLayer))


def latent_length(layer: WeightedLayer) -> int:
    """n, the values of one sample that a layer's local loss sees (0 without a local loss)."""
    return 0 if layer.local is None else layer.local.latents(layer.out_c)


def layer_shapes(layer: WeightedLayer, rule: RuleSpec, classes: int) -> dict[str, tuple[int, ...]]:
    """Shape of each parameter of a layer in program layout, by its short name.

    The weight is `WeightedLayer.weight_shape`; bias, gamma, beta are (out,); the rule's own state is
    modulation (rows,) or (rows, classes), projection (rows, n), local_weight (classes, n) and
    local_bias (classes,), feedback (classes, out_h, out_w, out).
    """
    shapes: dict[str, tuple[int, ...]] = {"weight": layer.weight_shape}
    if layer.bias:
        shapes["bias"] = (layer.out_c,)
    if layer.batch_norm:
        shapes["gamma"] = shapes["beta"] = (layer.out_c,)
    if layer.local is not None:
        shapes |= _rule_shapes(layer, rule, classes)
    return shapes


def _rule_shapes(layer: WeightedLayer, rule: RuleSpec, classes: int) -> dict[str, tuple[int, ...]]:
    """State that a rule keeps at a layer with a local loss."""
    rows, length = rule.basis_rows(classes), latent_length(layer)
    if rule.name in {"dfa", "drtp"}:
        return {"feedback": (classes, layer.out_h, layer.out_w, layer.out_c)}
    if rule.name == "local_losses":
        return {"local_weight": (classes, length), "local_bias": (classes,)}
    shapes: dict[str, tuple[int, ...]] = {}
    if rule.modulation != "none":
        shapes["modulation"] = (rows,) if rule.modulation == "vector" else (rows, classes)
    if rule.random_projection:
        shapes["projection"] = (rows, length)
    return shapes


def parameter_shapes(network: NetworkSpec, rule: RuleSpec) -> dict[str, tuple[int, ...]]:
    """Shape of every parameter, named ``layer/short`` (program layout)."""
    return {
        f"{layer.name}/{short}": shape
        for layer in weighted_layers(network)
        for short, shape in layer_shapes(layer, rule, network.classes).items()
    }


def is_trained(name: str) -> bool:
    """Whether a rule updates the parameter of that name.

    Examples
    --------
    >>> is_trained("conv1/modulation"), is_trained("conv1/projection")
    (True, False)
    """
    return name.rpartition("/")[2] not in FIXED


def initial_parameters(network: NetworkSpec, rule: RuleSpec, seed: int) -> dict[str, Array]:
    """Initial values of every parameter, float32, in program layout.

    Weights and biases are uniform in +-1/sqrt(fan_in) (PyTorch's default), gamma 1, beta 0, modulation
    0.01 N(0, 1), DFA and DRTP feedback 1e-4 U(0, 1). Projections and local classifiers are
    0.1 N(0, 1) with 2048 columns (`smallconv`, `smallconv_l`: n columns) averaged down to n; a local bias is 0.
    Each parameter has a generator of its own, keyed by the seed and its name, so values shared by
    two rules are equal. Source: DESIGN section 9.

    Raises
    ------
    SpecError : the network's layers do not fit its input.
    """
    values: dict[str, Array] = {}
    for layer in weighted_layers(network):
        columns = latent_length(layer) if network.name.startswith("smallconv") else PROJECTION_COLUMNS
        for short, shape in layer_shapes(layer, rule, network.classes).items():
            name = f"{layer.name}/{short}"
            values[name] = _draw(short, shape, layer.fan_in, columns, _generator(seed, name)).astype(np.float32)
    return values


def _generator(seed: int, name: str) -> np.random.Generator:
    """A stream that depends on the seed and the parameter's name alone."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, zlib.crc32(name.encode())])))


def _draw(
    short: str, shape: tuple[int, ...], fan_in: int, columns: int, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Values of one parameter by its short name."""
    if short in {"weight", "bias"}:
        bound = fan_in**-0.5
        return rng.uniform(-bound, bound, shape)
    if short in {"beta", "local_bias"}:
        return np.zeros(shape)
    if short == "gamma":
        return np.ones(shape)
    if short == "modulation":
        return MODULATION_STD * rng.standard_normal(shape)
    if short == "feedback":
        return FEEDBACK_SPAN * rng.uniform(0.0, 1.0, shape)
    return average_columns(PROJECTION_STD * rng.standard_normal((shape[0], columns)), shape[1])


def average_columns(matrix: npt.NDArray[np.float64], length: int) -> npt.NDArray[np.float64]:
    """Adaptive average of each row to `length` values (elements repeat where `length` is longer).

    Examples
    --------
    >>> average_columns(np.array([[1.0, 3.0, 5.0, 7.0]]), 2).tolist()
    [[2.0, 6.0]]
    """
    windows = adaptive_windows(matrix.shape[1], length)
    return np.stack([matrix[:, a:b].mean(axis=1) for a, b in windows], axis=1)
