"""The local error in integers: projection, softmax error, back-projection (docs/design.md).

Numbers without a tensor scale have a fixed number of fraction bits, named below and in `softmax`. A latent
is dimensionless after normalisation, so no scale of the layer enters the logits.
"""

from typing import NamedTuple

import numpy as np

from lls_hw.sim.kernels.codes import Int, Ints, Wide
from lls_hw.sim.kernels.events import Events
from lls_hw.sim.kernels.jit import kernel
from lls_hw.sim.kernels.scalar import HALF_UP, clamp, shift_round, sqrt_ratio
from lls_hw.sim.kernels.softmax import LOGIT_FRAC, LOGIT_MAX, softmax_error

SIGN: Events = {"adds": 1}
ENTRY: Events = {"macs": 1}
"""A term of a sum over the basis, forward or backward: by a sign, or by a wider entry."""
SQUARE: Events = {"macs": 1}
"""A latent's part of the norm."""
RSQRT: Events = {"divides": 2, "shifts": 1}
"""`reciprocal_norm`, a sample: a quotient, its root, and the root as mantissa and exponent."""


@kernel
def project_samples(z: Ints, basis: Ints, p: Ints, norm: Ints) -> int:
    """p[i, c] = sum_t basis[c, t] z[i, t]; norm[i] = sum z^2; returns the additions, or products of wider entries."""
    samples, latents = z.shape
    rows = basis.shape[0]
    additions = 0
    for i in range(samples):
        squares = np.int64(0)
        for t in range(latents):
            value = np.int64(z[i, t])
            squares += value * value
        norm[i] = squares
        for c in range(rows):
            total = np.int64(0)
            signs = basis[c]
            for t in range(latents):
                total += np.int64(z[i, t]) * np.int64(signs[t])
            additions += latents
            p[i, c] = total
    return additions


@kernel
def reciprocal_norm(norm: Int) -> tuple[Int, Int]:
    """1 / sqrt(norm) as mantissa and exponent; (0, 0) for a latent that is zero."""
    if norm == 0:
        return np.int64(0), np.int64(0)
    return sqrt_ratio(np.int64(1), norm)


@kernel
def modulate(
    p: Ints,
    norm: Int,
    modulation: Ints,
    kind: Int,
    modulation_frac: Int,
    inv_t: Int,
    inv_t_frac: Int,
    basis_frac: Int,
    scaled: Wide,
    logits: Ints,
) -> tuple[int, int]:
    """One sample: scaled[c] = p_c r / T and the logits; returns (products, logits clamped).

    p has `basis_frac` fraction bits more than the latents whose norm is given: those of the basis. |p| < 2**46.
    kind 0: s_c = scaled_c; 1: s_c = m_c scaled_c; 2: s_j = sum_c scaled_c M[c, j].
    """
    r, r_exp = reciprocal_norm(norm)
    for c in range(p.size):
        unit = shift_round(np.int64(p[c]) * r, r_exp + basis_frac - LOGIT_FRAC, HALF_UP, np.int64(0))
        scaled[c] = shift_round(unit * inv_t, inv_t_frac, HALF_UP, np.int64(0))
    products, clamped = 0, 0
    for j in range(logits.size):
        if kind == 0:
            total = scaled[j]
        elif kind == 1:
            total = shift_round(scaled[j] * np.int64(modulation[j, 0]), modulation_frac, HALF_UP, np.int64(0))
            products += 1
        else:
            total = np.int64(0)
            for c in range(p.size):
                total += scaled[c] * np.int64(modulation[c, j])
            products += p.size
            total = shift_round(total, modulation_frac, HALF_UP, np.int64(0))
        logits[j] = clamp(total, np.int64(-LOGIT_MAX), np.int64(LOGIT_MAX))
        clamped += 1 if logits[j] != total else 0
    return products, clamped


@kernel
def coefficients_of(
    error: Ints, modulation: Ints, kind: Int, drop: Int, shift: Int, inv_t: Int, coefficients: Ints
) -> tuple[int, int]:
    """a_c = e_c / T, m_c e_c / T, or sum_j M[c, j] e_j / T, narrowed by `shift`; (products, clamped).

    `drop` bits leave before the product with 1/T, so that it stays below 2**62.
    """
    products, clamped = 0, 0
    for c in range(coefficients.size):
        if kind == 0:
            total = error[c]
        elif kind == 1:
            total = error[c] * np.int64(modulation[c, 0])
            products += 1
        else:
            total = np.int64(0)
            for j in range(error.size):
                total += np.int64(modulation[c, j]) * error[j]
            products += error.size
        value = shift_round(shift_round(total, drop, HALF_UP, np.int64(0)) * inv_t, shift - drop, HALF_UP, np.int64(0))
        coefficients[c] = clamp(value, np.int64(-LOGIT_MAX), np.int64(LOGIT_MAX))
        clamped += 1 if coefficients[c] != value else 0
    return products, clamped


