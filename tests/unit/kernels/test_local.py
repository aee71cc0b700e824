"""The local error against 60-digit arithmetic, each step within a bound derived from its roundings."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lls_hw.models.registry import load_network, names
from lls_hw.models.rules.lls import latent_bits
from lls_hw.models.spec.geometry import PoolGrid, WeightedLayer
from lls_hw.models.spec.resolve import resolve
from lls_hw.sim.kernels import backproject as kernel_backproject
from lls_hw.sim.kernels import local as kernel_local
from lls_hw.sim.kernels import softmax as kernel_softmax
from lls_hw.sim.kernels.tables import basis_increments, cosine_table, exp2_table, mantissa
from tests.oracles import local as oracle
from tests.oracles import scalar, sine

TWO = Decimal(2)
KINDS = ("none", "vector", "matrix")
RSQRT = TWO**-15  # relative error of the reciprocal root
INV_T = TWO**-15  # relative error of 1/T as 15-bit mantissa


def bits(n):
    return TWO**-n


def test_exp2_table__nearest_codes():
    table = exp2_table().tolist()
    for i, code in enumerate(table):
        assert abs(Decimal(code) / 2**16 - (-Decimal(i) / 256 * TWO.ln()).exp()) <= bits(17)
    assert table == sorted(table, reverse=True)
    assert (table[0], table[256]) == (65536, 32768)


def softmax(logits, label=0, batch=1):
    """(error + target as probabilities in units of 2**-24, likelihood)."""
    on = (1 << 24) // batch
    error, weights = np.empty(len(logits), np.int64), np.empty(len(logits), np.int64)
    found = kernel_softmax.softmax_error(np.array(logits, np.int64), label, batch, on, 0, exp2_table(), error, weights)
    error[label] += on
    return error.tolist(), int(found)


@given(
    logits=st.lists(
        st.integers(-(2**31) + 1, 2**31 - 1) | st.integers(-(2**17), 2**17) | st.integers(-40, 40) | st.just(0),
        min_size=2,
        max_size=40,
    ),
    batch=st.sampled_from([1, 8, 128]),
)
@example(logits=[0] * 1000, batch=128)
@example(logits=[16 * 45426] + [0] * 999, batch=1)
@example(logits=[-(2**31) + 1, 2**31 - 1], batch=1)
@settings(max_examples=80, deadline=None)
def test_softmax_error__within_2_weight_units_a_class(logits, batch):
    """Each weight is off by less than 2 units of 2**-16; the largest is exact, so their sum is 1 or more."""
    got, likelihood = softmax(logits, label=0, batch=batch)
    exact = oracle.softmax([Decimal(v) / 2**16 for v in logits])
    total = 1 / max(exact)
    unit, count = 2 * bits(16), len(logits)
    for code, want in zip(got, exact, strict=True):
        bound = unit * (1 + (count - 1) * want) / (total - (count - 1) * unit) if total > count * unit else Decimal(1)
        assert abs(Decimal(code) / 2**24 - want / batch) <= bound / batch + bits(25)
    assert abs(Decimal(likelihood) / 2**24 - exact[0]) <= unit * (count * exact[0] + 1) + bits(24)


@given(st.lists(st.integers(-(2**20), 2**20), min_size=2, max_size=20), st.integers(-(2**20), 2**20))
@settings(max_examples=150, deadline=None)
def test_softmax_error__ignores_a_common_shift_and_keeps_order(logits, shift):
    first, _ = softmax(logits)
    assert softmax([v + shift for v in logits])[0] == first
    for i, a in enumerate(logits):
        for j, b in enumerate(logits):
            assert a <= b or first[i] >= first[j]


@given(st.lists(st.lists(st.integers(-(2**20), 2**20), min_size=6, max_size=6), min_size=1, max_size=3))
@settings(deadline=None)
def test_project_samples__exact(z):
    basis = np.random.default_rng(0).integers(-1, 2, (4, 6)).astype(np.int8)
    p, norm = np.empty((len(z), 4), np.int64), np.empty(len(z), np.int64)
    additions = kernel_local.project_samples(np.array(z, np.int32), basis, p, norm)
    assert additions == len(z) * 24
    for i, row in enumerate(z):
        assert (p[i].tolist(), norm[i]) == oracle.project(row, basis.tolist())


@given(st.integers(0, 2**62 - 1) | st.integers(0, 10))
@settings(max_examples=200, deadline=None)
def test_reciprocal_norm__relative_2_to_minus_15(norm):
    mantissa_, exponent = kernel_local.reciprocal_norm(np.int64(norm))
    got = Decimal(int(mantissa_)) * TWO ** -int(exponent)
    assert abs(got - oracle.rsqrt(norm)) <= RSQRT * oracle.rsqrt(norm)


@st.composite
def samples(draw):
    """One sample: latents, signs or sines, a rule's constants and its modulation of at most 24 bits."""
    rows, latents = draw(st.integers(2, 5)), draw(st.integers(1, 12))
    kind = draw(st.sampled_from(KINDS))
    classes = draw(st.integers(2, 5)) if kind == "matrix" else rows
    width = draw(st.sampled_from([4, 8, 16, 24]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    z = rng.integers(-(1 << (width - 1)), 1 << (width - 1), latents)
    if draw(st.integers(0, 9)) == 0:
        z[:] = 0
    z[rng.random(latents) < 0.2] = -(1 << (width - 1)) if draw(st.booleans()) else 0
    basis_frac = draw(st.sampled_from([0, 15]))
    if basis_frac:
        basis = rng.integers(1 - (1 << 15), 1 << 15, (rows, latents)).astype(np.int16)
    else:
        basis = rng.choice([-1, 1], (rows, latents)).astype(np.int8)
    basis[:, 0] = 0
    temperature = Fraction(draw(st.sampled_from(["1/64", "1/10", "1/2", "1", "3", "64"])))
    frac = draw(st.sampled_from([10, 16, 23]))
    top = min(1 << 23, 4 << frac)
    shape = (rows, classes) if kind == "matrix" else (rows, 1)
    return (
        kind,
        z,
        (basis, basis_frac),
        temperature,
        rng.integers(-top, top, shape),
        frac,
        classes,
        draw(st.sampled_from([1, 8, 128])),
    )


def real_modulation(kind, codes, frac):
    real = [[Decimal(int(v)) / 2**frac for v in row] for row in codes]
    return [row[0] for row in real] if kind == "vector" else real


@given(samples())
@settings(max_examples=100, deadline=None)
def test_local_chain__each_step_within_its_bound(case):
    """Logits, softmax error, coefficients, alignment and gradient, each from the step before."""
    kind, z, (basis, basis_frac), temperature, codes, frac, classes, batch = case
    t = Decimal(temperature.numerator) / temperature.denominator
    rows = len(basis)
    p, norm = np.empty((1, rows), np.int64), np.empty(1, np.int64)
    kernel_local.project_samples(z.reshape(1, -1).astype(np.int32), basis, p, norm)
    inv_t, inv_frac = mantissa(1 / temperature)
    scaled, logits = np.empty(rows, np.int64), np.empty(classes, np.int32)
    if kind == "none":
        frac = 0
    modulation = real_modulation(kind, codes, frac)
    kernel_local.modulate(p[0], norm[0], codes, KINDS.index(kind), frac, inv_t, inv_frac, basis_frac, scaled, logits)
    unit = oracle.scaled([Decimal(int(v)) / 2**basis_frac for v in p[0]], int(norm[0]), t)
    near = [abs(u) * (RSQRT + INV_T + RSQRT * INV_T) + bits(17) * ((1 + INV_T) / t + 1) for u in unit]
    for got, want, bound in zip(scaled.tolist(), unit, near, strict=True):
        assert abs(Decimal(got) / 2**16 - want) <= bound
    want = oracle.logits(unit, kind, modulation)
    bounds = [abs(b) + bits(17) for b in oracle.logits(near, kind, [] if kind == "none" else _absolute(modulation))]
    limit = Decimal(2**31 - 1) / 2**16
    for got, exact, bound in zip(logits.tolist(), want, bounds, strict=True):
        assert abs(Decimal(got) / 2**16 - max(-limit, min(limit, exact))) <= bound
    # coefficients from the errors really made
    error, weights = np.empty(classes, np.int64), np.empty(classes, np.int64)
    kernel_softmax.softmax_error(logits.astype(np.int64), 1, batch, (1 << 24) // batch, 0, exp2_table(), error, weights)
    drop = max(0, 24 + 24 + classes.bit_length() - 46) if kind != "none" else 0
    a_frac = 26 + batch.bit_length() - 1 - max(0, int(1 / temperature).bit_length())
    a = np.empty(rows, np.int32)
    _, clamped = kernel_local.coefficients_of(
        error, codes, KINDS.index(kind), drop, 24 + frac + inv_frac - a_frac, inv_t, a
    )
    exact = oracle.coefficients([Decimal(int(e)) / 2**24 for e in error], kind, modulation, t)
    assert clamped == 0 or max(map(abs, exact)) * 2**a_frac > 2**31 - 2
    dropped = TWO ** (drop - 1 - 24 - frac) if drop else Decimal(0)
    if not clamped:
        for got, c in zip(a.tolist(), exact, strict=True):
            assert abs(Decimal(got) / TWO**a_frac - c) <= abs(c) * INV_T + dropped / t * (1 + INV_T) + TWO ** -(
                a_frac + 1
            )
    _check_gradient(a, a_frac, int(error @ logits), z, norm, basis, basis_frac)


def _absolute(modulation):
    return [[abs(v) for v in row] if isinstance(row, list) else abs(row) for row in modulation]


def _check_gradient(a, a_frac, along, z, norm, basis, basis_frac):
    latents, z_frac = len(z), 9
    exponent = int(kernel_local.reciprocal_norm(norm[0])[1])
    common = a_frac + exponent - z_frac - 10
    wide = np.empty((1, latents), np.int64)
    kernel_backproject.backproject_samples(
        a.reshape(1, -1), a_frac, np.array([along]), z.reshape(1, -1).astype(np.int32), norm, basis, basis_frac,
        np.ones(latents, np.int64), 0, common, z_frac, wide,
    )  # fmt: skip
    r = oracle.rsqrt(int(norm[0]))
    real_along = Decimal(along) / 2**40
    vectors = [[Decimal(int(v)) / 2**basis_frac for v in row] for row in basis]
    want = oracle.gradient([Decimal(int(v)) / TWO**a_frac for v in a], real_along, z.tolist(), int(norm[0]), vectors)
    rounded = TWO ** -(a_frac + 1) if basis_frac else Decimal(0)
    lsb = TWO ** -(a_frac + 1)
    for t, (got, g) in enumerate(zip(wide[0].tolist(), want, strict=True)):
        zhat = abs(Decimal(int(z[t])) * r)
        pull = zhat * abs(real_along)
        slack = pull * RSQRT + (zhat + bits(20)) * lsb + abs(real_along) * bits(21) + lsb + rounded
        bound = (abs(g) + r * slack) * RSQRT + r * slack + TWO ** -(common + z_frac + 1)
        # a code's gradient is in units of 2**-common once the latent's own fraction is taken out
        assert abs(Decimal(got) / TWO ** (common + z_frac) - g) <= bound
    if not norm[0]:
        assert not wide.any(), "a latent of zeros gives no gradient"


def test_gradient_oracle__is_the_derivative_of_the_loss():
    """The closed form of docs/design.md against a 60-digit difference quotient."""
    z, basis, t = [3, -1, 7, 2], [[0, 1, -1, 1], [0, -1, -1, 1], [0, 1, 1, 1]], Decimal("0.5")
    p, norm = oracle.project(z, basis)
    s = oracle.logits(oracle.scaled(p, norm, t), "none", [])
    e = oracle.error(s, 1, 1)
    g = oracle.gradient(
        oracle.coefficients(e, "none", [], t), sum(x * y for x, y in zip(e, s, strict=True)), z, norm, basis
    )
    h = Decimal("1e-15")
    for i, want in enumerate(g):
        up, down = ([Decimal(v) + (d if j == i else 0) for j, v in enumerate(z)] for d in (h, -h))
        assert abs((_loss(up, basis, t) - _loss(down, basis, t)) / (2 * h) - want) < Decimal("1e-25")


def _loss(z, basis, t):
    r = 1 / sum(v * v for v in z).sqrt()
    s = [sum(b * v for b, v in zip(row, z, strict=True)) * r / t for row in basis]
    return -oracle.softmax(s)[1].ln()


@pytest.mark.parametrize(("kind", "classes"), [("none", 1000), ("vector", 1000), ("matrix", 300)])
@pytest.mark.parametrize("temperature", [Fraction(1, 64), Fraction(64)])
@pytest.mark.parametrize("basis_frac", [0, 15])
def test_local_error__extreme_widths_stay_in_int64(kind, classes, temperature, basis_frac):
    """Batch 128, 24-bit modulation at its ends, latents of the widest sum: every word against Python integers."""
    rng = np.random.default_rng(5)
    batch, latents = 4, 2048
    width = latent_bits(16, PoolGrid(rows=((0, 64),), cols=((0, 64),)), latents, basis_frac)
    top, entry = 1 << (width - 1), max(1, (1 << basis_frac) - 1)
    z = rng.choice([-top, top - 1], (batch, latents)).astype(np.int32)
    basis = (rng.choice([-1, 1], (classes, latents)) * entry).astype(np.int16)
    basis[0] = np.sign(z[0]) * entry
    p, norm = np.empty((batch, classes), np.int64), np.empty(batch, np.int64)
    kernel_local.project_samples(z, basis, p, norm)
    assert (p.astype(object) == z.astype(object) @ basis.astype(object).T).all()
    assert norm.tolist() == [sum(v * v for v in row) for row in z.tolist()]
    shape = (classes, classes) if kind == "matrix" else (classes, 1)
    codes = rng.choice([-(1 << 23), (1 << 23) - 1], shape).astype(np.int32)
    inv_t, inv_frac = mantissa(1 / temperature)
    for i in range(batch):
        scaled, logits = np.empty(classes, np.int64), np.empty(classes, np.int32)
        kernel_local.modulate(p[i], norm[i], codes, KINDS.index(kind), 8, inv_t, inv_frac, basis_frac, scaled, logits)
        r, e = (int(v) for v in kernel_local.reciprocal_norm(norm[i]))
        units = [scalar.shifted(int(v) * r, e + basis_frac - 16, "half_up") for v in p[i]]
        want = [scalar.shifted(v * inv_t, inv_frac, "half_up") for v in units]
        assert scaled.tolist() == want
        if kind == "vector":
            want = [scalar.shifted(s * int(m[0]), 8, "half_up") for s, m in zip(want, codes, strict=True)]
        elif kind == "matrix":
            want = [scalar.shifted(int(v), 8, "half_up") for v in np.array(want, object) @ codes.astype(object)]
        assert logits.tolist() == [max(-(2**31) + 1, min(2**31 - 1, v)) for v in want]


SHAPES = sorted(
    {
        (rows, layer.local.latents(layer.out_c))
        for net in names("nets")
        for network in [load_network(net)]
        for layer in resolve(network)
        if isinstance(layer, WeightedLayer) and layer.local is not None
        for rows in {network.classes, network.reduced_rows, 100}
    }
)


@pytest.mark.parametrize(("rows", "latents"), SHAPES)
def test_sign_basis__equals_float64_for_every_shipped_block(rows, latents):
    for phase_bits in (48,):
        out = np.empty((rows, latents), np.int8)
        kernel_local.sign_basis(basis_increments(rows, phase_bits), phase_bits, out)
        angles = np.linspace(50, 512, rows)[:, None] * np.arange(latents)[None, :]
        assert (out == np.sign(np.sin(angles))).all()


@pytest.mark.parametrize(("rows", "latents"), SHAPES)
def test_cosine_table__holds_the_nearest_codes(rows, latents):
    """Forty entries against 60-digit sines; all of them against float64, whose argument is off by up to 2**-33."""
    table = cosine_table(rows, latents, 15)
    assert (table.dtype, table.shape) == (np.int16, (rows, latents))
    rng = np.random.default_rng(rows * latents)
    for c, t in {(rows - 1, latents - 1), *zip(rng.integers(0, rows, 39), rng.integers(0, latents, 39), strict=True)}:
        assert table[c, t] == sine.code(int(c), int(t), rows, 15), (c, t)
    angles = np.linspace(50, 512, rows)[:, None] * np.arange(latents)[None, :]
    assert np.abs(table - np.sin(angles) * 2**15).max() <= 1, "a half, or one where 2**15 is held to its largest code"


def test_loss_samples__clamps_logits_at_2_to_15():
    logits = np.array([[2**15 - 1, -(2**15), 0]], np.int16)
    errors, likelihood = np.empty((1, 3), np.int64), np.empty(1, np.int64)
    kernel_softmax.loss_samples(logits, np.int64(-40), np.array([0]), 1, 1 << 24, 0, exp2_table(), errors, likelihood)
    assert errors.tolist() == [[0, 0, 0]]
    assert likelihood[0] == 1 << 24
