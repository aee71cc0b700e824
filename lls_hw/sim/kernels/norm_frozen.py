"""The way back through a norm whose statistics are constants, on maps seen as (positions, channels).

Constants of a channel are those of `inference.running_constants`; bounds as in `norm`.
"""

import numpy as np

from lls_hw.sim.kernels.codes import Int, Ints, Wide
from lls_hw.sim.kernels.events import Events
from lls_hw.sim.kernels.jit import kernel
from lls_hw.sim.kernels.narrow import narrow_row
from lls_hw.sim.kernels.norm import SCALE
from lls_hw.sim.kernels.norm_maps import Curve, Cut, backward_peak, linear, masked, narrowing_shifts, offsets


@kernel
def frozen_narrow(
    delta: Ints,
    y: Ints,
    stats: Ints,
    curve: Curve,
    in_frac: Int,
    cut: Cut,
    first: Int,
    last: Int,
    store: Int,
    out: Ints,
    sums: Wide,
) -> tuple[int, Int]:
    """Rows of gamma/sigma error as codes, and the masked error added into sums (c); |wide| < 2**42.

    Returns (overflows, peak in units of 2**-(cut.frac + 8)). `in_frac` is delta_frac - y_frac. With `store`
    false only the peak is measured, and nothing is added.
    """
    overflows = 0
    channels = y.shape[1]
    offset = offsets(stats, curve.beta_frac)
    shifts = narrowing_shifts(stats, cut.frac - in_frac)
    wide = np.empty(channels, np.int64)
    least, most = np.zeros(channels, np.int64), np.zeros(channels, np.int64)
    for m in range(first, last):
        for c in range(channels):
            value = linear(y[m, c], stats[SCALE, c], offset[0, c])
            error = masked(delta[m, c], value, curve.slope, curve.slope_frac)
            if store:
                sums[c] += error
            wide[c] = error * np.int64(stats[SCALE, c])
            least[c] = min(least[c], wide[c])
            most[c] = max(most[c], wide[c])
        if store:
            overflows += narrow_row(
                wide, shifts, cut.mode, cut.key, cut.origin + m * cut.pitch, cut.bits, cut.wraps, out[m]
            )
    return overflows, backward_peak(least, most, shifts)


FROZEN_APPLY: Events = {"macs": 1, "multiplies": 1}
FROZEN_SUM: Events = {"adds": 1}
"""`frozen_narrow`, beside activation and narrowing: its input and the error times the scale; the sum for beta."""
