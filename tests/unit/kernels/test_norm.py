"""BatchNorm: bit for bit against the integer unit, and within a derived bound of the rational one."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lls_hw.sim.kernels import norm as kernel_norm
from lls_hw.sim.kernels import norm_maps as kernel_norm_maps
from lls_hw.sim.kernels.norm_maps import Curve, Cut
from tests.oracles import norm as oracle
from tests.oracles import scalar

SLOPE = (20972, 21)  # 0.01
LSB = Fraction(1, 2)


@dataclass
class Channel:
    """One channel's codes and parameters; masters of 32 bits at most."""

    y: list
    y_frac: int
    gamma: int
    gamma_frac: int
    beta: int
    beta_frac: int

    def real(self):
        """(values, gamma, beta)."""
        two = Fraction(2)
        return (
            [v * two**-self.y_frac for v in self.y],
            self.gamma * two**-self.gamma_frac,
            self.beta * two**-self.beta_frac,
        )

    def column(self):
        return np.array(self.y, np.int32).reshape(-1, 1)


def run_constants(channel):
    """(stats, count x variance, extremes) by the kernels."""
    y = channel.column()
    sums, extremes = np.zeros((2, 1), np.int64), np.repeat(y[:1], 2, axis=0).astype(np.int64)
    kernel_norm.channel_sums(y, 0, len(y), sums, extremes)
    stats, variance = np.zeros((6, 1), np.int32), np.zeros(1, np.int64)
    kernel_norm.channel_constants(
        sums, len(y), channel.y_frac, np.array([channel.gamma], np.int32), channel.gamma_frac,
        np.array([channel.beta], np.int32), channel.beta_frac, stats, variance,
    )  # fmt: skip
    return stats, int(variance[0]), extremes


def kept(stats):
    return oracle.Words(*(int(v) for v in stats[:, 0]))


@st.composite
def channels(draw):
    bits = draw(st.sampled_from([4, 8, 16, 17]))
    reach = 1 << (bits - 1)
    y = draw(st.lists(st.integers(-reach, reach - 1) | st.sampled_from([-reach, reach - 1]), min_size=2, max_size=12))
    if draw(st.booleans()):
        centre = draw(st.integers(-reach, reach - 3))
        y = [centre + v % 3 for v in y]
    master = draw(st.sampled_from([8, 16, 32]))
    top = (1 << (master - 1)) - 1
    some = st.integers(-top - 1, top) | st.integers(-4, 4)
    return Channel(y, draw(st.integers(-6, 36)), draw(some), master - 2, draw(some), master - draw(st.integers(0, 3)))


CONSTANT = Channel([5, 5, 5], 30, 1 << 14, 14, 1000, 14)
FINE = Channel([3, -3, 30000, -20000], 34, 1 << 14, 14, 12345, 14)
SMALL_GAMMA = Channel([30000, -30000, 1234, 77], 13, 3, 14, 9000, 14)
NO_GAMMA = Channel([30000, -30000, 1234, 77], 13, 0, 30, 900012345, 30)
HUGE = Channel([65535, -65536] * 4, -6, -(2**31), 30, -(2**31), 30)


@given(channels())
@example(CONSTANT)
@example(FINE)
@example(SMALL_GAMMA)
@example(NO_GAMMA)
@example(HUGE)
@settings(max_examples=80, deadline=None)
def test_channel_constants__exact(channel):
    stats, variance, extremes = run_constants(channel)
    words = kept(stats)
    assert (words.mean, variance) == oracle.moments(channel.y)
    assert words.beta == channel.beta
    assert extremes[:, 0].tolist() == [min(channel.y), max(channel.y)]
    found = oracle.statistics(channel.real()[0])
    # variance by less than one unit, epsilon by half of one (or one, where it is below a unit), 2**-15 of the root
    unit = Fraction(2) ** -(2 * channel.y_frac + 8) / len(channel.y)
    true = found.variance + oracle.EPSILON
    drift = Fraction(2) * unit / true if channel.y_frac < 16 else Fraction(1, 2**20)
    rstd = words.rstd * Fraction(2) ** (channel.y_frac - words.rstd_exp)  # per real unit
    assert abs(rstd / found.rstd - 1) <= drift + Fraction(1, 2**15)
    exact = channel.gamma * words.rstd
    scale = Fraction(words.scale) / Fraction(2) ** (words.scale_exp - channel.gamma_frac - words.rstd_exp)
    # 16 bits, or as many as leave beta below 2**46 beside it
    held = words.scale_exp == channel.beta_frac - 8 + 46 - abs(channel.beta).bit_length()
    lsb = Fraction(2) ** -(words.scale_exp - channel.gamma_frac - words.rstd_exp)
    assert abs(scale - exact) <= lsb * Fraction(3, 4 if held else 6)  # rounded twice where it is held
    assert held or abs(words.scale) >= 2**15
    assert abs(channel.beta) * Fraction(2) ** (words.scale_exp + 8 - channel.beta_frac) < 2**46


