"""The way back through a norm whose statistics are constants."""

from typing import NamedTuple

import numpy as np

from lls_hw.models.program.ops.normalise import FrozenNormBackward
from lls_hw.sim.functional.machine import IntegerMachine, Peak, Runners
from lls_hw.sim.functional.normalise import PEAK_FRAC, activation, curve_of, cut_of, running_statistics, spread_gradient
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.kernels import norm_frozen, norm_maps
from lls_hw.sim.kernels.codes import Ints, Wide
from lls_hw.sim.kernels.events import PEAK, Events, plus
from lls_hw.sim.kernels.norm import GUARD
from lls_hw.sim.kernels.norm_maps import Curve
from lls_hw.sim.kernels.requant import container
from lls_hw.sim.kernels.threads import run


def run_frozen_norm_backward(m: IntegerMachine, op: FrozenNormBackward) -> None:
    """One pass that narrows and sums; before it, where the scale is not known, one that measures."""
    delta, y = m.read(op.error), m.read(op.y)
    each_pass: Events = {}
    if op.spread is not None:
        delta, each_pass = spread_gradient(m, op, delta)
    constants, _ = running_statistics(m, op, y.frac)
    sums = frozen_codes(m, op, (delta, y), FrozenForm(constants.codes, curve_of(op, constants.frac)), each_pass)
    m.narrow_to_fit(op.beta_grad, sums, delta.frac + GUARD)


class FrozenForm(NamedTuple):
    """The same at every position: constants of the channels, the curve."""

    stats: Ints
    curve: Curve


def frozen_codes(
    m: IntegerMachine, op: FrozenNormBackward, maps: tuple[Value, Value], form: FrozenForm, each: Events
) -> Wide:
    """Writes the error in front of the norm; returns the sums of the error behind the activation, a channel each."""
    channels, bits = op.shape.out_c, m.program.tensors[op.out].bits
    delta, y = (value.codes.reshape(-1, channels) for value in maps)
    in_frac = maps[0].frac - maps[1].frac
    out = np.empty(y.shape, container(bits))
    work_events = plus(norm_frozen.FROZEN_APPLY, activation(form.curve))

    def narrow(out_frac: int, store: bool) -> tuple[int, int, Wide]:
        cut = cut_of(m, op.out, out_frac)
        m.did(work_events, y.size)
        m.did(each)

        def work(first: int, last: int) -> tuple[int, int, Wide]:
            sums = np.zeros(channels, np.int64)
            found = norm_frozen.frozen_narrow(delta, y, *form, in_frac, cut, first, last, store, out, sums)
            return *found, sums

        parts = run(work, y.shape[0])
        total: Wide = np.sum([part[2] for part in parts], axis=0)
        return int(sum(part[0] for part in parts)), int(max(part[1] for part in parts)), total

    def measure() -> Peak:
        frac = PEAK_FRAC + in_frac
        m.passed(op.error)
        m.passed(op.y)
        return Peak(narrow(frac, store=False)[1], frac + norm_maps.PEAK_GUARD)

    if m.scales.watches(op.out):
        m.did(PEAK, y.size)
    out_frac = m.scales.frac(op.out, bits, measure)
    m.did(plus(norm_frozen.FROZEN_SUM, m.narrowing(op.out).events), y.size)
    saturated, peak, sums = narrow(out_frac, store=True)
    m.record.saturated += saturated
    m.scales.saw(op.out, Peak(peak, out_frac + norm_maps.PEAK_GUARD))
    m.write(op.out, out, out_frac)
    return sums


RUNNERS: Runners = {FrozenNormBackward: run_frozen_norm_backward}