BY_NORM: Events = {"multiplies": 1, "shifts": 1}
BY_TEMPERATURE: Events = {"multiplies": 1, "shifts": 1}
"""`modulate`, a row: p_c r (of normalised latents), and over T."""
CLAMP: Events = {"compares": 2}
"""A logit or a coefficient."""
MODULATED: dict[int, tuple[Events, Events]] = {
    0: ({}, {}),
    1: ({"multiplies": 1}, {"shifts": 1}),
    2: ({"macs": 1}, {"shifts": 1}),
}
"""By kind: what an entry of the modulation does to a logit (or a coefficient), and what ends its sum."""
COEFFICIENT: Events = {"multiplies": 1, "shifts": 1, "compares": 2}
"""`coefficients_of`, a row, beside the modulation: over T, and clamped."""
ALIGNMENT: Events = {"macs": 1}
GRADIENT: Events = {"macs": 1}
"""A class's part of the alignment; an entry's of the modulation's gradient."""


class ErrorForm(NamedTuple):
    """Fixed point of a block's softmax error.

    Attributes
    ----------
    kind, modulation_frac : modulation by none (0), a vector (1) or a matrix (2), and its fraction bits.
    inv_t, inv_t_frac : 1 / T.
    basis_frac : fraction bits of the vectors' entries: none of a sign.
    drop, shift : bits that leave a coefficient before the product with 1 / T, and in all.
    on_code, off_code : the smoothed target over the batch, of the label and of every other class.
    batch : samples that the loss is a mean over.
    """

    kind: Int
    modulation_frac: Int
    inv_t: Int
    inv_t_frac: Int
    basis_frac: Int
    drop: Int
    shift: Int
    on_code: Int
    off_code: Int
    batch: Int


class ErrorTensors(NamedTuple):
    """Results of a block's softmax error.

    Attributes
    ----------
    logits, error : (samples, classes), with LOGIT_FRAC and ERROR_FRAC fraction bits.
    coefficients : (samples, rows).
    alignment : (samples,) sums of error times logit.
    modulation_grad : gathers scaled_c e_j at [c, j] (of a vector at [c, 0]) with LOGIT_FRAC + ERROR_FRAC bits.
    likelihood : (samples,) softmax of the label, for the loss that is printed.
    """

    logits: Ints
    error: Ints
    coefficients: Ints
    alignment: Wide
    modulation_grad: Wide
    likelihood: Wide


@kernel
def local_error_samples(
    p: Ints, norm: Ints, labels: Ints, modulation: Ints, how: ErrorForm, table: Ints, found: ErrorTensors
) -> tuple[int, int]:
    """Every sample's local error, written into `found`; returns (products, clamped)."""
    kind, logits, error, grad = how.kind, found.logits, found.error, found.modulation_grad
    samples, rows = p.shape
    scaled = np.empty(rows, np.int64)
    weights = np.empty(logits.shape[1], np.int64)
    errors = np.empty(logits.shape[1], np.int64)
    products, clamped = 0, 0
    for i in range(samples):
        done, out = modulate(
            p[i],
            norm[i],
            modulation,
            kind,
            how.modulation_frac,
            how.inv_t,
            how.inv_t_frac,
            how.basis_frac,
            scaled,
            logits[i],
        )
        products += done
        clamped += out
        found.likelihood[i] = softmax_error(
            logits[i], labels[i], how.batch, how.on_code, how.off_code, table, errors, weights
        )
        done, out = coefficients_of(errors, modulation, kind, how.drop, how.shift, how.inv_t, found.coefficients[i])
        products += done
        clamped += out
        total = np.int64(0)
        for j in range(errors.size):
            error[i, j] = errors[j]
            total += errors[j] * np.int64(logits[i, j])
        found.alignment[i] = total
        if kind == 1:
            for c in range(rows):
                grad[c, 0] += scaled[c] * errors[c]
            products += rows
        elif kind == 2:
            for c in range(rows):
                for j in range(errors.size):
                    grad[c, j] += scaled[c] * errors[j]
            products += rows * errors.size
    return products, clamped


@kernel
def sign_basis(increments: Wide, phase_bits: Int, out: Ints) -> None:
    """Square basis from phase accumulators: the top bit is the sign, column 0 is zero.

    increments (rows,) in turns x 2**phase_bits; out (rows, latents) of -1, 0, +1.
    """
    mask = (np.int64(1) << phase_bits) - 1
    half = np.int64(1) << (phase_bits - 1)
    for c in range(out.shape[0]):
        phase = np.int64(0)
        for t in range(out.shape[1]):
            out[c, t] = 0 if t == 0 else (1 if phase < half else -1)
            phase = (phase + increments[c]) & mask
