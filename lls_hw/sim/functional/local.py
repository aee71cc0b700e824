"""The local loss of the LLS family in integers."""

from fractions import Fraction

import numpy as np

from lls_hw.models.program.ops.local import LocalBackproject, LocalError, LocalProject
from lls_hw.models.rules.lls import latent_bits
from lls_hw.models.spec.geometry import PoolGrid, Window
from lls_hw.sim.functional.local_events import KINDS, count_error, count_terms
from lls_hw.sim.functional.loss import reciprocal, targets
from lls_hw.sim.functional.machine import IntegerMachine, Runners
from lls_hw.sim.functional.pooling import windows
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.kernels import backproject, local
from lls_hw.sim.kernels.codes import Ints, Wide
from lls_hw.sim.kernels.events import plus
from lls_hw.sim.kernels.pool import SUM, window_sums
from lls_hw.sim.kernels.requant import Narrowing, container, requantise
from lls_hw.sim.kernels.softmax import ERROR_FRAC, LOGIT_FRAC
from lls_hw.sim.kernels.tables import basis_increments, exp2_table, mantissa

WINDOW_FRAC = 14
MODULATION_BITS = 24
COEFFICIENT_FRAC = 26
PRODUCT_BITS = 46


def basis(rows: int, latents: int, phase_bits: int) -> Ints:
    """Signs of the square basis (rows, latents), from the phase accumulators."""
    out = np.empty((rows, latents), np.int8)
    local.sign_basis(basis_increments(rows, phase_bits), phase_bits, out)
    return out


def window_weights(grid: PoolGrid, channels: int) -> Wide:
    """Per latent, most window's area / own area, with WINDOW_FRAC bits; ones where all are equal.

    With these weights sums stand for means times one common area, so a single scale serves.
    """
    if grid.is_uniform:
        return np.ones(grid.latents(channels), np.int64)
    most = max(grid.areas)
    codes = [int(Fraction(most << WINDOW_FRAC, area) + Fraction(1, 2)) for area in grid.areas]
    return np.tile(np.array(codes, np.int64), 1 if grid.channels is not None else channels)


def run_local_project(m: IntegerMachine, op: LocalProject) -> None:
    """Latents, projections and squared norms of every sample."""
    h = m.read(op.source)
    project(m, op, latent_sums(m, op, h.codes), h.frac)


def project(m: IntegerMachine, op: LocalProject, sums: Wide, frac: int) -> None:
    """Latents, projections and squared norms of the samples whose window sums (samples, latents) are at hand.

    `frac` are the fraction bits of the sums.
    """
    vectors = _vectors(m, op)
    basis_frac = vectors.frac if op.norm is not None else 0
    bits = latent_bits(m.program.precision.activation_bits, op.grid, op.latents, basis_frac)
    weights, weight_frac = window_weights(op.grid, op.shape.out_c), 0 if op.grid.is_uniform else WINDOW_FRAC
    kept = 0 if op.grid.is_uniform else 8
    exact = (m.program.precision.activation_bits + (max(op.grid.areas) - 1).bit_length()) + kept
    cut = exact - bits
    if not op.grid.is_uniform:
        m.did({"multiplies": 1}, sums.size)
    z = _cut(m, sums * weights, weight_frac - kept + cut, bits)
    z = z.astype(container(m.program.tensors[op.latent].bits))
    p = np.empty((len(sums), op.rows), container(m.program.tensors[op.projected].bits))
    norm = np.empty(len(sums), np.int64)
    terms = int(local.project_samples(z, vectors.codes, p, norm))
    m.record.signal_macs += terms
    count_terms(m, op, terms)
    if op.norm is not None:
        m.did(local.SQUARE, z.size)
    frac = frac + kept - cut
    m.write(op.latent, z, frac)
    m.write(op.projected, p, frac + vectors.frac)
    if op.norm is not None:
        m.write(op.norm, norm, 2 * frac)


def _cut(m: IntegerMachine, words: Ints, shift: int, bits: int) -> Ints:
    """Words as codes of `bits` bits, half up; words that are whole and fit anyway pass as they are."""
    if shift == 0:
        return requantise(words, 0, bits, Narrowing(rounding="half_up"))[0]
    return m.requantise(words, shift, bits, Narrowing(rounding="half_up"))


def _vectors(m: IntegerMachine, op: LocalProject | LocalBackproject) -> Value:
    """The vectors of a projection: signs made on the spot, or a tensor that is read anew for every sample."""
    if op.projection is None:
        return Value(_basis(m, op.rows, op.latents), 0)
    value = m.read(op.projection)
    m.passed(op.projection, op.batch - 1)
    return value


