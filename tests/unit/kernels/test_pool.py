"""Pooling windows, uneven and overlapping, against set sums."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lls_hw.models.spec.geometry import PoolGrid, adaptive_windows
from lls_hw.sim.functional.pooling import shares
from lls_hw.sim.kernels import pool as kernel_pool
from tests.oracles import pool as oracle


@st.composite
def maps(draw):
    height, width = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    rows = oracle.windows(height, draw(st.integers(1, 9)))
    cols = oracle.windows(width, draw(st.integers(1, 9)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    bits = draw(st.sampled_from([2, 8, 16]))
    x = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), (draw(st.integers(1, 2)), height, width, 2)).astype(np.int16)
    return x, rows, cols


def planes(x):
    """(image, channel, plane as lists)."""
    for image, channel in itertools.product(range(x.shape[0]), range(x.shape[3])):
        yield image, channel, x[image, :, :, channel].tolist()


def grid(rows, cols):
    """Windows and the reciprocals of their areas, as the kernels take them."""
    spec = PoolGrid(rows=tuple(map(tuple, rows)), cols=tuple(map(tuple, cols)))
    return np.array(rows), np.array(cols), *shares(spec)


@given(st.integers(1, 4096))
@settings(deadline=None)
def test_reciprocal__is_half_a_unit_of_fifteen_bits(area):
    code, frac = oracle.reciprocal(area)
    assert 2**14 <= code < 2**15
    assert abs(Fraction(code, 2**frac) - Fraction(1, area)) <= Fraction(1, 2 ** (frac + 1))


@given(st.integers(1, 40), st.integers(1, 40))
@settings(deadline=None)
def test_adaptive_windows__exact(length, size):
    assert list(adaptive_windows(length, size)) == oracle.windows(length, size)


@given(maps())
@settings(max_examples=80, deadline=None)
def test_pool_images__exact(case):
    x, rows, cols = case
    for is_max in (True, False):
        out = np.empty((x.shape[0], len(rows), len(cols), 2), np.int64)
        looked = kernel_pool.pool_images(x, *grid(rows, cols), is_max, 0, x.shape[0], out)
        assert looked == x.shape[0] * 2 * sum(
            len(oracle.members(x[0, :, :, 0].tolist(), r, c)) for r in rows for c in cols
        )
        for image, c, plane in planes(x):
            for (i, row), (j, col) in itertools.product(enumerate(rows), enumerate(cols)):
                want = (
                    oracle.maximum(plane, row, col) if is_max else oracle.mean(plane, row, col, kernel_pool.MEAN_GUARD)
                )
                assert out[image, i, j, c] == want


@given(maps())
@settings(max_examples=80, deadline=None)
def test_window_sums_and_spread__exact_and_adjoint(case):
    x, rows, cols = case
    sums = np.empty((x.shape[0], 2, len(rows), len(cols)), np.int64)
    kernel_pool.window_sums(x, np.array(rows), np.array(cols), sums)
    grad = np.random.default_rng(1).integers(-100, 100, sums.shape)
    out = np.empty(x.shape, np.int32)
    kernel_pool.spread_windows(grad, np.array(rows), np.array(cols), out)
    for image, c, plane in planes(x):
        places = list(itertools.product(range(len(rows)), range(len(cols))))
        for i, j in places:
            assert sums[image, c, i, j] == sum(oracle.members(plane, rows[i], cols[j]))
        values = {}
        for i, j in places:
            values.setdefault((rows[i], cols[j]), 0)
            values[rows[i], cols[j]] += int(grad[image, c, i, j])
        assert out[image, :, :, c].tolist() == oracle.spread(values, *x.shape[1:3])
    assert (sums * grad).sum() == (x.astype(np.int64) * out).sum()


@pytest.mark.parametrize(("length", "size"), [(4, 2), (7, 7), (6, 3)])
def test_max_pool_backward__whole_error_goes_to_the_first_maximum(length, size):
    rng = np.random.default_rng(length)
    windows = oracle.windows(length, size)
    x = rng.integers(-2, 2, (2, length, length, 3)).astype(np.int8)
    delta = rng.integers(-100, 100, (2, size, size, 3)).astype(np.int16)
    out = np.empty(x.shape, np.int16)
    kernel_pool.max_pool_backward(delta, x, np.array(windows), np.array(windows), 0, 2, out)
    for image, c, plane in planes(x):
        want = np.zeros((length, length), int)
        for (i, row), (j, col) in itertools.product(enumerate(windows), enumerate(windows)):
            at = max(itertools.product(range(*row), range(*col)), key=lambda yx: (plane[yx[0]][yx[1]], -yx[0], -yx[1]))
            want[at] = delta[image, i, j, c]
        assert out[image, :, :, c].tolist() == want.tolist()


@given(maps())
@settings(max_examples=40, deadline=None)
def test_mean_pool_backward__exact(case):
    x, rows, cols = case
    delta = np.random.default_rng(2).integers(-(2**15), 2**15, (x.shape[0], len(rows), len(cols), 2)).astype(np.int16)
    out = np.empty(x.shape, np.int64)
    kernel_pool.mean_pool_backward(delta, *grid(rows, cols), 0, x.shape[0], out)
    for image, c, _ in planes(x):
        want = [[0] * x.shape[2] for _ in range(x.shape[1])]
        for (i, row), (j, col) in itertools.product(enumerate(rows), enumerate(cols)):
            area = (row[1] - row[0]) * (col[1] - col[0])
            share = oracle.shared(int(delta[image, i, j, c]), area, kernel_pool.MEAN_GUARD)
            for y, xx in itertools.product(range(*row), range(*col)):
                want[y][xx] += share
        assert out[image, :, :, c].tolist() == want
