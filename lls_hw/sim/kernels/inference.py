"""BatchNorm's constants from running statistics: what a trained chip keeps per channel."""

import numpy as np

from lls_hw.sim.kernels.codes import Int, Ints
from lls_hw.sim.kernels.events import Events
from lls_hw.sim.kernels.jit import kernel
from lls_hw.sim.kernels.norm import EPS_CODE, EPS_FRAC, GUARD, put_words
from lls_hw.sim.kernels.scalar import HALF_UP, clamp, shift_round, sqrt_ratio

VARIANCE_GROWTH = 24  # fraction bits the variance gains so that epsilon has 24 of its own
MEAN_BITS = 27  # 2**27 is 16 times the largest 16-bit y with GUARD bits; keeps every product below 2**62


@kernel
def running_constants(
    running: Ints, frac: Int, y_frac: Int, gamma: Ints, gamma_frac: Int, beta: Ints, beta_frac: Int, stats: Ints
) -> int:
    """Fills stats (6, c) as `channel_constants` does, from running (2, c): mean and variance.

    1/sigma = sqrt(2**F / (var 2**F + eps 2**F)) with F = frac + 24, per code of y: var < 2**31 codes,
    so the divisor stays below 2**56. Returns how many means lie beyond 16 times the largest y and
    were held there.
    """
    wide = np.int64(frac + VARIANCE_GROWTH)
    eps = shift_round(np.int64(EPS_CODE), np.int64(EPS_FRAC) - wide, HALF_UP, np.int64(0))
    most = np.int64(1) << MEAN_BITS
    held = 0
    for c in range(running.shape[1]):
        mean = shift_round(np.int64(running[0, c]), clamp(frac - y_frac - GUARD, -31, 62), HALF_UP, np.int64(0))
        if mean > most or mean < -most:
            held += 1
        variance = max(np.int64(running[1, c]), np.int64(0)) << VARIANCE_GROWTH
        rstd, rstd_exp = sqrt_ratio(np.int64(1) << wide, variance + eps)
        held_mean = clamp(mean, -most, most)
        put_words(stats, c, held_mean, rstd, rstd_exp + y_frac, gamma[c], gamma_frac, beta[c], beta_frac)
    return held


RUNNING_CONSTANTS: Events = {"divides": 2, "multiplies": 1, "adds": 1, "compares": 3, "shifts": 4}
"""`running_constants`, a channel: the mean clamped, a variance of at least 0, 1/sigma, gamma/sigma."""
