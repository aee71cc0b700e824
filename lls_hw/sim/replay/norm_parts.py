"""Norms of some of their channels, and the part of a pooled error that these need."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lls_hw.models.program.ops.normalise import BatchNorm, BatchNormBackward, FrozenNormBackward, NormBackward
from lls_hw.models.spec.geometry import PoolGrid, Window
from lls_hw.sim.functional import norm_errors
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.mapping.recipes.normalise import share
from lls_hw.sim.replay.errors import ReplayError
from lls_hw.sim.replay.machine import TileMachine

if TYPE_CHECKING:
    from lls_hw.sim.replay.units import UnitRows

AnyNormOp = BatchNorm | BatchNormBackward | FrozenNormBackward
"""The norms, forward and backward."""


def of_channels(op: AnyNormOp, channels: Window) -> Any:  # noqa: ANN401  (a norm of the same kind)
    """A norm of some of its channels."""
    first, last = channels
    if last - first == op.shape.out_c:
        return op
    one = replace(op, shape=replace(op.shape, out_c=last - first))
    if isinstance(one, BatchNorm) or one.spread is None or one.spread.channels is None:
        return one
    return replace(one, spread=_features(one.spread, op.shape.out_c, channels))


def pooled_part(latents: int, width: int, channels: Window) -> Window:
    """The latents that a group of channels loads: its share, rounded up, which never reaches beyond the last."""
    codes = share(latents, channels[1] - channels[0], width)
    first = min(latents * channels[0] // width, latents - codes)
    return first, first + codes


def _features(grid: PoolGrid, width: int, channels: Window) -> PoolGrid:
    """The windows over features that reach some of them, in their terms."""
    first, last = channels
    assert grid.channels is not None
    a, b = pooled_part(len(grid.channels), width, channels)
    own = grid.channels[a:b]
    if any(c < last and first < d for c, d in (*grid.channels[:a], *grid.channels[b:])):
        raise ReplayError("a group of channels needs more of the pooled gradient than is costed")
    return replace(
        grid, channels=tuple((min(max(c, first), last) - first, min(max(d, first), last) - first) for c, d in own)
    )


def error_at(m: TileMachine, op: NormBackward, at: "UnitRows") -> Value:
    """The error at the rows at hand, (positions, channels): a map's own, or a pooled one's of their samples."""
    (error, _), channels = norm_errors.read_error(m, op), op.shape.out_c
    if op.spread is not None:
        maps = error.codes.reshape(at.samples[1] - at.samples[0], at.of, channels)
        error = Value(maps[:, slice(*at.units)], error.frac)
    return Value(np.ascontiguousarray(error.codes).reshape(-1, channels), error.frac)
