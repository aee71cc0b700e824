"""The optimiser's step on one parameter."""

from fractions import Fraction

import numpy as np

from lls_hw.models.program.names import momentum_of, tensor_name
from lls_hw.models.program.ops.update import Update
from lls_hw.sim.functional.machine import IntegerMachine, Peak, Runners, fitting_frac
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.kernels.codes import Ints
from lls_hw.sim.kernels.requant import Narrowing, container, max_abs, requantise
from lls_hw.sim.kernels.tables import mantissa
from lls_hw.sim.kernels.update import apply_update, momentum_wide


def run_update(m: IntegerMachine, op: Update) -> None:
    """v <- momentum v + g; master <- master - lr v, stochastically rounded; then the compute copy."""
    step, step_frac = _step(m, op)
    master = m.read(op.master)
    bits, how = m.program.precision.master_bits, m.narrowing(op.parameter, m.program.precision.update_rounding)
    rate, rate_frac = mantissa(Fraction(str(m.learning_rate)))
    codes, frac = master.codes.copy(), master.frac
    saturated, wanted, lost, peak = apply_update(
        step.reshape(-1), rate, step_frac + rate_frac - frac, how.mode, how.key, bits, codes.reshape(-1)
    )
    m.record.saturated += int(saturated)
    m.record.wanted, m.record.lost = int(wanted), int(lost)
    if 4 * int(peak) > 3 << (bits - 1):  # make room before the next steps need it
        room = m.narrowing(tensor_name(op.parameter, "room"), m.program.precision.update_rounding)
        codes, _ = requantise(codes, 1, bits, room)
        frac -= 1
    m.write(op.master, codes, frac)
    if op.copy is not None:
        _cut_copy(m, op.copy, codes, frac)


def _step(m: IntegerMachine, op: Update) -> tuple[Ints, int]:
    """The new momentum (stored), or the gradient, narrowed stochastically to master width."""
    gradient = m.read(op.gradient)
    decay, decay_frac = (0, 0) if op.momentum is None else mantissa(Fraction(str(m.program.optimizer.momentum)))
    nothing = Value(np.zeros(gradient.codes.shape, np.int16), 0)
    old = nothing if op.momentum is None else m.read(op.momentum)
    old_frac = old.frac if old.codes.any() else gradient.frac - decay_frac
    wide = np.empty(gradient.codes.shape, np.int64)
    frac = old_frac + decay_frac
    peak = momentum_wide(
        gradient.codes.reshape(-1), gradient.frac - frac, old.codes.reshape(-1), decay, wide.reshape(-1)
    )
    name = momentum_of(op.parameter)
    bits, found = m.program.precision.master_bits, Peak(int(peak), frac)
    out_frac = m.scales.frac(name, bits, lambda: found)
    m.scales.saw(name, found)
    how = m.narrowing(name, m.program.precision.update_rounding)
    codes, saturated = requantise(wide, frac - out_frac, bits, how)
    m.record.saturated += saturated
    if op.momentum is not None:
        m.write(op.momentum, codes, out_frac)
    return codes, out_frac


def _cut_copy(m: IntegerMachine, name: str, master: Ints, frac: int) -> None:
    """Weights for the array, cut from the master at the scale of its own peak."""
    codes, out_frac, saturated = compute_copy(master, frac, m.program.precision.weight_bits)
    m.record.saturated += saturated
    m.write(name, codes, out_frac)


def compute_copy(master: Ints, frac: int, bits: int) -> tuple[Ints, int, int]:
    """Master codes as `bits`-bit weights: (codes, fraction bits, saturated); ties to even."""
    out_frac = min(frac, fitting_frac(Peak(max_abs(master), frac), bits))
    codes, saturated = requantise(master, frac - out_frac, bits, Narrowing())
    return codes.astype(container(bits)), out_frac, saturated


RUNNERS: Runners = {Update: run_update}
