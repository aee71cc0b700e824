"""The border from codes to real numbers: what people and the float reference see.

No kernel is needed to read codes, so none is imported: the reference's process starts without them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lls_hw.models.program.names import split_name
from lls_hw.models.program.ops.normalise import NormBackward
from lls_hw.models.program.program import Program
from lls_hw.models.rules.registry import find_rule
from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.models.spec.resolve import resolve
from lls_hw.sim.kernels.codes import Ints


@dataclass(frozen=True, slots=True)
class Value:
    """Codes and their scale: value = codes * 2**-frac."""

    codes: Ints
    frac: int


def real(value: Value) -> NDArray[np.float64]:
    """Codes as real numbers."""
    numbers: NDArray[np.float64] = np.multiply(value.codes, 2.0**-value.frac, dtype=np.float64)
    return numbers


def real_tensor(program: Program, name: str, value: Value) -> NDArray[np.float64]:
    """A program tensor in the reference's units and order.

    Latents become means instead of sums. The gradient of a block's own classifier becomes the
    share of each position, (channel, row, column), as the other rules have it.
    """
    numbers = real(value)
    layer, which = split_name(name)
    if which in ("latent", "projected"):
        return numbers / max(window_areas(program, layer)[0])
    if which == "latent_grad" and _spreading(program, layer).means:
        areas, channels = window_areas(program, layer)
        shares = numbers.reshape(program.batch, len(areas), channels) / np.array(areas, np.float64)[None, :, None]
        numbers = shares.swapaxes(1, 2).reshape(numbers.shape)
    return numbers


def real_parameter(program: Program, name: str, values: Mapping[str, Value]) -> NDArray[np.float64]:
    """The way back: what a reference's parameter is on the chip, in the reference's layout."""
    owner, short = split_name(name)
    state = find_rule(program.rule.name).state_of(short)
    if state is None:
        return real(values[name])
    layer = next(layer for layer in resolve(program.network) if layer.name == owner)
    assert isinstance(layer, WeightedLayer), "a pooling keeps no state"
    return state.from_chip(layer, program.batch, real(values[state.tensor(owner, short)]))


def window_areas(program: Program, layer: str) -> tuple[tuple[int, ...], int]:
    """Areas of a layer's windows, and channels that share them."""
    op = _spreading(program, layer)
    assert op.spread is not None
    return op.spread.areas, 1 if op.spread.channels is not None else op.shape.out_c


def _spreading(program: Program, layer: str) -> NormBackward:
    """The op that spreads a layer's pooled gradient."""
    return next(o for o in program.ops if isinstance(o, NormBackward) and o.layer == layer and o.spread)
