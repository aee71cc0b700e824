"""The optimiser's step on one parameter."""

from fractions import Fraction

import numpy as np

from lls_hw.models.program.names import momentum_of
from lls_hw.models.program.ops.update import Update
from lls_hw.sim.functional.adam import adaptive_step
from lls_hw.sim.functional.machine import IntegerMachine, Peak, Runners, fitting_frac
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.kernels.codes import Ints, Wide
from lls_hw.sim.kernels.events import PEAK, plus
from lls_hw.sim.kernels.requant import Narrowing, container, max_abs, requantise
from lls_hw.sim.kernels.tables import mantissa
from lls_hw.sim.kernels.update import DESCENT, MOMENTUM, apply_update, momentum_wide


def run_update(m: IntegerMachine, op: Update) -> None:
    """v <- momentum v + g; master <- master - lr v, stochastically rounded; then the compute copy, in one pass.

    Adam's step is v over the root of the second moment.

    What the master's scale and the copy's need to know is the master's peak after the last step (ADR 012).
    """
    gradient, factor = m.read(op.gradient), Fraction(1)
    step, step_frac = _step(m, op, gradient)
    if op.second is not None:
        step, step_frac, factor = adaptive_step(m, op, gradient, Value(step, step_frac))
    master, last = m.read(op.master), m.scales.seen.get(op.master)
    bits, how = m.program.precision.master_bits, m.narrowing(op.parameter, m.program.precision.update_rounding)
    rate, rate_frac = mantissa(Fraction(str(m.learning_rate)) * factor)
    room = int(last is not None and last.frac == master.frac and is_crowded(last.code, bits))
    codes, frac = master.codes.copy(), master.frac - room
    saturated, wanted, lost, peak = apply_update(
        step.reshape(-1),
        rate,
        step_frac + rate_frac - master.frac,
        room,
        how.mode,
        how.key,
        bits,
        codes.reshape(-1),
        how.origin,
    )
    m.did(plus(how.events, DESCENT), codes.size)
    m.record.saturated += int(saturated)
    m.record.wanted, m.record.lost = m.record.wanted + int(wanted), m.record.lost + int(lost)
    m.scales.saw(op.master, Peak(int(peak), frac))
    m.write(op.master, codes, frac)
    if op.copy is not None:
        _cut_copy(m, op, Value(codes, frac), last)


def is_crowded(peak: int, bits: int) -> bool:
    """Whether a master fills three quarters of its range, so that the next step gives it room."""
    return 4 * peak > 3 << (bits - 1)


def _step(m: IntegerMachine, op: Update, gradient: Value) -> tuple[Ints, int]:
    """The new momentum (stored), or the gradient, narrowed stochastically to master width."""
    old = None if op.momentum is None else m.read(op.momentum)
    name = momentum_of(op.parameter)
    known = m.scales.known(name)
    moves = op.momentum is not None and m.largest(op.momentum) > 0
    wide, found = _wide_step(m, gradient, old, moves=moves)
    if m.scales.watches(name):
        m.did(PEAK, wide.size)
    bits, how = m.program.precision.master_bits, m.narrowing(name, m.program.precision.update_rounding)
    out_frac = m.scales.frac(name, bits, lambda: found)
    m.scales.saw(name, found)
    if not known:  # the pass that measured kept nothing: the sums are made again
        for operand in filter(None, (op.gradient, op.momentum)):
            m.passed(operand)
        wide, _ = _wide_step(m, gradient, old, moves=moves)
    codes = m.requantise(wide, found.frac - out_frac, bits, how)
    if op.momentum is not None:
        m.write(op.momentum, codes, out_frac)
    return codes, out_frac


def _wide_step(m: IntegerMachine, gradient: Value, old: Value | None, *, moves: bool) -> tuple[Wide, Peak]:
    """momentum v + g, wide, and its peak; without a momentum, or where it does not move yet, the gradient itself."""
    wide = np.empty(gradient.codes.shape, np.int64)
    decay, decay_frac = (0, 0) if old is None else mantissa(m.program.optimizer.first_decay)
    codes = np.zeros(gradient.codes.shape, np.int16) if old is None else old.codes
    frac = old.frac + decay_frac if old is not None and moves else gradient.frac
    peak = momentum_wide(gradient.codes.reshape(-1), gradient.frac - frac, codes.reshape(-1), decay, wide.reshape(-1))
    if old is not None:
        m.did(MOMENTUM, wide.size)
    return wide, Peak(int(peak), frac)


def _cut_copy(m: IntegerMachine, op: Update, master: Value, last: Peak | None) -> None:
    """Weights for the array, cut as the master is written, at the scale of the master's last peak.

    A master that outgrew that scale within one step saturates at it, until the next step. Without a peak from
    before, or where every scale is a tensor's own, the new master is read again once its peak is known.
    """
    assert op.copy is not None
    bits = m.program.precision.weight_bits
    if last is None or m.program.precision.scaling == "two_pass":
        m.passed(op.master)
        last = Peak(max_abs(master.codes), master.frac)
    out_frac = min(master.frac, fitting_frac(last, bits))
    m.write(op.copy, m.requantise(master.codes, master.frac - out_frac, bits, Narrowing()), out_frac)


def compute_copy(master: Ints, frac: int, bits: int) -> tuple[Ints, int, int]:
    """Master codes as `bits`-bit weights: (codes, fraction bits, saturated); ties to even."""
    out_frac = min(frac, fitting_frac(Peak(max_abs(master), frac), bits))
    codes, saturated = requantise(master, frac - out_frac, bits, Narrowing())
    return codes.astype(container(bits)), out_frac, saturated


RUNNERS: Runners = {Update: run_update}
