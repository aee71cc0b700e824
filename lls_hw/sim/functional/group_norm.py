"""A norm with statistics of each sample's own, forward and backward, sample by sample.

The steps take the samples at hand, so that a replay calls them for those of a tile.
"""

from typing import NamedTuple

import numpy as np

from lls_hw.models.program.ops.group_norm import GroupNorm, GroupNormBackward, GroupNormSums, GroupStatistics
from lls_hw.sim.functional.machine import IntegerMachine, Peak, Runners
from lls_hw.sim.functional.norm_errors import PEAK_FRAC, read_error, write_error
from lls_hw.sim.functional.normalise import activation, curve_of, cut_of, ends, norm_gradients
from lls_hw.sim.kernels import norm, norm_group, norm_maps
from lls_hw.sim.kernels.codes import Ints, Wide
from lls_hw.sim.kernels.events import PEAK, Events, plus
from lls_hw.sim.kernels.norm_maps import Curve
from lls_hw.sim.kernels.requant import container
from lls_hw.sim.kernels.threads import run


def group_count(op: GroupStatistics | GroupNormSums) -> int:
    """Values of a sample that have one mean."""
    return op.shape.positions * op.shape.out_c // op.shape.norm_groups


def run_group_statistics(m: IntegerMachine, op: GroupStatistics) -> None:
    """One pass that sums; then the words of every sample and group."""
    y = m.read(op.y)
    maps = y.codes.reshape(op.batch, -1, op.shape.out_c)
    store_statistics(m, op, sample_sums(maps), y.frac)
    m.did(norm.SUMS, maps.size)


def sample_sums(maps: Ints) -> Wide:
    """(samples, 2, channels): sums and sums of squares over the positions of maps (samples, positions, channels)."""
    sums = np.zeros((len(maps), 2, maps.shape[2]), np.int64)
    extremes = np.zeros_like(sums)  # a sample's own, so that no thread writes another's

    def work(first: int, last: int) -> None:
        for n in range(first, last):
            norm.channel_sums(maps[n], 0, maps.shape[1], sums[n], extremes[n])

    run(work, len(maps))
    return sums


def store_statistics(m: IntegerMachine, op: GroupStatistics, sums: Wide, y_frac: int) -> None:
    """The words of some samples, by their sums (samples, 2, channels)."""
    shape = op.shape
    words = np.empty((len(sums), shape.norm_groups, 3), np.int32)
    for own, total in zip(words, sums, strict=True):
        norm_group.group_constants(total, group_count(op), y_frac, own)
    m.did(norm_group.GROUP_CONSTANTS, len(sums) * shape.norm_groups)
    m.did(norm_group.JOINS, len(sums) * (shape.out_c - shape.norm_groups))
    m.write(op.stats, words, 0)


class ChannelWords(NamedTuple):
    """Six words of each channel of some samples (samples, 6, channels); the curve; gamma as it weighs an error."""

    stats: Ints
    curve: Curve
    weights: Wide
    weight_frac: int


def channel_words(m: IntegerMachine, op: GroupNorm | GroupNormSums | GroupNormBackward) -> ChannelWords:
    """The channels' words of the samples at hand, from those of their groups."""
    words, gamma, beta = m.read(op.stats), m.read(op.gamma), m.read(op.beta)
    groups = words.codes.reshape(-1, op.shape.norm_groups, 3)
    stats = np.empty((len(groups), 6, op.shape.out_c), np.int32)
    for own, group in zip(stats, groups, strict=True):
        norm_group.channel_words(group, gamma.codes, gamma.frac, beta.codes, beta.frac, own)
    drop = max(m.program.tensors[op.gamma].bits - norm_group.WEIGHT_BITS, 0)
    weights = norm_group.weights_of(gamma.codes, drop)
    return ChannelWords(stats, curve_of(op, beta.frac), weights, gamma.frac - drop)


def make_words(
    m: IntegerMachine, op: GroupNorm | GroupNormSums | GroupNormBackward, events: Events, passes: int
) -> None:
    """Each pass reads a sample's words, gamma and beta, and makes its channels' words of them."""
    m.did(plus(norm_group.CHANNEL_WORDS, events), passes * op.batch * op.shape.out_c)
    m.passed(op.stats, passes - 1)
    m.passed(op.gamma, passes * op.batch - 1)
    m.passed(op.beta, passes * op.batch - 1)


def run_group_norm(m: IntegerMachine, op: GroupNorm) -> None:
    """One pass where the scale is known; else the extremes of y take one before it."""
    normalise_samples(m, op, m.read(op.y).codes.reshape(op.batch, -1, op.shape.out_c))


def normalise_samples(m: IntegerMachine, op: GroupNorm, maps: Ints) -> None:
    """Positions of the samples at hand (samples, positions, channels), normalised and activated."""
    stats, curve, *_ = channel_words(m, op)
    samples, channels = len(maps), op.shape.out_c
    known, peak = m.scales.known(op.out), Peak(0, 0)
    make_words(m, op, norm_maps.OFFSET, 1 if known else 2)
    if not known:
        m.passed(op.y)
        m.did(norm.EXTREMES, maps.size)
    if m.scales.watches(op.out):
        peak = Peak(max(_peak(one, own, curve) for one, own in zip(maps, stats, strict=True)), PEAK_FRAC)
        m.did(PEAK, maps.size) if known else m.did(ends(curve), samples * channels)
    frac = m.scales.frac(op.out, m.program.tensors[op.out].bits, lambda: peak)
    m.scales.saw(op.out, peak)
    cut = cut_of(m, op.out, frac)
    flat = maps.reshape(-1, channels)
    out, each = np.empty(flat.shape, container(cut.bits)), maps.shape[1]

    def work(first: int, last: int) -> int:
        parts = ((stats[n], curve, cut, n * each, (n + 1) * each) for n in range(first, last))
        return sum(norm_maps.forward_narrow(flat, *part, out) for part in parts)

    m.record.saturated += int(sum(run(work, samples)))
    m.did(plus(norm_maps.APPLY, activation(curve), m.narrowing(op.out).events), flat.size)
    m.write(op.out, out, frac)


