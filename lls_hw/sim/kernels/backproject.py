"""The way back of the local error in integers: from coefficients to the gradient of every latent (docs/design.md)."""

import numpy as np

from lls_hw.sim.kernels.codes import Int, Ints, Wide
from lls_hw.sim.kernels.events import Events
from lls_hw.sim.kernels.jit import kernel
from lls_hw.sim.kernels.local import reciprocal_norm
from lls_hw.sim.kernels.scalar import HALF_UP, clamp, shift_round
from lls_hw.sim.kernels.softmax import ERROR_FRAC, LOGIT_FRAC

ZHAT_FRAC = 20


@kernel
def backproject_samples(
    coefficients: Ints,
    coefficient_frac: Int,
    alignment: Ints,
    z: Ints,
    norm: Ints,
    basis: Ints,
    basis_frac: Int,
    window_weight: Wide,
    weight_frac: Int,
    common_frac: Int,
    latent_frac: Int,
    wide: Wide,
) -> int:
    """wide[i, t] = r (u_t - zhat_t sum_j e_j s_j) in units of 2**-common_frac; returns additions.

    The gradient is that of a window's *sum*, which every position of the window receives.
    A basis whose entries have `basis_frac` fraction bits leaves them, rounded, in each u_t.
    `window_weight` is each latent's weight where windows differ in size (see the caller).
    """
    samples, latents = z.shape
    rows = basis.shape[0]
    additions = 0
    u = np.empty(latents, np.int64)
    for i in range(samples):
        r, r_exp = reciprocal_norm(norm[i])
        along = shift_round(alignment[i], np.int64(LOGIT_FRAC + ERROR_FRAC) - coefficient_frac, HALF_UP, np.int64(0))
        u[:] = 0
        for c in range(rows):
            a = np.int64(coefficients[i, c])
            signs = basis[c]
            for t in range(latents):
                u[t] += a * np.int64(signs[t])
            additions += latents
        for t in range(latents):
            zhat = shift_round(np.int64(z[i, t]) * r, r_exp - ZHAT_FRAC, HALF_UP, np.int64(0))
            pull = shift_round(zhat * along, np.int64(ZHAT_FRAC), HALF_UP, np.int64(0))
            u_t = shift_round(u[t], basis_frac, HALF_UP, np.int64(0))
            # the value has coefficient_frac + r_exp - latent_frac fraction bits
            shift = coefficient_frac + r_exp - latent_frac - common_frac
            value = shift_round((u_t - pull) * r, clamp(shift, np.int64(-12), np.int64(62)), HALF_UP, np.int64(0))
            wide[i, t] = shift_round(value * np.int64(window_weight[t]), weight_frac, HALF_UP, np.int64(0))
    return additions


ALONG: Events = {"shifts": 1}
"""`backproject_samples`, a sample: the alignment at the coefficients' scale."""
JACOBIAN: Events = {"multiplies": 3, "shifts": 2, "adds": 1}
"""A latent: zhat, its pull, u less it, times r."""
WHOLE: Events = {"shifts": 1}
WEIGHED: Events = {"multiplies": 1, "shifts": 1}
"""A latent: the basis' fraction bits leave u; its window's weight, where windows differ or shares are taken."""
