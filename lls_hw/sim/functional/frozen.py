"""The way back through a norm whose statistics are constants."""

from typing import NamedTuple

import numpy as np

from lls_hw.models.program.ops.normalise import FrozenNormBackward
from lls_hw.sim.functional.machine import IntegerMachine, Runners
from lls_hw.sim.functional.norm_errors import read_error, write_error
from lls_hw.sim.functional.normalise import activation, curve_of, cut_of, running_statistics
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.kernels import norm_frozen
from lls_hw.sim.kernels.codes import Ints, Wide
from lls_hw.sim.kernels.events import Events, plus
from lls_hw.sim.kernels.norm import GUARD
from lls_hw.sim.kernels.norm_maps import Curve
from lls_hw.sim.kernels.requant import container
from lls_hw.sim.kernels.threads import run


def run_frozen_norm_backward(m: IntegerMachine, op: FrozenNormBackward) -> None:
    """One pass that narrows and sums; before it, where the scale is not known, one that measures."""
    (delta, each_pass), y = read_error(m, op), m.read(op.y)
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
    channels = op.shape.out_c
    delta, y = (value.codes.reshape(-1, channels) for value in maps)
    in_frac = maps[0].frac - maps[1].frac
    out = np.empty(y.shape, container(m.program.tensors[op.out].bits))
    total: Wide = np.zeros(channels, np.int64)

    def narrow(out_frac: int, store: bool) -> tuple[int, int]:
        cut = cut_of(m, op.out, out_frac)
        if not store:
            m.passed(op.error)
            m.passed(op.y)
        stored = plus(norm_frozen.FROZEN_SUM, m.narrowing(op.out).events) if store else {}
        m.did(plus(norm_frozen.FROZEN_APPLY, activation(form.curve), stored), y.size)
        m.did(each)

        def work(first: int, last: int) -> tuple[int, int, Wide]:
            sums = np.zeros(channels, np.int64)
            found = norm_frozen.frozen_narrow(delta, y, *form, in_frac, cut, first, last, store, out, sums)
            return *found, sums

        parts = run(work, y.shape[0])
        total[:] = np.sum([part[2] for part in parts], axis=0)
        return int(sum(part[0] for part in parts)), int(max(part[1] for part in parts))

    write_error(m, op, out, in_frac, narrow)
    return total


RUNNERS: Runners = {FrozenNormBackward: run_frozen_norm_backward}
