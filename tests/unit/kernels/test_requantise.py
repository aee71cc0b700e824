"""Narrowing against the oracle and against apytypes."""

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lls_hw.sim.kernels import narrow as kernel_narrow
from lls_hw.sim.kernels.requant import ROUNDINGS as NUMBERS
from lls_hw.sim.kernels.requant import Narrowing, container, max_abs, requantise
from tests.oracles import requant as oracle
from tests.oracles import scalar

ROUNDINGS = ("nearest_even", "half_up", "floor", "stochastic")
MODES = list(itertools.product(ROUNDINGS, ("saturate", "wrap")))
APYTYPES = {"nearest_even": "TIES_EVEN", "half_up": "TIES_POS", "floor": "TO_NEG"}


@st.composite
def narrowings(draw):
    """(codes, shift, bits): codes near the output's range, near ties, and anywhere."""
    bits, shift = draw(st.integers(2, 32)), draw(st.integers(-20, 62))
    reach = min(62, bits + max(shift, -bits) + 2)
    near = st.integers(-(2**reach) + 1, 2**reach - 1) if reach > 0 else st.integers(-1, 1)
    ends = st.sampled_from([-(2 ** (bits - 1)), 2 ** (bits - 1) - 1, 0, -1])
    ties = st.builds(lambda c, d: (c << max(shift, 0)) + (1 << max(shift - 1, 0)) * d, ends, st.integers(-1, 1))
    codes = draw(st.lists(near | ties | st.integers(-(2**62) + 1, 2**62 - 1), min_size=1, max_size=12))
    return [max(-(2**62) + 1, min(2**62 - 1, c)) for c in codes], shift, bits


@pytest.mark.parametrize(("rounding", "overflow"), MODES)
@given(case=narrowings(), key=st.integers(0, 2**32 - 1))
@example(case=([2**40, -(2**40), 1], -30, 8), key=0)  # growth that leaves int64
@settings(max_examples=80, deadline=None)
def test_requantise__exact(rounding, overflow, case, key):
    codes, shift, bits = case
    got, overflows = requantise(
        np.array(codes, np.int64), shift, bits, Narrowing(rounding=rounding, overflow=overflow, key=key)
    )
    want, count = oracle.narrow_all(codes, shift, bits, rounding, overflow, key)
    assert got.dtype == container(bits)
    assert got.tolist() == want
    assert overflows == count


@pytest.mark.parametrize(("rounding", "overflow"), [mode for mode in MODES if mode[0] in APYTYPES])
@given(case=narrowings())
@settings(max_examples=60, deadline=None)
def test_requantise__apytypes(rounding, overflow, case):
    apy = pytest.importorskip("apytypes", reason="apytypes, the second opinion on rounding, is not installed")
    codes, shift, bits = case
    codes = [c for c in codes if abs(c) << max(-shift, 0) < 2**62]  # apytypes 0.5.1 saturates 2**47 * 2**16 to -2**63
    if not codes:
        return
    got, _ = requantise(np.array(codes, np.int64), shift, bits, Narrowing(rounding=rounding, overflow=overflow))
    acc = apy.APyFixedArray([c % 2**64 for c in codes], bits=64, int_bits=64 - shift)
    out = acc.cast(
        bits=bits,
        int_bits=bits,
        quantization=getattr(apy.QuantizationMode, APYTYPES[rounding]),
        overflow={"saturate": apy.OverflowMode.SAT, "wrap": apy.OverflowMode.WRAP}[overflow],
    )
    assert got.tolist() == [oracle.scalar.wrapped(int(c), bits) for c in out.to_bits()]


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.int32, np.int64])
def test_requantise__every_container_gives_the_same_codes(kind):
    codes = np.array([-128, -65, -64, -1, 0, 1, 63, 64, 127], np.int64)
    for rounding, overflow in MODES:
        how = Narrowing(rounding=rounding, overflow=overflow, key=77)
        want = requantise(codes, 3, 4, how)
        got = requantise(codes.astype(kind), 3, 4, how)
        assert got[0].tolist() == want[0].tolist()
        assert got[1] == want[1]


def test_requantise__stochastic_is_unbiased_over_keys():
    """Mean over 4000 keys of 64 codes lies within 5 standard errors of the exact value."""
    codes = np.arange(-32, 32, dtype=np.int64) * 37 + 5
    total = np.zeros(64, np.int64)
    for key in range(4000):
        total += requantise(codes, 7, 16, Narrowing(rounding="stochastic", key=key))[0]
    rest = (codes % 128) / 128
    sigma = np.sqrt(rest * (1 - rest) / 4000)
    np.testing.assert_array_less(np.abs(total / 4000 - codes / 128), 5 * sigma + 1e-12)


def test_requantise__shape_kept_and_element_index_is_row_major():
    codes = np.arange(24, dtype=np.int64).reshape(2, 3, 4)
    how = Narrowing(rounding="stochastic", key=3)
    assert (requantise(codes, 2, 8, how)[0].reshape(-1) == requantise(codes.reshape(-1), 2, 8, how)[0]).all()


@given(st.lists(st.integers(-(2**62), 2**62), max_size=9))
@settings(deadline=None)
def test_max_abs__exact(values):
    assert max_abs(np.array(values, np.int64)) == max((abs(v) for v in values), default=0)


@pytest.mark.parametrize(("rounding", "overflow"), MODES)
def test_narrow_row__exact_whatever_the_shift(rounding, overflow):
    """A row with a shift each: growing far beyond the word, shrinking, and not at all."""
    rng = np.random.default_rng(4)
    wide, shifts = rng.integers(-(1 << 51), 1 << 51, 400), rng.integers(-20, 60, 400)
    out = np.empty(400, np.int16)
    mode = NUMBERS[rounding]
    over = kernel_narrow.narrow_row(wide, shifts, mode, 9, 70, 16, overflow == "wrap", out)
    want = [
        oracle.narrow(int(value), int(shift), 16, rounding, overflow, scalar.draw32(9, 70 + i))
        for i, (value, shift) in enumerate(zip(wide, shifts, strict=True))
    ]
    assert out.tolist() == [code for code, _ in want]
    assert over == sum(count for _, count in want)
