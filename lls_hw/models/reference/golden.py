"""Golden cases of the published implementation: their networks and parameters in our words."""

import re
from collections.abc import Mapping
from typing import Any, cast

import numpy.typing as npt

from lls_hw.models.registry import load_network
from lls_hw.models.rules.registry import parse_rule, rules
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.geometry import Layer, PoolGrid, WeightedLayer, adaptive_windows
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.models.spec.resolve import resolve
from lls_hw.models.spec.rule import OptimizerSpec, RuleSpec

Arrays = Mapping[str, npt.NDArray[Any]]
GoldenEntry = Mapping[str, Any]

_NETWORKS = {
    "smallconv": "smallconv",
    "smallconvl": "smallconv_l",
    "vgg8": "vgg8",
    "vgg11": "vgg11",
    "mobilenetv1": "mobilenet_v1",
    "mobilenetv1small": "vww_cnn",
}
_OPTIMIZERS = {"sgd": "sgd", "momentum": "momentum", "adam": "adam"}


def rule_name(published: str) -> str:
    """Our name of a rule from the published one.

    Examples
    --------
    >>> rule_name("LLS_MxM_Random"), rule_name("LocalLosses")
    ('lls_mxm_random', 'local_losses')
    """
    joined = published.lower().replace("_", "")
    return next((name for name in rules() if name.replace("_", "") == joined), published.lower())


def rule_of(entry: GoldenEntry) -> RuleSpec:
    """The rule of a case with the constants its index entry gives."""
    return parse_rule(
        rule_name(str(entry.get("rule"))),
        temperature=entry.get("temperature", 1.0),
        waveform=entry.get("waveform", "square"),
        label_smoothing=entry.get("label_smoothing", 0.0),
        reduced_rows=entry.get("reduced_set", 20),
    )


def optimizer_of(entry: GoldenEntry) -> OptimizerSpec:
    """The optimiser of a case; SGD is plain unless a momentum is given."""
    published, momentum = str(entry.get("optimizer", "SGD")), entry.get("momentum", 0.0)
    name = _OPTIMIZERS.get(published.lower())
    if name is None:
        raise SpecError("index.optimizer", published, f"known are {', '.join(_OPTIMIZERS)}", "Use one of them.")
    data = {"name": "momentum" if name == "sgd" and momentum else name, "momentum": momentum}
    return OptimizerSpec.from_mapping({**data, "learning_rate": entry.get("learning_rate", 0.05)}, "index")


def layers_of(entry: GoldenEntry, arrays: Arrays) -> tuple[Layer, ...]:
    """Resolved layers of a layer case or a network case.

    Raises
    ------
    SpecError : the kind or the network is unknown, or the geometry does not fit.
    """
    if "network" in entry:
        return resolve(_network(entry, arrays))
    kind, geometry = str(entry.get("kind")), [int(value) for value in entry.get("geometry", ())]
    if (kind, len(geometry)) not in {("conv", 7), ("dw", 7), ("linear", 2)}:
        raise SpecError(
            "index.geometry", (kind, geometry), "conv and dw take 7 numbers, linear takes 2", "Correct the entry."
        )
    pool, slope = int(entry.get("pooling_size", 2)), float(entry.get("negative_slope", 0.01))
    if kind == "linear":
        return (_linear(geometry[0], geometry[1], pool, slope),)
    if kind == "conv":
        return (_conv("block", "conv", geometry, pool, slope),)
    channels, out, kernel, stride, _, height, width = geometry
    # The published block pads by its stride, whatever the geometry says (golden/README.md).
    first = _conv("block.dw", "depthwise", [channels, channels, kernel, stride, stride, height, width], None, slope)
    return first, _conv("block.pw", "conv", [channels, out, 1, 1, 0, first.out_h, first.out_w], pool, slope)


def _conv(name: str, kind: str, geometry: list[int], pool: int | None, slope: float) -> WeightedLayer:
    """A convolution of any padding (the published depthwise one may reach past its kernel)."""
    channels, out, kernel, stride, padding, height, width = geometry
    out_h, out_w = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
    if min(out_h, out_w) < 1:
        raise SpecError("index.geometry", geometry, "the kernel does not fit the map", "Correct the entry.")
    grid = None if pool is None else PoolGrid(rows=adaptive_windows(out_h, pool), cols=adaptive_windows(out_w, pool))
    return WeightedLayer(
        name=name, block="block", kind="depthwise" if kind == "depthwise" else "conv", in_h=height, in_w=width,
        in_c=channels, out_h=out_h, out_w=out_w, out_c=out, kernel_h=kernel, kernel_w=kernel, stride=stride,
        padding=padding, bias=name == "block", batch_norm=True, negative_slope=slope, local=grid,
    )  # fmt: skip


def _linear(features: int, out: int, pool: int, slope: float) -> WeightedLayer:
    grid = PoolGrid(rows=((0, 1),), cols=((0, 1),), channels=adaptive_windows(out, pool))
    return WeightedLayer(
        name="block", block="block", kind="linear", in_h=1, in_w=1, in_c=features, out_h=1, out_w=1, out_c=out,
        kernel_h=1, kernel_w=1, stride=1, padding=0, bias=True, batch_norm=True, negative_slope=slope, local=grid,
    )  # fmt: skip


def _network(entry: GoldenEntry, arrays: Arrays) -> NetworkSpec:
    """The shipped network that a published name means, sized as the case, padded as published."""
    published = str(entry["network"])
    family = re.sub(r"[^a-z0-9]", "", re.sub(r"^(lls|dfa|drtp|bp)_|mnist$", "", published.lower()))
    if family not in _NETWORKS:
        raise SpecError("index.network", published, f"known are {', '.join(_NETWORKS)}", "Use one of them.")
    shape = entry["input_shape"] if "input_shape" in entry else arrays["x"].shape[2:]
    spec = load_network(_NETWORKS[family])
    spec = spec.resized((int(shape[0]), int(shape[1]), int(shape[2])), int(entry.get("classes", spec.classes)))
    data = spec.model_dump()
    for layer in cast("list[dict[str, Any]]", data["layers"]):
        if layer["kind"] == "separable":
            layer["padding"] = layer["stride"]
    return NetworkSpec.from_mapping(data, spec.name)
