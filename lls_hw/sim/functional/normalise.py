"""BatchNorm with its activation, forward and backward."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from lls_hw.models.program.ops.group_norm import GroupNormSums
from lls_hw.models.program.ops.normalise import BatchNorm, BatchNormBackward, FrozenNormBackward, NormOp
from lls_hw.sim.functional.machine import IntegerMachine, Peak, Runners
from lls_hw.sim.functional.norm_errors import PEAK_FRAC, read_error, write_error
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.kernels import norm, norm_maps
from lls_hw.sim.kernels.codes import Ints, Wide
from lls_hw.sim.kernels.events import PEAK, Events, plus
from lls_hw.sim.kernels.inference import RUNNING_CONSTANTS, running_constants
from lls_hw.sim.kernels.norm_maps import Curve, Cut
from lls_hw.sim.kernels.requant import container
from lls_hw.sim.kernels.tables import mantissa
from lls_hw.sim.kernels.threads import run

RUNNING_FRAC = 16


def curve_of(op: NormOp, beta_frac: int) -> Curve:
    """LeakyReLU's slope as a fixed multiplier; a slope of zero is plain ReLU."""
    slope = op.shape.negative_slope
    return Curve(beta_frac, *(mantissa(Fraction(str(slope))) if slope else (0, 16)))


def cut_of(m: IntegerMachine, name: str, frac: int) -> Cut:
    """The codes of a tensor at a scale."""
    how, tensor = m.narrowing(name), m.program.tensors[name]
    return Cut(frac, tensor.bits, how.mode, how.key, how.wraps, how.origin, how.pitch or tensor.shape[-1])


def run_batch_norm(m: IntegerMachine, op: BatchNorm) -> None:
    """With the batch's own statistics in training, else with the running ones."""
    (_apply_batch if op.trains else _apply_running)(m, op)


def _apply_batch(m: IntegerMachine, op: BatchNorm) -> None:
    """Two passes over y: sums and extremes, then the normalised, activated codes.

    Pass one knows the extremes, and the map is monotone per channel, so the output's peak is
    known before anything is narrowed: its scale is never a step old, whatever the policy.
    """
    y = m.read(op.y)
    flat = y.codes.reshape(-1, op.shape.out_c)
    sums, extremes = channel_sums(flat)
    m.did(plus(norm.SUMS, norm.EXTREMES if m.scales.watches(op.out) else {}), flat.size)
    stats, peak = batch_statistics(m, op, y.frac, (sums, extremes))
    m.passed(op.y)
    frac = m.scales.exact_frac(op.out, m.program.tensors[op.out].bits, peak)
    forward_codes(m, op, flat, stats.codes, curve=curve_of(op, stats.frac), frac=frac)


def batch_statistics(m: IntegerMachine, op: BatchNorm, y_frac: int, gathered: tuple[Wide, Wide]) -> tuple[Value, Peak]:
    """The channels' words and the output's peak, from what pass one gathered; stores what the op keeps."""
    gamma, beta, running = m.read(op.gamma), m.read(op.beta), m.read(op.running)
    sums, extremes = gathered
    count = op.batch * op.shape.positions
    stats = np.empty((6, op.shape.out_c), np.int32)
    variance = np.empty(op.shape.out_c, np.int64)
    norm.channel_constants(sums, count, y_frac, gamma.codes, gamma.frac, beta.codes, beta.frac, stats, variance)
    moved = running.codes.copy()
    norm.running_update(stats, variance, count, y_frac, RUNNING_FRAC, moved)
    m.did(plus(norm.CONSTANTS, norm.RUNNING, norm_maps.OFFSET), op.shape.out_c)
    watched = m.scales.watches(op.out)
    peak = _peak_of_ends(m, op, extremes, stats, curve_of(op, beta.frac)) if watched else Peak(0, 0)
    m.write(op.stats, stats, beta.frac)
    m.write(op.moved, moved, RUNNING_FRAC)
    return Value(stats, beta.frac), peak


def _apply_running(m: IntegerMachine, op: BatchNorm) -> None:
    """LeakyReLU(gamma (y - running mean) / sqrt(running variance + eps) + beta) as activation codes.

    One pass where the scale is known; else the extremes of y take one before it.
    """
    y = m.read(op.y)
    flat = y.codes.reshape(-1, op.shape.out_c)
    constants, held = running_statistics(m, op, y.frac)
    m.record.saturated += held
    apply_constants(m, op, flat, constants)


def running_statistics(m: IntegerMachine, op: BatchNorm | FrozenNormBackward, y_frac: int) -> tuple[Value, int]:
    """The channels' words from running statistics, and how many means were held."""
    gamma, beta, running = m.read(op.gamma), m.read(op.beta), m.read(op.running)
    stats = np.empty((6, op.shape.out_c), np.int32)
    held = running_constants(running.codes, RUNNING_FRAC, y_frac, gamma.codes, gamma.frac, beta.codes, beta.frac, stats)
    m.did(plus(RUNNING_CONSTANTS, norm_maps.OFFSET), op.shape.out_c)
    return Value(stats, beta.frac), int(held)


def apply_constants(m: IntegerMachine, op: BatchNorm, flat: Ints, constants: Value) -> None:
    """Normalise some rows by words that no batch changes."""
    stats, curve = constants.codes, curve_of(op, constants.frac)
    bits, known = m.program.tensors[op.out].bits, m.scales.known(op.out)
    peak = Peak(0, 0)
    if not known:
        m.passed(op.y)
        m.did(norm.EXTREMES, flat.size)
    if m.scales.watches(op.out):
        extremes = channel_sums(flat)[1]  # the map is monotone: its largest outputs are those of y's ends
        peak = Peak(int(norm_maps.forward_peak(extremes, stats, curve, PEAK_FRAC)), PEAK_FRAC)
        m.did(PEAK, flat.size) if known else m.did(ends(curve), op.shape.out_c)
    frac = m.scales.frac(op.out, bits, lambda: peak)
    m.scales.saw(op.out, peak)
    forward_codes(m, op, flat, stats, curve=curve, frac=frac)


