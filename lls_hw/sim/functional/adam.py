"""Adam in integers: its second moment, and the quotient that the masters descend by.

With M <- b1 M + g and V <- b2 V + g**2 (the moments without their factors 1 - b) PyTorch's step is

    lr (1 - b1) / (1 - b1**t) K M / (sqrt(V) + eps K),   K = sqrt((1 - b2**t) / (1 - b2)),

so that both factors and both bias corrections are constants of a step: one rate, one epsilon. M is the momentum of
momentum SGD. Source: Kingma and Ba 2015, algorithm 1; the integer steps are ours (docs/adr/018).
"""

from fractions import Fraction
from math import isqrt

import numpy as np

from lls_hw.models.program.ops.update import Update
from lls_hw.sim.functional.machine import IntegerMachine
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.kernels.adam import QUOTIENT, ROOT_GROWTH, SECOND_MOMENT, quotients, second_moment_wide
from lls_hw.sim.kernels.codes import Ints, Wide
from lls_hw.sim.kernels.events import PEAK
from lls_hw.sim.kernels.tables import mantissa

BETA2_FRAC = 24
BETA2_CODE = int(Fraction(999, 1000) * (1 << BETA2_FRAC) + Fraction(1, 2))
EPSILON = Fraction(1, 10**8)
SQUARED_BITS = 30
SLACK = 16
"""Codes that the roundings of gradient, square and product may add to a second moment."""
POWER_FRAC = 96
QUOTIENT_BITS = 32


def adaptive_step(m: IntegerMachine, op: Update, gradient: Value, first: Value) -> tuple[Wide, int, Fraction]:
    """(codes, fraction bits, factor of the learning rate) of M / (sqrt(V) + eps K), with V moved on.

    The first moment has just been made, in the same pass over the gradient.
    """
    second, second_frac = _second_moment(m, op, gradient)
    root_frac = (second_frac + ROOT_GROWTH) // 2
    factor, spread = corrections(m.step // m.program.accumulate + 1, mantissa(m.program.optimizer.first_decay))
    epsilon = min(int(EPSILON * spread * Fraction(2) ** root_frac), 1 << 60)
    growth = QUOTIENT_BITS + ROOT_GROWTH // 2 - m.program.precision.master_bits
    out = np.empty(first.codes.shape, np.int64)
    quotients(first.codes.reshape(-1), second.reshape(-1), growth, epsilon, out.reshape(-1))
    m.did(QUOTIENT, out.size)
    return out, first.frac + growth - root_frac, factor * spread


def _second_moment(m: IntegerMachine, op: Update, gradient: Value) -> tuple[Ints, int]:
    """V <- b2 V + g**2 at an even scale that holds the sum of both peaks: it cannot saturate, whatever the policy."""
    old, bits = m.read(op.second), m.program.tensors[str(op.second)].bits
    m.did(PEAK, gradient.codes.size)
    peak = m.largest(op.gradient)
    frac = second_frac(m.largest(str(op.second)), old.frac, peak, gradient.frac, bits)
    cut = max(0, peak.bit_length() - SQUARED_BITS)
    wide = np.empty(gradient.codes.shape, np.int64)
    second_moment_wide(
        gradient.codes.reshape(-1),
        cut,
        old.codes.reshape(-1),
        BETA2_CODE,
        old.frac - frac,
        2 * (gradient.frac - cut) - frac - BETA2_FRAC,
        wide.reshape(-1),
    )
    m.did(SECOND_MOMENT, wide.size)
    how = m.narrowing(str(op.second), m.program.precision.update_rounding)
    codes = m.requantise(wide, BETA2_FRAC, bits, how)
    m.did(PEAK, codes.size)  # what the next step's scale follows from
    m.write(op.second, codes, frac)
    return codes, frac


def second_frac(old_peak: int, old_frac: int, grad_peak: int, grad_frac: int, bits: int) -> int:
    """The most fraction bits, an even number, with which b2 old + gradient**2 keeps `SLACK` codes free.

    Examples
    --------
    >>> second_frac(0, 0, 1 << 10, 20, 32), second_frac(0, 0, 0, 20, 32)
    (50, 30)
    """
    one = Fraction(2)
    bound = old_peak * BETA2_CODE * one ** -(old_frac + BETA2_FRAC) + grad_peak**2 * one ** (-2 * grad_frac)
    if bound == 0:
        return bits - bits % 2 - 2
    above = bits + 2 - (bound.numerator.bit_length() - bound.denominator.bit_length())
    frac = above - above % 2
    while bound * one**frac + SLACK >= 1 << (bits - 1):
        frac -= 2
    return frac


def corrections(step: int, first_decay: tuple[int, int]) -> tuple[Fraction, Fraction]:
    """((1 - b1) / (1 - b1**t), K) of step t, with both decays as the unit multiplies by them.

    Examples
    --------
    >>> corrections(1, (29491, 15))
    (Fraction(1, 1), Fraction(1, 1))
    """
    (one_less, passed), (two_less, two_passed) = (
        _corrected(code, frac, step) for code, frac in (first_decay, (BETA2_CODE, BETA2_FRAC))
    )
    spread = Fraction(isqrt((two_passed << (2 * POWER_FRAC)) // two_less), 1 << POWER_FRAC)
    return Fraction(one_less, passed), spread


def _corrected(code: int, frac: int, step: int) -> tuple[int, int]:
    """1 - b and 1 - b**step with POWER_FRAC fraction bits."""
    one = 1 << POWER_FRAC
    base, power, left = code << (POWER_FRAC - frac), one, step
    decay = base
    while left:
        if left & 1:
            power = power * base >> POWER_FRAC
        base, left = base * base >> POWER_FRAC, left >> 1
    return one - decay, one - power
