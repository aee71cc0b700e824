"""The errors of every norm: the one behind it, which may be a pooled one, and the one in front of it."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from lls_hw.models.program.ops.group_norm import GroupNormBackward
from lls_hw.models.program.ops.normalise import BatchNormBackward, FrozenNormBackward, NormBackward
from lls_hw.sim.functional.machine import IntegerMachine, Peak
from lls_hw.sim.functional.pooling import windows
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.kernels import norm_maps
from lls_hw.sim.kernels.codes import Ints, Wide
from lls_hw.sim.kernels.events import PEAK, Events
from lls_hw.sim.kernels.pool import SHARE, spread_windows
from lls_hw.sim.kernels.tables import mantissa
from lls_hw.sim.kernels.threads import run

PEAK_FRAC = 20
NormInFront = BatchNormBackward | FrozenNormBackward | GroupNormBackward
Narrow = Callable[[int, bool], tuple[int, int]]


def write_error(m: IntegerMachine, op: NormInFront, out: Ints, in_frac: int, narrow: Narrow) -> None:
    """The error in front of a norm as `narrow` leaves it in `out` at a scale; where none stands, it measures first.

    `narrow` takes the scale's fraction bits and whether to store, and returns (overflows, peak); `in_frac` counts the
    error's and y's fraction bits.
    """

    def measure() -> Peak:
        frac = PEAK_FRAC + in_frac
        return Peak(narrow(frac, False)[1], frac + norm_maps.PEAK_GUARD)

    if m.scales.watches(op.out):
        m.did(PEAK, out.size)
    out_frac = m.scales.frac(op.out, m.program.tensors[op.out].bits, measure)
    saturated, peak = narrow(out_frac, True)
    m.record.saturated += saturated
    m.scales.saw(op.out, Peak(peak, out_frac + norm_maps.PEAK_GUARD))
    m.write(op.out, out, out_frac)


def read_error(m: IntegerMachine, op: NormBackward) -> tuple[Value, Events]:
    """The error behind a norm at every position, and what each pass does to find it there."""
    error = m.read(op.error)
    return (error, {}) if op.spread is None else spread_gradient(m, op, error)


def spread_gradient(m: IntegerMachine, op: NormBackward, grad: Value) -> tuple[Value, Events]:
    """The pooled gradient at every position of its window, and what that takes: a sum where windows overlap.

    On the chip it is addressing, not storage: every pass that reads the error does it anew.
    """
    s, grid = op.shape, op.spread
    assert grid is not None
    samples = grad.codes.size // grid.latents(s.out_c)
    rows, cols, channels, shape = grid.rows, grid.cols, s.out_c, (samples, s.out_h, s.out_w, s.out_c)
    if grid.channels is not None:
        cols, channels, shape = grid.channels, 1, (samples, 1, s.out_c, 1)
    codes, frac = grad.codes, grad.frac
    shared = SHARE if op.means else {}
    if op.means:
        codes, frac = _shared(m, grid.areas, codes.reshape(samples, len(grid.areas), channels), frac)
    out = np.empty(shape, np.int32)
    pooled = codes.reshape(samples, channels, len(rows), len(cols))
    grids = windows(rows), windows(cols)
    spread = run(lambda first, last: spread_windows(pooled[first:last], *grids, out[first:last]), samples)
    took = {event: number * codes.size for event, number in shared.items()}
    return Value(out, frac), {**took, "adds": sum(spread) - out.size}


def _shared(m: IntegerMachine, areas: tuple[int, ...], codes: Ints, frac: int) -> tuple[Wide, int]:
    """Gradients of means (batch, window, channel) times the reciprocals of their windows' areas, channels first.

    Rounded once, to at most 17 bits, with as many more fraction bits as the smallest area leaves.
    """
    guard = 17 - m.program.precision.error_bits + min(areas).bit_length() - 1
    pairs = np.array([mantissa(Fraction(1, area)) for area in areas], np.int64)
    share, shift = pairs[:, :1], pairs[:, 1:] - guard
    left, right = np.maximum(-shift, 0), np.maximum(shift, 0)
    shared = ((codes.astype(np.int64) * share << left) + ((1 << right) >> 1)) >> right
    return np.ascontiguousarray(shared.transpose(0, 2, 1)), frac + guard
