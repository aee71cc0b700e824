"""The optimiser's step against exact arithmetic, its losses, and its lack of bias."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lls_hw.sim.kernels import update as kernel_update
from lls_hw.sim.kernels.tables import mantissa
from tests.oracles import scalar
from tests.oracles import update as oracle

MODES = ("nearest_even", "half_up", "floor", "stochastic")


@given(
    gradient=st.lists(st.integers(-(2**47), 2**47 - 1), min_size=1, max_size=5),
    shift=st.integers(-90, 90),
    old=st.integers(-(2**31), 2**31 - 1),
    decay=st.integers(0, 2**15 - 1),
)
@example(gradient=[2**47 - 1], shift=-90, old=2**31 - 1, decay=2**15 - 1)
@settings(max_examples=300, deadline=None)
def test_momentum_wide__exact(gradient, shift, old, decay):
    # a shift above 62 counts as 62: both give 0 here, since |gradient| < 2**61
    want = [oracle.momentum(g, shift, old, decay) for g in gradient]
    wide = np.empty(len(gradient), np.int64)
    olds = np.full(len(gradient), old, np.int32)
    peak = kernel_update.momentum_wide(np.array(gradient, np.int64), np.int64(shift), olds, np.int64(decay), wide)
    if shift >= -60:
        assert wide.tolist() == want
    assert all(abs(w - v) <= 3 * 2**60 and abs(v) < 2**63 for w, v in zip(want, wide.tolist(), strict=True))
    assert peak == max(abs(v) for v in wide.tolist())


@pytest.mark.parametrize("mode", range(4))
@given(
    steps=st.lists(st.integers(-(2**31), 2**31 - 1) | st.integers(-3, 3), min_size=1, max_size=8),
    rate=st.integers(2**14, 2**15 - 1),
    shift=st.integers(-40, 62),
    bits=st.sampled_from([8, 16, 32]),
    key=st.integers(0, 2**32 - 1),
    room=st.integers(0, 1),
)
@settings(max_examples=150, deadline=None)
def test_apply_update__exact(mode, steps, rate, shift, bits, key, room):
    rng = np.random.default_rng(len(steps))
    kind = {8: np.int8, 16: np.int16, 32: np.int32}[bits]
    master = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), len(steps)).astype(kind)
    want = [
        oracle.descend(s, rate, shift, bits, MODES[mode], int(m), scalar.draw32(key, i), room)
        for i, (s, m) in enumerate(zip(steps, master, strict=True))
    ]
    args = (np.array(steps, np.int64), *(np.int64(value) for value in (rate, shift, room, mode, key, bits)))
    saturated, wanted, lost, peak = kernel_update.apply_update(*args, master)
    assert master.tolist() == [w[0] for w in want]
    assert (saturated, wanted, lost) == tuple(sum(w[k] for w in want) for k in (1, 2, 3))
    assert peak == max(abs(w[0]) for w in want)


def test_apply_update__stochastic_is_unbiased_and_nearest_loses_everything():
    """A change of 0.3 codes: nearest loses all of 200 steps, stochastic moves 60 codes +- 5 sigma."""
    step, shift = np.full(500, 3 * 2**14, np.int64), np.int64(14)
    rate = np.int64(round(0.1 * 2**14))  # 0.3 of a code but for the rate's own rounding
    exact = 3 * int(rate) / 2**14
    nearest, stochastic = np.zeros(500, np.int16), np.zeros(500, np.int16)
    for key in range(200):
        how = [np.int64(value) for value in (shift + 14, 0, 0, key, 16)]
        assert kernel_update.apply_update(step, rate, *how, nearest)[1:3] == (500, 500)
        how[2:4] = np.int64(3), kernel_update.stream_key(0, key, 5)
        kernel_update.apply_update(step, rate, *how, stochastic)
    assert not nearest.any()
    sigma = (200 * exact * (1 - exact) / 500) ** 0.5
    assert abs(stochastic.mean() + 200 * exact) < 5 * sigma


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**20), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_stream_key__exact(seed, step, stream):
    assert kernel_update.stream_key(np.int64(seed), np.int64(step), np.int64(stream)) == scalar.stream(
        seed, step, stream
    )


@given(st.fractions(min_value="1/1000000", max_value=64, max_denominator=10**7))
@settings(deadline=None)
def test_mantissa__half_a_unit(value):
    code, frac = mantissa(value)
    assert 2**14 <= code < 2**15
    assert abs(value * Fraction(2) ** frac - code) <= Fraction(1, 2)
