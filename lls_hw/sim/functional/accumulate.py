"""Gradients of several batches, summed at scales of their own."""

from fractions import Fraction

import numpy as np

from lls_hw.models.program.ops.accumulate import Accumulate
from lls_hw.sim.functional.machine import IntegerMachine, Runners
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.kernels.accumulate import MEAN, SUM, add_aligned
from lls_hw.sim.kernels.events import plus
from lls_hw.sim.kernels.requant import container, max_abs
from lls_hw.sim.kernels.tables import MANTISSA_BITS, mantissa


def run_accumulate(m: IntegerMachine, op: Accumulate) -> None:
    """total + gradient at their common scale; in the last micro-step over the number of micro-steps."""
    gradient, total = m.read(op.gradient), m.read(op.total)
    bits = m.program.tensors[op.out].bits
    frac = common_frac(gradient, total, bits)
    factor, shift, kept = share_of(op.share)
    out = np.empty(gradient.codes.shape, container(bits))
    add_aligned(
        total.codes.reshape(-1),
        total.frac - frac,
        gradient.codes.reshape(-1),
        gradient.frac - frac,
        factor,
        shift,
        out.reshape(-1),
    )
    m.did(plus(SUM, MEAN if op.multiplies else {}), out.size)
    m.write(op.out, out, frac + kept)


def common_frac(a: Value, b: Value, bits: int) -> int:
    """The finer of two scales, or the finest at which both peaks together fit `bits` bits; a zero has no say.

    The peaks are those that stood beside the units which wrote the codes: nothing of the sum is known in advance.
    """
    peaks = [(max_abs(value.codes), value.frac) for value in (a, b)]
    said = [frac for code, frac in peaks if code] or [a.frac]
    frac, top = max(said), (1 << (bits - 1)) - 1
    while sum(_brought(code, own - frac) for code, own in peaks) > top:
        frac -= 1
    return frac


def _brought(peak: int, shift: int) -> int:
    """A peak at another scale, rounded away from zero."""
    return -(-peak >> shift) if shift > 0 else peak << -shift


def share_of(parts: int) -> tuple[int, int, int]:
    """1 / parts as (factor, shift, fraction bits that the quotient has more).

    Examples
    --------
    >>> share_of(1), share_of(8), share_of(3)
    ((1, 0, 0), (1, 0, 3), (21845, 15, 1))
    """
    if parts & (parts - 1) == 0:
        return 1, 0, parts.bit_length() - 1
    factor, frac = mantissa(Fraction(1, parts))
    return factor, MANTISSA_BITS, frac - MANTISSA_BITS


RUNNERS: Runners = {Accumulate: run_accumulate}