def activation(curve: Curve) -> Events:
    """Events of the activation, an element."""
    return norm_maps.LEAKY if curve.slope else norm_maps.RELU


def ends(curve: Curve) -> Events:
    """Events of a channel's largest output, from its ends."""
    return plus(norm_maps.ENDS, activation(curve), activation(curve))


def _peak_of_ends(m: IntegerMachine, op: BatchNorm, extremes: Wide, stats: Ints, curve: Curve) -> Peak:
    m.did(ends(curve), op.shape.out_c)
    return Peak(int(norm_maps.forward_peak(extremes, stats, curve, PEAK_FRAC)), PEAK_FRAC)


def channel_sums(flat: Ints) -> tuple[Wide, Wide]:
    channels = flat.shape[1]

    def work(first: int, last: int) -> tuple[Wide, Wide]:
        sums, extremes = np.zeros((2, channels), np.int64), np.zeros((2, channels), np.int64)
        extremes[:] = flat[first]
        norm.channel_sums(flat, first, last, sums, extremes)
        return sums, extremes

    parts = run(work, flat.shape[0])
    total = np.sum([part[0] for part in parts], axis=0)
    least = np.min([part[1][0] for part in parts], axis=0)
    most = np.max([part[1][1] for part in parts], axis=0)
    return total, np.stack([least, most])


def forward_codes(m: IntegerMachine, op: BatchNorm, flat: Ints, stats: Ints, *, curve: Curve, frac: int) -> None:
    """Write the normalised, activated codes of all rows."""
    cut = cut_of(m, op.out, frac)
    out = np.empty(flat.shape, container(cut.bits))

    def work(first: int, last: int) -> int:
        return norm_maps.forward_narrow(flat, stats, curve, cut, first, last, out)

    m.record.saturated += int(sum(run(work, flat.shape[0])))
    m.did(plus(norm_maps.APPLY, activation(curve), m.narrowing(op.out).events), flat.size)
    m.write(op.out, out, cut.frac)


def run_batch_norm_backward(m: IntegerMachine, op: BatchNormBackward) -> None:
    """Sums of the masked error, then delta_y; the gradients of gamma and beta are those sums."""
    (delta, each_pass), y, stats = read_error(m, op), m.read(op.y), m.read(op.stats)
    flat, flat_y = delta.codes.reshape(-1, op.shape.out_c), y.codes.reshape(-1, op.shape.out_c)
    curve = curve_of(op, stats.frac)
    sums = error_sums(op, (flat, flat_y), stats)
    means = np.empty_like(sums)
    norm_maps.backward_means(sums, flat.shape[0], means)
    m.did(plus(norm_maps.BACK_SUMS, activation(curve)), flat.size)
    m.did(each_pass)
    m.did(plus(norm_maps.BACK_OFFSETS, norm_maps.MEANS), op.shape.out_c)
    backward_codes(m, op, (flat, flat_y), BackForm(stats.codes, means, curve, delta.frac - y.frac), each_pass)
    norm_gradients(m, op, sums, delta.frac)


def error_sums(op: BatchNormBackward, maps: tuple[Ints, Ints], stats: Value) -> Wide:
    """(2, c): sums of the masked error, and of the masked error times xhat, over the rows of (error, y)."""
    curve = curve_of(op, stats.frac)

    def partial(first: int, last: int) -> Wide:
        sums = np.zeros((2, op.shape.out_c), np.int64)
        norm_maps.backward_sums(*maps, stats.codes, curve, first, last, sums)
        return sums

    total: Wide = np.sum(run(partial, len(maps[1])), axis=0)
    return total


def norm_gradients(m: IntegerMachine, op: BatchNormBackward | GroupNormSums, sums: Wide, error_frac: int) -> None:
    """The gradients of gamma and beta are the sums."""
    m.narrow_to_fit(op.gamma_grad, sums[1], error_frac + norm.GUARD + norm_maps.XHAT_FRAC)
    m.narrow_to_fit(op.beta_grad, sums[0], error_frac + norm.GUARD)


class BackForm(NamedTuple):
    """The same at every position: statistics and means of the channels, the curve, fraction bits of the input."""

    stats: Ints
    means: Wide
    curve: Curve
    in_frac: int


def backward_codes(
    m: IntegerMachine, op: BatchNormBackward, maps: tuple[Ints, Ints], form: "BackForm", each: Events
) -> None:
    """A pass that narrows; before it, where the scale is not known, one that measures. Each reads error and y."""
    y, in_frac = maps[1], form.in_frac
    out = np.empty(y.shape, container(m.program.tensors[op.out].bits))
    shared = form.stats, form.means, form.curve, form.in_frac

    def narrow(out_frac: int, store: bool) -> tuple[int, int]:
        cut = cut_of(m, op.out, out_frac)
        m.passed(op.error)
        m.passed(op.y)
        m.did(plus(norm_maps.BACK_APPLY, activation(form.curve), m.narrowing(op.out).events if store else {}), y.size)
        m.did(each)

        def work(first: int, last: int) -> tuple[int, int]:
            return norm_maps.backward_narrow(maps[0], y, *shared, cut, first, last, store, out)

        parts = run(work, y.shape[0])
        return int(sum(part[0] for part in parts)), int(max(part[1] for part in parts))

    write_error(m, op, out, in_frac, narrow)


RUNNERS: Runners = {BatchNorm: run_batch_norm, BatchNormBackward: run_batch_norm_backward}