def _basis(m: IntegerMachine, rows: int, latents: int) -> Ints:
    key = f"basis/{rows}x{latents}"
    if key not in m.constants:
        m.constants[key] = basis(rows, latents, m.phase_bits)
    return m.constants[key]


def latent_sums(m: IntegerMachine, op: LocalProject, h: Ints) -> Wide:
    """(samples, latents) sums in (channel, row, column) order of maps h; a linear block pools its features."""
    grid, samples = op.grid, len(h)
    if grid.channels is not None:
        out = np.empty((samples, 1, 1, op.latents), np.int64)
        features = h.reshape(samples, 1, op.shape.out_c, 1)
        looked = window_sums(features, windows(((0, 1),)), windows(grid.channels), out)
    else:
        out = np.empty((samples, op.shape.out_c, len(grid.rows), len(grid.cols)), np.int64)
        looked = window_sums(h, windows(grid.rows), windows(grid.cols), out)
    m.did(SUM, looked)
    return out.reshape(samples, op.latents)


def run_local_error(m: IntegerMachine, op: LocalError) -> None:
    """Softmax error, coefficients of the back-projection, and the modulation's gradient."""
    gradient = local_errors(m, op)
    if op.modulation_grad is not None:
        m.narrow_to_fit(op.modulation_grad, gradient, LOGIT_FRAC + ERROR_FRAC)


def local_errors(m: IntegerMachine, op: LocalError) -> Wide:
    """Errors and coefficients of the samples at hand, written; returns their part of the modulation's gradient."""
    p, norm, labels, basis_frac = _sampled(m, op)
    rule, batch, samples = m.program.rule, op.batch, len(p)
    modulation, mod_frac = _modulation(m, op)
    inv_t, inv_t_frac = reciprocal(rule.temperature)
    wide = ERROR_FRAC + MODULATION_BITS + op.classes.bit_length()
    drop = max(0, wide - PRODUCT_BITS) if op.modulation is not None else 0
    coefficient_frac = COEFFICIENT_FRAC + batch.bit_length() - 1 - max(0, inv_bits(rule.temperature))
    shift = ERROR_FRAC + mod_frac + inv_t_frac - coefficient_frac
    on, off = targets(op.classes, batch, rule.label_smoothing)
    form = local.ErrorForm(
        KINDS[op.modulation_shape], mod_frac, inv_t, inv_t_frac, basis_frac, drop, shift, on, off, batch
    )
    found = local.ErrorTensors(
        logits=np.empty((samples, op.classes), np.int32),
        error=np.empty((samples, op.classes), np.int32),
        coefficients=np.empty((samples, op.rows), np.int32),
        alignment=np.empty(samples, np.int64),
        modulation_grad=np.zeros(modulation.shape, np.int64),
        likelihood=np.empty(samples, np.int64),
    )
    products, clamped = local.local_error_samples(p, norm, labels, modulation, form, exp2_table(), found)
    m.record.signal_macs += int(products)
    m.record.saturated += int(clamped)
    m.record.likelihood = found.likelihood
    count_error(m, op, int(drop > 0), int(modulation.size))
    m.write(op.logits, found.logits, LOGIT_FRAC)
    m.write(op.error, found.error, ERROR_FRAC)
    m.write(op.coefficients, found.coefficients, coefficient_frac)
    if op.alignment is not None:
        m.write(op.alignment, found.alignment, LOGIT_FRAC + ERROR_FRAC)
    return found.modulation_grad


def _sampled(m: IntegerMachine, op: LocalError) -> tuple[Ints, Ints, Ints, int]:
    """Projections, squared norms, labels, and the fraction bits that the basis gave to the projections.

    A random projection's latents are not normalised: their norm is one. It is brought to 16
    fraction bits and to means (sums over the common window area), and one is then 2**32.
    """
    p, labels = m.read(op.projected), m.read(op.labels)
    codes = p.codes.reshape(-1, op.rows)
    if op.norm is not None:
        norm = m.read(op.norm)
        return codes, norm.codes, labels.codes, p.frac - norm.frac // 2
    grid = project_of(m, op.layer).grid
    share, share_frac = mantissa(Fraction(1, max(grid.areas)))
    cut = max(0, m.program.tensors[op.projected].bits - PRODUCT_BITS)
    kept = _cut(m, codes, cut, 62)
    shift = p.frac - cut + share_frac - LOGIT_FRAC
    m.did({"multiplies": 1}, kept.size)
    unit = m.requantise(kept * share, shift, PRODUCT_BITS, Narrowing(rounding="half_up"))
    return unit, np.full(len(codes), 1 << (2 * LOGIT_FRAC), np.int64), labels.codes, 0


