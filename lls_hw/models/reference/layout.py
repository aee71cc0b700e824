"""Program layout (maps NHWC, weights (kh, kw, in, out)) to PyTorch's and back. NumPy only."""

import numpy as np
import numpy.typing as npt

from lls_hw.models.rules.rule import Rule
from lls_hw.models.spec.geometry import WeightedLayer

PlacedValues = npt.NDArray[np.generic]


def to_torch(layer: WeightedLayer, rule: Rule, short: str, value: PlacedValues) -> PlacedValues:
    """A parameter from program layout to the shape PyTorch's operators take.

    conv (kh, kw, in, out) -> (out, in, kh, kw); depthwise (kh, kw, channels) -> (channels, 1, kh, kw);
    linear (h, w, c, out) -> (out, c h w); state of the rule that is a map (rows, h, w, c) -> (rows, c, h, w), of a
    linear layer (rows, c).
    """
    if _is_map(rule, short):
        moved = value.transpose(0, 3, 1, 2)
        return moved.reshape(moved.shape[0], -1) if layer.kind == "linear" else moved
    if short != "weight":
        return value
    if layer.kind == "depthwise":
        return value.transpose(2, 0, 1)[:, None]
    moved = value.transpose(3, 2, 0, 1)
    return moved if layer.kind == "conv" else moved.reshape(moved.shape[0], -1)


def to_program(layer: WeightedLayer, rule: Rule, short: str, value: PlacedValues) -> PlacedValues:
    """The inverse of `to_torch`."""
    if _is_map(rule, short):
        shape = (value.shape[0], layer.out_c, layer.out_h, layer.out_w)
        return np.ascontiguousarray(value.reshape(shape).transpose(0, 2, 3, 1))
    if short != "weight":
        return value
    if layer.kind == "depthwise":
        return np.ascontiguousarray(value[:, 0].transpose(1, 2, 0))
    shape = (layer.out_c, layer.in_c, layer.kernel_h, layer.kernel_w)
    return np.ascontiguousarray(value.reshape(shape).transpose(2, 3, 1, 0))


def _is_map(rule: Rule, short: str) -> bool:
    state = rule.state_of(short)
    return state is not None and state.is_map


def map_to_program(value: PlacedValues) -> PlacedValues:
    """A map (N, C, H, W), or features (N, C), to (N, H, W, C)."""
    if value.ndim == 2:
        return value[:, None, None, :]
    return np.ascontiguousarray(value.transpose(0, 2, 3, 1))