def _peak(y: Ints, stats: Ints, curve: Curve) -> int:
    """Of one sample: the map is monotone, its largest outputs are those of y's ends."""
    extremes = np.stack([y.min(axis=0), y.max(axis=0)]).astype(np.int64)
    return int(norm_maps.forward_peak(extremes, stats, curve, PEAK_FRAC))


def run_group_norm_sums(m: IntegerMachine, op: GroupNormSums) -> None:
    """One pass that sums; then the pulls of every sample and group, and the gradients of gamma and beta."""
    y, (error, each_pass) = m.read(op.y), read_error(m, op)
    maps = y.codes.reshape(op.batch, -1, op.shape.out_c)
    words = channel_words(m, op)
    sums = error_sums(error.codes.reshape(maps.shape), maps, words)
    m.did(plus(norm_maps.BACK_SUMS, activation(words.curve)), maps.size)
    m.did(each_pass)
    make_words(m, op, plus(norm_maps.BACK_OFFSETS, norm_group.JOINS), 1)
    store_pulls(m, op, sums, words.weights)
    norm_gradients(m, op, sums.sum(axis=0), error.frac)


def error_sums(error: Ints, maps: Ints, words: ChannelWords) -> Wide:
    """(samples, 2, channels): sums of the masked error, and of it times xhat, over the positions of the maps."""
    sums = np.zeros((len(maps), 2, maps.shape[2]), np.int64)

    def work(first: int, last: int) -> None:
        for n in range(first, last):
            norm_maps.backward_sums(error[n], maps[n], words.stats[n], words.curve, 0, maps.shape[1], sums[n])

    run(work, len(maps))
    return sums


def store_pulls(m: IntegerMachine, op: GroupNormSums, sums: Wide, weights: Wide) -> None:
    """The pulls of some samples, by their sums (samples, 2, channels)."""
    pulls = np.empty((len(sums), op.shape.norm_groups, 2), np.int64)
    for own, total in zip(pulls, sums, strict=True):
        norm_group.group_pulls(total, weights, group_count(op), own)
    m.did(norm_group.GROUP_PULLS, len(sums) * op.shape.norm_groups)
    m.did(norm_group.WEIGHS, len(sums) * op.shape.out_c)
    m.write(op.pulls, pulls, 0)


def run_group_norm_backward(m: IntegerMachine, op: GroupNormBackward) -> None:
    """A pass that narrows; before it, where the scale is not known, one that measures."""
    y, (error, each_pass) = m.read(op.y), read_error(m, op)
    shape = op.batch, op.shape.positions, op.shape.out_c
    backward_samples(m, op, (error.codes.reshape(shape), y.codes.reshape(shape)), error.frac - y.frac, each_pass)


def backward_samples(
    m: IntegerMachine, op: GroupNormBackward, maps: tuple[Ints, Ints], in_frac: int, each: Events
) -> None:
    """Positions of the samples at hand: (error, y), each (samples, positions, channels)."""
    words = channel_words(m, op)
    pulls = m.read(op.pulls).codes.astype(np.int64).reshape(-1, op.shape.norm_groups, 2)
    samples, length, channels = maps[1].shape
    passes = 1 if m.scales.known(op.out) else 2
    make_words(m, op, norm_maps.BACK_OFFSETS, passes)
    m.passed(op.pulls, passes - 1)
    delta, y = (part.reshape(-1, channels) for part in maps)
    out = np.empty(y.shape, container(m.program.tensors[op.out].bits))

    def narrow(out_frac: int, store: bool) -> tuple[int, int]:
        cut = cut_of(m, op.out, out_frac)
        if not store:
            m.passed(op.error)
            m.passed(op.y)
        events = plus(norm_group.GROUP_APPLY, activation(words.curve), m.narrowing(op.out).events if store else {})
        m.did(events, y.size)
        m.did(each)

        def work(first: int, last: int) -> list[tuple[int, int]]:
            fixed = (words.curve, in_frac, cut)
            own = ((words.stats[n], words.weights, words.weight_frac, pulls[n], *fixed) for n in range(first, last))
            spans = ((n * length, (n + 1) * length) for n in range(first, last))
            return [
                norm_group.group_narrow(delta, y, *one, *span, store, out) for one, span in zip(own, spans, strict=True)
            ]

        parts = [part for found in run(work, samples) for part in found]
        return sum(int(part[0]) for part in parts), max(int(part[1]) for part in parts)

    write_error(m, op, out, in_frac, narrow)


RUNNERS: Runners = {
    GroupStatistics: run_group_statistics,
    GroupNorm: run_group_norm,
    GroupNormSums: run_group_norm_sums,
    GroupNormBackward: run_group_norm_backward,
}