@given(channels(), st.sampled_from([SLOPE, (0, 16), (16384, 15)]))
@example(SMALL_GAMMA, SLOPE)
@example(NO_GAMMA, SLOPE)
@example(HUGE, SLOPE)
@settings(max_examples=80, deadline=None)
def test_forward__exact_and_within_its_bound_of_rationals(channel, slope):
    stats, _, extremes = run_constants(channel)
    words = kept(stats)
    values, gamma, beta = channel.real()
    real_slope = Fraction(slope[0], 2 ** slope[1])
    wide = [oracle.output(v, words, channel.beta_frac, slope) for v in channel.y]
    curve = Curve(channel.beta_frac, *slope)
    peak = kernel_norm_maps.forward_peak(extremes, stats, curve, 20)
    assert peak == max(min(abs(oracle.half_up(w, words.scale_exp + 8 - 20)), 2**62) for w in wide)
    out = np.empty((len(wide), 1), np.int16)
    frac = 15 - 20 + 20 - int(peak).bit_length() + 20 if peak else 8
    overflows = kernel_norm_maps.forward_narrow(
        channel.column(), stats, curve, Cut(frac, 16, 0, 0, False, 0, 1), 0, len(wide), out
    )
    codes = [scalar.shifted(w, words.scale_exp + 8 - frac, "nearest_even") for w in wide]
    assert out[:, 0].tolist() == [scalar.saturated(c, 16) for c in codes]
    assert overflows == sum(c != scalar.saturated(c, 16) for c in codes)
    # derived: the scale's relative error, the mean's half unit, and two roundings of the wide word
    exact, found = oracle.forward(values, gamma, beta, real_slope), oracle.statistics(values)
    two = Fraction(2)
    factor = words.scale * two ** (channel.y_frac - words.scale_exp)
    ulp = two ** -(words.scale_exp + 8)
    for w, want, value in zip(wide, exact, values, strict=True):
        scale_error = abs(factor - gamma * found.rstd) * abs(value - found.mean)
        bound = scale_error + abs(factor) * two ** -(channel.y_frac + 9) + 20 * ulp
        assert abs(w * ulp - want) <= bound


@given(channels(), st.integers(0, 2**32), st.sampled_from([2, 8, 16]))
@example(SMALL_GAMMA, 1, 8)
@example(NO_GAMMA, 2, 16)
@example(HUGE, 3, 16)
@settings(max_examples=80, deadline=None)
def test_backward__exact_and_within_its_bound_of_rationals(channel, seed, bits):
    stats, _, _ = run_constants(channel)
    words, count = kept(stats), len(channel.y)
    rng = np.random.default_rng(seed)
    delta = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), (count, 1)).astype(np.int16)
    sums, means = np.zeros((2, 1), np.int64), np.zeros((2, 1), np.int64)
    curve = Curve(channel.beta_frac, *SLOPE)
    kernel_norm_maps.backward_sums(delta, channel.column(), stats, curve, 0, count, sums)
    kernel_norm_maps.backward_means(sums, count, means)
    wide, total, along = oracle.gradient(delta[:, 0].tolist(), channel.y, words, channel.beta_frac, SLOPE)
    assert sums[:, 0].tolist() == [total, along]
    beta, y = kernel_norm_maps.offsets(stats, channel.beta_frac), channel.column()
    got = [
        int(kernel_norm_maps.backward_value(delta[m, 0], y[m, 0], stats, means, beta, 0, curve)) for m in range(count)
    ]
    assert got == wide
    assert max(abs(v) for v in wide) < 2**51
    in_frac = -channel.y_frac
    finest = max(v.bit_length() for v in [1, *map(abs, wide)])
    out_frac = in_frac + 8 + words.scale_exp - finest + 15
    out = np.empty((count, 1), np.int16)
    over, peak = kernel_norm_maps.backward_narrow(
        delta,
        channel.column(),
        stats,
        means,
        curve,
        in_frac,
        Cut(out_frac, 16, 3, 99, False, 0, 1),
        0,
        count,
        True,
        out,
    )
    shift = finest - 15
    codes = [scalar.shifted(w, shift, "stochastic", scalar.draw32(99, i)) for i, w in enumerate(wide)]
    assert out[:, 0].tolist() == [scalar.saturated(c, 16) for c in codes]
    assert over == sum(c != scalar.saturated(c, 16) for c in codes)
    assert peak == max(abs(oracle.half_up(w, shift - 8)) for w in wide)
    # against rationals, where no pre-activation is so near zero that its sign is rounding's
    values, gamma, beta = channel.real()
    found = oracle.statistics(values)
    rel = abs(words.rstd * Fraction(2) ** (channel.y_frac - words.rstd_exp) / found.rstd - 1)
    near = [abs(oracle.linear(v, words, channel.beta_frac)) for v in channel.y]
    if min(near) < 2**40 or rel > Fraction(1, 2**14):
        return
    slope = Fraction(SLOPE[0], 2 ** SLOPE[1])
    grad, g_gamma, g_beta = oracle.backward(values, [Fraction(int(d)) for d in delta[:, 0]], gamma, beta, slope)
    most = max(abs(int(d)) for d in delta[:, 0])
    x_most = max(abs(x) for x in found.xhat)
    x_error = x_most * rel + Fraction(2) ** -9 * found.rstd * Fraction(2) ** -channel.y_frac + Fraction(1, 2**15)
    masked = Fraction(1, 2**9)
    assert abs(Fraction(total, 2**8) - g_beta) <= count * masked
    assert abs(Fraction(along, 2**22) - g_gamma) <= count * (masked * (x_most + x_error) + most * x_error)
    mean_error = masked + Fraction(1, 2**9)
    along_error = masked * (x_most + x_error) + most * x_error + Fraction(1, 2**16)
    inner = masked + mean_error + (x_most + x_error) * along_error + x_error * most * x_most + Fraction(1, 2**9)
    scale = words.scale * Fraction(2) ** (channel.y_frac - words.scale_exp)
    drift = abs(scale - gamma * found.rstd)
    for w, want in zip(wide, grad, strict=True):
        value = w * Fraction(2) ** (channel.y_frac - words.scale_exp - 8)
        assert abs(value - want) <= abs(scale) * inner + drift * most * (2 + x_most**2)


