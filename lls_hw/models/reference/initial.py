"""Shapes and initial values of a network's parameters. NumPy only, no torch."""

import zlib

import numpy as np
import numpy.typing as npt

from lls_hw.models.program.names import tensor_name
from lls_hw.models.rules.registry import find_rule
from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.models.spec.resolve import resolve
from lls_hw.models.spec.rule import RuleSpec

FirstValues = npt.NDArray[np.float32]


def weighted_layers(network: NetworkSpec) -> tuple[WeightedLayer, ...]:
    """The layers that hold weights, in order, classifier last."""
    return tuple(layer for layer in resolve(network) if isinstance(layer, WeightedLayer))


def latent_length(layer: WeightedLayer) -> int:
    """n, the values of one sample that a layer's local loss sees (0 without a local loss)."""
    return 0 if layer.local is None else layer.local.latents(layer.out_c)


def layer_shapes(layer: WeightedLayer, rule: RuleSpec, classes: int) -> dict[str, tuple[int, ...]]:
    """Shape of each parameter of a layer in program layout, by its short name: its own, then the rule's state."""
    return own_shapes(layer) | state_shapes(layer, rule, classes)


def own_shapes(layer: WeightedLayer) -> dict[str, tuple[int, ...]]:
    """Of `WeightedLayer.weight_shape` the weight; bias, gamma and beta are (out,)."""
    shapes: dict[str, tuple[int, ...]] = {"weight": layer.weight_shape}
    if layer.bias:
        shapes["bias"] = (layer.out_c,)
    if layer.batch_norm:
        shapes["gamma"] = shapes["beta"] = (layer.out_c,)
    return shapes


def state_shapes(layer: WeightedLayer, rule: RuleSpec, classes: int) -> dict[str, tuple[int, ...]]:
    """State that the rule keeps at a layer: none where it has no local loss."""
    kept = () if layer.local is None else find_rule(rule.name).state
    return {state.short: state.shape(layer, rule, classes) for state in kept}


def parameter_shapes(network: NetworkSpec, rule: RuleSpec) -> dict[str, tuple[int, ...]]:
    """Shape of every parameter, named ``layer/short`` (program layout)."""
    return {
        tensor_name(layer.name, short): shape
        for layer in weighted_layers(network)
        for short, shape in layer_shapes(layer, rule, network.classes).items()
    }


def initial_parameters(network: NetworkSpec, rule: RuleSpec, seed: int) -> dict[str, FirstValues]:
    """Initial values of every parameter, float32, in program layout.

    Weights and biases are uniform in +-1/sqrt(fan_in) (PyTorch's default), gamma 1, beta 0; the rule's state
    has the first values of its record: projections and local classifiers are drawn with the
    network's `projection_columns` and averaged down to n.
    Each parameter has a generator of its own, keyed by the seed and its name, so values shared by
    two rules are equal. Source: docs/design.md, networks and first values.

    Raises
    ------
    SpecError : the network's layers do not fit its input.
    """
    values: dict[str, FirstValues] = {}
    for layer in weighted_layers(network):
        for short, shape in own_shapes(layer).items():
            name = tensor_name(layer.name, short)
            values[name] = _draw(short, shape, layer.fan_in, _generator(seed, name)).astype(np.float32)
        values |= initial_state(network, layer, rule, seed)
    return values


def initial_state(network: NetworkSpec, layer: WeightedLayer, rule: RuleSpec, seed: int) -> dict[str, FirstValues]:
    """Initial values of what the rule keeps at one layer."""
    columns = latent_length(layer) if network.projection_columns == "latent" else network.projection_columns
    kept = () if layer.local is None else find_rule(rule.name).state
    return {
        (name := tensor_name(layer.name, state.short)): state.first(
            _generator(seed, name), state.shape(layer, rule, network.classes), columns
        ).astype(np.float32)
        for state in kept
    }


def _generator(seed: int, name: str) -> np.random.Generator:
    """A stream that depends on the seed and the parameter's name alone."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, zlib.crc32(name.encode())])))


def _draw(short: str, shape: tuple[int, ...], fan_in: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Values of one of a layer's own parameters by its short name."""
    if short in {"weight", "bias"}:
        bound = fan_in**-0.5
        return rng.uniform(-bound, bound, shape)
    return {"gamma": np.ones, "beta": np.zeros}[short](shape)
