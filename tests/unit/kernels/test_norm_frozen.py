"""The way back through a frozen norm: bit for bit the integer unit's, and within a bound of the rational one."""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lls_hw.sim.kernels.inference import running_constants
from lls_hw.sim.kernels.norm_frozen import frozen_narrow
from lls_hw.sim.kernels.norm_maps import Curve, Cut
from tests.oracles import norm as oracle
from tests.oracles import scalar
from tests.unit.kernels.test_norm import SLOPE, channels

STATISTICS = st.tuples(st.integers(-(2**20), 2**20), st.integers(0, 2**31 - 1) | st.integers(0, 9))


def constants(channel, statistics):
    """`stats` by the kernel."""
    stats = np.zeros((6, 1), np.int32)
    running_constants(
        np.array(statistics, np.int32).reshape(2, 1), 16, channel.y_frac, np.array([channel.gamma], np.int32),
        channel.gamma_frac, np.array([channel.beta], np.int32), channel.beta_frac, stats,
    )  # fmt: skip
    return stats


@given(channels(), STATISTICS, st.integers(0, 2**32), st.sampled_from([2, 8, 16]))
@settings(max_examples=150, deadline=None)
def test_frozen_backward__exact(channel, statistics, seed, bits):
    stats, count = constants(channel, statistics), len(channel.y)
    words = oracle.frozen_words(
        statistics, channel.y_frac, channel.gamma, channel.gamma_frac, channel.beta, channel.beta_frac
    )
    assert oracle.Words(*(int(v) for v in stats[:, 0])) == words
    rng = np.random.default_rng(seed)
    delta = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), (count, 1)).astype(np.int16)
    wide, total = oracle.frozen_gradient(delta[:, 0].tolist(), channel.y, words, channel.beta_frac, SLOPE)
    assert max(abs(v) for v in wide) < 2**42
    in_frac = 5 - channel.y_frac
    shift = max(v.bit_length() for v in [1, *map(abs, wide)]) - 15
    cut = Cut(in_frac + 8 + words.scale_exp - shift, 16, 3, 99, False, 0, 1)
    fixed = delta, channel.column(), stats, Curve(channel.beta_frac, *SLOPE), in_frac, cut
    out, sums = np.empty((count, 1), np.int16), np.zeros(1, np.int64)
    over, peak = frozen_narrow(*fixed, 0, count, True, out, sums)
    codes = [scalar.shifted(w, shift, "stochastic", scalar.draw32(99, i)) for i, w in enumerate(wide)]
    assert out[:, 0].tolist() == [scalar.saturated(c, 16) for c in codes]
    assert over == sum(c != scalar.saturated(c, 16) for c in codes)
    assert sums.tolist() == [total]
    assert peak == max(abs(oracle.half_up(w, shift - 8)) for w in wide)
    assert frozen_narrow(*fixed, 0, count, False, out, sums)[1] == peak, "measuring sees the same peak"
    assert sums.tolist() == [total], "measuring adds nothing"


@given(channels(), STATISTICS)
@settings(max_examples=100, deadline=None)
def test_frozen_scale__is_within_three_roundings_of_the_rational_one(channel, statistics):
    """1 / sigma is within 2**-15 (docstring of `sqrt_ratio`), the epsilon and the product round once more."""
    words = oracle.frozen_words(statistics, channel.y_frac, channel.gamma, channel.gamma_frac, 0, 60)
    exact = Fraction(channel.gamma, 2**channel.gamma_frac) / oracle.root(
        Fraction(statistics[1], 2**16) + oracle.EPSILON
    )
    found = words.scale * Fraction(2) ** (channel.y_frac - words.scale_exp)
    if words.scale_exp < 98:  # beyond, the exponent was held beside beta's
        assert abs(found - exact) <= abs(exact) * Fraction(1, 2**14)
