"""A norm with statistics of each sample and group of channels: bit for bit, and close to the rational one."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lls_hw.sim.kernels import norm, norm_group, norm_maps
from lls_hw.sim.kernels.norm_maps import Curve, Cut
from tests.oracles import norm as oracle
from tests.oracles import scalar
from tests.unit.kernels.test_norm import SLOPE

REAL_SLOPE = Fraction(SLOPE[0], 2 ** SLOPE[1])
MODES = ("nearest_even", "half_up", "floor", "stochastic")


@dataclass
class Sample:
    """One sample's map (positions, channels), its error, and the channels' parameters."""

    y: np.ndarray
    error: np.ndarray
    gamma: list
    beta: list
    master_bits: int
    groups: int
    y_frac: int

    def of_group(self, g):
        """The channels of a group."""
        each = self.y.shape[1] // self.groups
        return range(g * each, (g + 1) * each)


@st.composite
def samples(draw, *, lively=False):
    groups, each, positions = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = max(positions, 2), groups * each
    bits = 16 if lively else draw(st.sampled_from([4, 8, 16]))
    y = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), shape)
    if not lively and draw(st.booleans()):
        y[:] = y[0, 0] + y % draw(st.sampled_from([1, 2, 3]))
    error = rng.integers(-128, 128, shape)
    master = draw(st.sampled_from([16, 32]))
    top = 1 << (master - 1)
    gamma = rng.integers(top // 4, top, shape[1]) if lively else rng.integers(-top, top, shape[1])
    if not lively and draw(st.booleans()):
        gamma[0] = 0
    beta = rng.integers(-top // 2, top // 2, shape[1])
    frac = draw(st.integers(8, 14)) if lively else draw(st.integers(-6, 20))
    return Sample(y, error, gamma.tolist(), beta.tolist(), master, groups, frac)


def by_kernels(one):
    """(words, stats, sums, pulls, weights) of the kernels."""
    count = one.y.size // one.groups
    y = one.y.astype(np.int16)
    sums, ends = np.zeros((2, y.shape[1]), np.int64), np.zeros((2, y.shape[1]), np.int64)
    norm.channel_sums(y, 0, len(y), sums, ends)
    words = np.empty((one.groups, 3), np.int32)
    norm_group.group_constants(sums, count, one.y_frac, words)
    stats = np.empty((6, y.shape[1]), np.int32)
    gamma, beta = np.array(one.gamma, np.int32), np.array(one.beta, np.int32)
    fracs = one.master_bits - 2
    norm_group.channel_words(words, gamma, fracs, beta, fracs, stats)
    back = np.zeros((2, y.shape[1]), np.int64)
    norm_maps.backward_sums(one.error.astype(np.int8), y, stats, Curve(fracs, *SLOPE), 0, len(y), back)
    weights = norm_group.weights_of(gamma, max(one.master_bits - 16, 0))
    pulls = np.empty((one.groups, 2), np.int64)
    norm_group.group_pulls(back, weights, count, pulls)
    return words, stats, back, pulls, weights


def narrowed(one, stats, weights, pulls, shift, *, bits=16, mode=0):
    """(codes, overflows, peak, fraction bits) of the kernel; the first channel's wide words drop `shift` bits."""
    fracs = one.master_bits - 2
    weight_frac = fracs - max(one.master_bits - 16, 0)
    frac = int(stats[norm.RSTD_EXP, 0]) + 8 + weight_frac - 15 - shift
    out = np.empty(one.y.shape, np.int16)
    cut = Cut(frac, bits, mode, 99, False, 0, one.y.shape[1])
    over, peak = norm_group.group_narrow(
        one.error.astype(np.int8), one.y.astype(np.int16), stats, weights, weight_frac, pulls, Curve(fracs, *SLOPE),
        0, cut, 0, len(out), True, out,
    )  # fmt: skip
    return out, over, peak, frac


@given(samples(), st.integers(0, 3))
@settings(max_examples=120, deadline=None)
def test_group_norm__exact(one, mode):
    words, stats, back, pulls, weights = by_kernels(one)
    fracs, columns = one.master_bits - 2, one.y.T.tolist()
    kept = [oracle.Words(*(int(v) for v in stats[:, c])) for c in range(len(columns))]
    assert weights.tolist() == oracle.group_weights(one.gamma, one.master_bits)
    wides, shift = [], 20
    for g in range(one.groups):
        own = one.of_group(g)
        found = oracle.group_words([columns[c] for c in own], one.y_frac)
        assert tuple(words[g].tolist()) == found
        assert all((kept[c].mean, kept[c].rstd, kept[c].rstd_exp) == found for c in own)
        args = [one.error.T.tolist()[c] for c in own], [columns[c] for c in own], [kept[c] for c in own]
        wide, plain, along = oracle.group_gradient(*args, [int(weights[c]) for c in own], fracs, SLOPE)
        assert back[:, own.start : own.stop].tolist() == [plain, along]
        wides += wide
    assert max(abs(v) for wide in wides for v in wide) < 2**51
    out, over, peak, _ = narrowed(one, stats, weights, pulls, shift, mode=mode)
    shifts = [shift + k.rstd_exp - kept[0].rstd_exp for k in kept]
    codes = [
        [scalar.shifted(w, s, MODES[mode], scalar.draw32(99, m * len(kept) + c)) for m, w in enumerate(wide)]
        for c, (wide, s) in enumerate(zip(wides, shifts, strict=True))
    ]
    assert out.T.tolist() == [[scalar.saturated(v, 16) for v in row] for row in codes]
    assert over == sum(v != scalar.saturated(v, 16) for row in codes for v in row)
    fine = [[oracle.half_up(w, s - 8) for w in wide] for wide, s in zip(wides, shifts, strict=True)]
    assert peak == max(abs(v) for row in fine for v in row)


@given(samples(lively=True))
@settings(max_examples=60, deadline=None)
def test_group_norm__is_close_to_the_rational_one(one):
    """Each word of the pull is within 2**-14 of itself, xhat within 2**-14 (1 + |xhat|), the error within 2**-8."""
    _, stats, _, pulls, weights = by_kernels(one)
    fracs, two = one.master_bits - 2, Fraction(2)
    real = [[v * two**-one.y_frac for v in column] for column in one.y.T.tolist()]
    out, over, _, frac = narrowed(one, stats, weights, pulls, 24)
    for g in range(one.groups):
        own = list(one.of_group(g))
        found = oracle.statistics([v for c in own for v in real[c]])
        length = len(one.y)
        rows = []
        for at, c in enumerate(own):
            gamma, beta = one.gamma[c] * two**-fracs, one.beta[c] * two**-fracs
            for m in range(length):
                x = found.xhat[at * length + m]
                value = gamma * x + beta
                if abs(value) < Fraction(1, 2**8):
                    return  # the sign of the rounded value may be the other one
                error = int(one.error[m, c]) * (1 if value >= 0 else REAL_SLOPE)
                rows.append((c, m, x, gamma * error))
        mean = sum(r[3] for r in rows) / len(rows)
        along = sum(r[2] * r[3] for r in rows) / len(rows)
        largest = max(abs(r[3]) for r in rows)
        for c, m, x, weighted in rows:
            exact = (weighted - mean - x * along) * found.rstd
            slack = largest * Fraction(1, 2**12) * (1 + abs(x)) ** 2 + Fraction(1, 2**5)
            got = int(out[m, c]) * two ** -(frac - one.y_frac)
            assert over or abs(got - exact) <= slack * found.rstd + two ** -(frac - one.y_frac)