@given(channels(), st.integers(-(2**31) + 1, 2**31 - 1))
@settings(max_examples=100, deadline=None)
def test_running_update__exact(channel, old):
    stats, variance, _ = run_constants(channel)
    held = np.array([[old], [abs(old)]], np.int32)
    count, most = len(channel.y), 2**31 - 1
    kernel_norm.running_update(stats, np.array([variance]), count, channel.y_frac, 16, held)
    mean = oracle.half_up(int(stats[0, 0]), channel.y_frac + 8 - 16)
    spread = oracle.half_up(scalar.divided(variance, count - 1), 2 * channel.y_frac + 8 - 16)
    new = [max(-most, min(most, v)) for v in (mean, spread)]
    assert held[:, 0].tolist() == [oracle.running(o, n) for o, n in zip((old, abs(old)), new, strict=True)]


@pytest.mark.parametrize("shape", ["ends", "outlier"])
def test_batch_norm__2_to_20_positions_of_17_bit_codes_stay_exact(shape):
    """The widest sums the unit promises, against Python integers."""
    count = 1 << 20
    if shape == "ends":
        y = np.tile(np.array([-65536, 65535], np.int32), count // 2)
    else:
        y = np.zeros(count, np.int32)
        y[7] = -65536
    delta = np.where(np.arange(count) % 3 == 0, -65536, 65535).astype(np.int32).reshape(-1, 1)
    delta[7] = 4 * 65535
    y = y.reshape(-1, 1)
    sums, extremes = np.zeros((2, 1), np.int64), np.zeros((2, 1), np.int64)
    kernel_norm.channel_sums(y, 0, count, sums, extremes)
    exact = [int(y.sum(dtype=np.int64)), int((y.astype(np.int64) ** 2).sum())]
    assert sums[:, 0].tolist() == exact
    stats, variance = np.zeros((6, 1), np.int32), np.zeros(1, np.int64)
    parameter = np.array([2**31 - 1], np.int32)
    for y_frac in (-6, 0, 15, 30):
        kernel_norm.channel_constants(sums, count, y_frac, parameter, 30, parameter, 30, stats, variance)
        spread = exact[1] - Fraction(exact[0] ** 2, count)
        assert 0 <= int(variance[0]) - spread * 256 < 1
        true = Fraction(spread, count) * Fraction(2) ** (-2 * y_frac) + oracle.EPSILON
        rstd = int(stats[1, 0]) * Fraction(2) ** (y_frac - int(stats[2, 0]))
        assert abs(rstd**2 * true - 1) < Fraction(1, 2**13)
        grads, means = np.zeros((2, 1), np.int64), np.zeros((2, 1), np.int64)
        kernel_norm_maps.backward_sums(delta, y, stats, Curve(30, *SLOPE), 0, count, grads)
        words = kept(stats)
        pairs = dict.fromkeys(set(zip(delta[:, 0].tolist(), y[:, 0].tolist(), strict=True)), 0)
        for pair in pairs:
            pairs[pair] = int(((delta[:, 0] == pair[0]) & (y[:, 0] == pair[1])).sum())
        errors = {pair: oracle.masked(*pair, words, 30, SLOPE) for pair in pairs}
        total = sum(n * errors[pair] for pair, n in pairs.items())
        along = sum(n * errors[pair] * oracle.normalised(pair[1], words) for pair, n in pairs.items())
        assert grads[:, 0].tolist() == [total, along]
        assert abs(along) < 2**59
        kernel_norm_maps.backward_means(grads, count, means)
        for d, v in pairs:
            pull = oracle.half_up(oracle.normalised(v, words) * int(means[1, 0]), 22)
            want = (errors[d, v] - int(means[0, 0]) - pull) * words.scale
            beta = kernel_norm_maps.offsets(stats, 30)
            assert kernel_norm_maps.backward_value(d, v, stats, means, beta, 0, Curve(30, *SLOPE)) == want
            assert abs(want) < 2**51
