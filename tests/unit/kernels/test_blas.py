"""Sums through float BLAS: the bound is tight, pieces and threads change nothing, and bits are the array's."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.sim.kernels import blas
from lls_hw.sim.kernels.products import Summation, forward, input_gradient, weight_gradient

LAYER = WeightedLayer(
    name="l", block="l", kind="conv", in_h=12, in_w=11, in_c=24, out_h=12, out_w=11, out_c=20, kernel_h=3, kernel_w=3,
    stride=1, padding=1, bias=True, batch_norm=True, negative_slope=0.0, local=None,
)  # fmt: skip


@given(st.integers(1, 1 << 20), st.integers(0, 1 << 16), st.integers(0, 1 << 16))
@settings(deadline=None)
def test_lanes__never_lets_a_partial_sum_pass_the_significand(terms, a, b):
    how = blas.lanes(terms, a, b)
    bits = {np.float32: 24, np.float64: 53}[how.kind]
    assert 1 <= how.terms <= terms
    assert how.terms * a * b <= 1 << bits


@pytest.mark.parametrize(("kind", "bits"), blas.SIGNIFICANDS)
def test_significands__one_more_bit_would_be_wrong(kind, bits):
    whole = np.array([[(1 << bits) - 1, 1, 1]], kind)
    assert int((whole[:, :2] @ np.ones((2, 1), kind))[0, 0]) == 1 << bits
    assert int((whole @ np.ones((3, 1), kind))[0, 0]) != (1 << bits) + 1


@pytest.mark.parametrize("code", [-128, 127, -32768, 32767])
@pytest.mark.parametrize("sign", [1, -1])
def test_add_product__worst_codes_at_the_largest_piece(code, sign):
    inner = 5000
    how = blas.lanes(inner, abs(code), abs(code))
    a, b = np.full((3, inner), code, how.kind), np.full((inner, 2), sign * code, how.kind)
    acc = np.full((3, 2), 7, np.int64)
    blas.add_product(a, b, how.terms, acc)
    assert (acc == inner * sign * code * code + 7).all()
    assert abs(code) > 128 or how.terms < inner  # the 8-bit case is cut into pieces


def operands(bits, batch):
    rng = np.random.default_rng(bits)
    top = 1 << (bits - 1)
    kind = np.int8 if bits <= 8 else np.int16
    shapes = ((batch, 12, 11, 24), (LAYER.fan_in, 20), (batch * LAYER.positions, 20))
    return [rng.integers(-top, top, shape).astype(kind) for shape in shapes]


@pytest.mark.parametrize("bits", [4, 8, 12, 16])
def test_products__equal_the_array_kernel_and_are_cut_into_pieces(bits, monkeypatch):
    monkeypatch.setattr(blas, "MATRIX_BYTES", 100_000)  # several pieces of every map
    x, w, delta = operands(bits, 7)
    bias = np.arange(20) * 1000 - 9000
    unit = Summation(accumulator_bits=48)
    for product, arguments in (
        (forward, (x, w, bias)),
        (weight_gradient, (x, delta)),
        (input_gradient, (delta.reshape(7, 12, 11, 20), w)),
    ):
        acc, tally = product(unit, LAYER, *arguments)
        want, guarded = product(replace(unit, prove=False), LAYER, *arguments)
        assert np.array_equal(acc, want)
        assert acc.dtype == want.dtype
        assert (tally.guarded, guarded.guarded) == (0, tally.macs)
        assert tally.macs == guarded.macs


def test_products__an_accumulator_that_could_overflow_takes_the_array_kernel():
    x, w, _ = operands(8, 2)
    _, tally = forward(Summation(accumulator_bits=20), LAYER, x, w, np.zeros(20, np.int64))
    assert tally.guarded == tally.macs > 0


def test_pieces__cover_the_rows_once():
    found = blas.pieces(1000, blas.MATRIX_BYTES // 300)
    assert found[0][0] == 0
    assert found[-1][1] == 1000
    assert all(a[1] == b[0] for a, b in pairwise(found))
    assert max(last - first for first, last in found) <= 300
