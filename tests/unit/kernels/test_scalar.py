"""Scalars against fractions; every bound in a docstring is tried at its edge."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lls_hw.sim.kernels import scalar as kernel_scalar
from tests.oracles import norm as norm_oracle
from tests.oracles import scalar as oracle

EDGE = 2**62 - 1
wide = st.integers(-EDGE, EDGE) | st.integers(0, 61).flatmap(lambda n: st.integers(2**n - 2, 2**n + 2))
words = st.integers(0, 2**32 - 1)
MODES = ("nearest_even", "half_up", "floor", "stochastic")
thorough = settings(max_examples=120, deadline=None)


def i64(*values):
    """Arguments as the kernels see them in the engine."""
    return tuple(np.int64(v) for v in values)


@given(words)
@thorough
def test_hash32__exact(x):
    assert kernel_scalar.hash32(*i64(x)) == oracle.mix32(x)


@given(words)
@thorough
def test_hash32__has_an_inverse(x):
    inverse = pow(0x45D9F3B, -1, 2**32)
    y = int(kernel_scalar.hash32(*i64(x)))
    for _ in range(2):
        y = (y ^ y >> 16) * inverse % 2**32
    assert y ^ y >> 16 == x


@given(words, st.integers(0, 2**40))
@thorough
def test_random_bits__exact(key, index):
    assert kernel_scalar.random_bits(*i64(key, index)) == oracle.draw32(key, index)


@pytest.mark.parametrize("mode", MODES)
@given(value=wide, shift=st.integers(1, 62), random=words)
@example(value=-EDGE, shift=62, random=0)
@example(value=EDGE, shift=62, random=2**32 - 1)
@thorough
def test_shift_round__exact(mode, value, shift, random):
    got = kernel_scalar.shift_round(*i64(value, shift, MODES.index(mode), random))
    assert got == oracle.shifted(value, shift, mode, random)


@pytest.mark.parametrize("mode", MODES)
@given(low=st.integers(0, 2**20), half=st.integers(-(2**30), 2**30), shift=st.integers(1, 31))
@thorough
def test_shift_round__ties_and_neighbours_of_ties(mode, low, half, shift):
    for value in ((half << shift) + (1 << (shift - 1)) + d for d in (-1, 0, 1)):
        got = kernel_scalar.shift_round(*i64(value, shift, MODES.index(mode), low))
        assert got == oracle.shifted(value, shift, mode, low)


@given(value=wide, shift=st.integers(-200, 0))
@example(value=1, shift=-62)
@example(value=-1, shift=-63)
@thorough
def test_shift_round__growth_is_exact_or_held_to_2_62(value, shift):
    exact = value << -shift
    got = kernel_scalar.shift_round(*i64(value, shift, 1, 0))
    assert got == max(-(2**62), min(2**62, exact))


@pytest.mark.parametrize("shift", [1, 5, 12, 16])
def test_shift_round__stochastic_mean_is_exact_over_all_draws(shift):
    """Each rest is rounded up by exactly as many of the 2**shift draws as it is large."""
    for rest in (0, 1, (1 << shift) // 3, (1 << shift) - 1):
        value = (-7 << shift) + rest
        ups = sum(kernel_scalar.shift_round(value, shift, 3, bits) == -6 for bits in range(1 << shift))
        assert ups == rest


@given(value=st.integers(-(2**61), 2**61), by=st.integers(1, 2**61 - 1))
@example(value=-3, by=2)
@thorough
def test_divide_round__exact(value, by):
    assert kernel_scalar.divide_round(*i64(value, by)) == oracle.divided(value, by)


@given(st.integers(0, EDGE))
@thorough
def test_isqrt__exact(value):
    root = math.isqrt(value)
    for near in (value, root * root, max(0, root * root - 1)):
        assert kernel_scalar.isqrt(*i64(near)) == math.isqrt(near)


@given(st.integers(0, 2**63 - 1))
@example(2**63 - 1)
@thorough
def test_bit_length__exact(value):
    assert kernel_scalar.bit_length(*i64(value)) == value.bit_length()


@given(value=wide, exponent=st.integers(-100, 100))
@example(value=0, exponent=5)
@example(value=2**17 - 1, exponent=0)
@example(value=-(2**17) + 1, exponent=0)
@thorough
def test_normalise__exact(value, exponent):
    assert tuple(map(int, kernel_scalar.normalise(*i64(value, exponent)))) == oracle.floating(value, exponent)


positive = st.integers(0, 61).flatmap(lambda n: st.integers(2**n, 2 ** (n + 1) - 1))


@given(num=positive, den=positive)
@example(num=1, den=EDGE)
@example(num=EDGE, den=1)
@example(num=EDGE, den=EDGE)
@example(num=2**61, den=2**26 + 1)
@example(num=2**60 + 1, den=2**27 - 1)
@settings(max_examples=500, deadline=None)
def test_sqrt_ratio__relative_error_below_2_to_minus_15(num, den):
    mantissa, exponent = map(int, kernel_scalar.sqrt_ratio(*i64(num, den)))
    assert (mantissa, exponent) == norm_oracle.root_ratio(num, den)
    assert 2**15 <= mantissa < 2**16
    bound = Fraction(1, 2**25) + Fraction(1, 2**17) + Fraction(1, 2**16)
    assert (1 - bound) ** 2 - 1 <= oracle.squared_error(mantissa, exponent, num, den) <= (1 + bound) ** 2 - 1


@given(value=st.integers(-EDGE, EDGE), bits=st.integers(2, 48))
@thorough
def test_wrap_and_clamp__exact(value, bits):
    assert kernel_scalar.wrap(*i64(value, bits)) == oracle.wrapped(value, bits)
    half = 1 << (bits - 1)
    assert kernel_scalar.clamp(*i64(value, -half, half - 1)) == oracle.saturated(value, bits)