def project_of(m: IntegerMachine, layer: str) -> LocalProject:
    """The projection that a layer's local error and back-projection belong to."""
    return next(op for op in m.program.ops if isinstance(op, LocalProject) and op.layer == layer)


def inv_bits(temperature: float) -> int:
    """Bits by which 1 / T exceeds one."""
    return int(1 / Fraction(str(temperature))).bit_length()


def _modulation(m: IntegerMachine, op: LocalError) -> tuple[Ints, int]:
    """Modulation as (rows, 1) or (rows, classes), at most 24 bits wide so that products fit."""
    if op.modulation is None:
        return np.zeros((op.rows, 1), np.int32), 0
    value = m.read(op.modulation)
    cut = max(0, m.program.precision.master_bits - MODULATION_BITS)
    codes = _cut(m, value.codes, cut, MODULATION_BITS)
    return codes.reshape(op.rows, -1), value.frac - cut


def run_local_backproject(m: IntegerMachine, op: LocalBackproject) -> None:
    """The gradient every position of a window receives, at error width."""
    if op.norm is None:
        backproject_unnormalised(m, op, (0, op.latents))
        return
    backproject_latents(m, op, least_exponent(m.values[op.norm].codes), (0, op.latents))


def least_exponent(norms: Ints) -> int:
    """Of the reciprocal roots of a batch's squared norms: it decides the one scale of the gradient's wide words."""
    return min((int(local.reciprocal_norm(int(value))[1]) for value in norms if value > 0), default=0)


def backproject_latents(m: IntegerMachine, op: LocalBackproject, exponent: int, among: Window) -> None:
    """The gradient of latents `among` of the samples at hand; `exponent` is the whole batch's `least_exponent`."""
    first, last = among
    vectors = _vectors(m, op)
    coefficients, alignment, z, norm = (m.read(name) for name in (op.coefficients, op.alignment, op.latent, op.norm))
    project = project_of(m, op.layer)
    weights, weight_frac = _weights(project)
    common = coefficients.frac + exponent - z.frac - 10
    # a latent's fraction z.frac turns the gradient of a code into the gradient of a value
    latents = z.codes.reshape(-1, last - first)
    wide = np.empty(latents.shape, np.int64)
    additions = backproject.backproject_samples(
        coefficients.codes.reshape(-1, op.rows),
        coefficients.frac,
        alignment.codes,
        latents,
        norm.codes,
        np.ascontiguousarray(vectors.codes[:, first:last]),
        vectors.frac,
        weights[first:last],
        weight_frac,
        common,
        z.frac,
        wide,
    )
    m.record.signal_macs += int(additions)
    count_terms(m, op, int(additions))
    m.did(plus(local.RSQRT, backproject.ALONG), len(latents))
    weighed = {} if project.grid.is_uniform else backproject.WEIGHED
    m.did(plus(backproject.JACOBIAN, backproject.WHOLE if vectors.frac else {}, weighed), wide.size)
    m.narrow(op.latent_grad, wide, common)


def _weights(project: LocalProject) -> tuple[Wide, int]:
    return window_weights(project.grid, project.shape.out_c), 0 if project.grid.is_uniform else WINDOW_FRAC


def backproject_unnormalised(m: IntegerMachine, op: LocalBackproject, among: Window) -> None:
    """u_t of latents `among` of the samples at hand, over their windows' areas: nothing is normalised."""
    first, last = among
    coefficients, projection = m.read(op.coefficients), _vectors(m, op)
    held = coefficients.codes.reshape(-1, op.rows)
    project = project_of(m, op.layer)
    areas, channels = project.grid.areas, 1 if project.grid.channels is not None else project.shape.out_c
    share_frac = mantissa(Fraction(1, max(areas)))[1]
    shares = np.tile(np.array([int(Fraction(1 << share_frac, area) + Fraction(1, 2)) for area in areas]), channels)
    one, nothing = np.ones(len(held), np.int64), np.zeros(len(held), np.int64)
    exponent = int(local.reciprocal_norm(1)[1])
    common = coefficients.frac + exponent + projection.frac - 10 - m.program.precision.weight_bits
    wide = np.empty((len(held), last - first), np.int64)
    products = backproject.backproject_samples(
        held,
        coefficients.frac,
        nothing,
        np.zeros_like(wide),
        one,
        np.ascontiguousarray(projection.codes[:, first:last]),
        0,
        shares[first:last],
        share_frac,
        common,
        -projection.frac,
        wide,
    )
    m.record.signal_macs += int(products)
    count_terms(m, op, int(products))
    m.did(backproject.WEIGHED, wide.size)
    m.narrow(op.latent_grad, wide, common)


RUNNERS: Runners = {
    LocalProject: run_local_project,
    LocalError: run_local_error,
    LocalBackproject: run_local_backproject,
}
