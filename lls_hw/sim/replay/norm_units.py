"""Norms on some rows of some samples, forward and backward.

Where a norm goes by groups of channels, each group is an op of its own shape; scales follow from all of them.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from lls_hw.models.program.ops.normalise import BatchNorm, BatchNormBackward, FrozenNormBackward
from lls_hw.models.spec.geometry import Window
from lls_hw.sim.functional import frozen, normalise
from lls_hw.sim.functional.machine import Peak
from lls_hw.sim.kernels import norm_maps
from lls_hw.sim.kernels.codes import Ints, Wide
from lls_hw.sim.kernels.norm import GUARD
from lls_hw.sim.kernels.requant import max_abs
from lls_hw.sim.replay.errors import ReplayError
from lls_hw.sim.replay.machine import TileMachine
from lls_hw.sim.replay.norm_parts import error_at, of_channels, pooled_part
from lls_hw.sim.replay.packing import pack, unpack
from lls_hw.sim.schedule.phases import coefficients_of

if TYPE_CHECKING:
    from lls_hw.sim.replay.units import UnitRows

WORD_BITS = 48
"""Half of a channel's two sums, of 32 and 64 bits, which go to DRAM together."""


class NormUnit:
    """A norm of some of its channels."""

    op: Any
    channels: Window

    def group(self, channels: Window) -> None:
        """From now on some channels are at hand."""
        self.channels = channels

    def give_sums(self) -> Ints:
        """A group's sums on their way out."""
        raise AssertionError(f"{self.op.kind} keeps no sums for a later pass")

    def take_sums(self, words: Ints) -> None:
        """A group's sums are back."""
        raise AssertionError(f"{self.op.kind} keeps no sums for a later pass")


class BatchNormUnit(NormUnit):
    """Sums and ends of every channel, then the normalised map; with running statistics the map alone."""

    def __init__(self, op: BatchNorm, m: TileMachine) -> None:
        self.op, self.m = op, m
        self.peak = Peak(0, 0)
        self.group((0, op.shape.out_c))

    def group(self, channels: Window) -> None:
        """From now on some channels are at hand."""
        self.channels = channels
        self.own: Any = of_channels(self.op, channels)
        self.sums: Any = None
        self.ends: Any = None

    def tile(self, part: int, at: "UnitRows") -> None:
        """The rows at hand."""
        op, m = self.own, self.m
        y = m.read(op.y)
        flat = np.ascontiguousarray(y.codes).reshape(-1, op.shape.out_c)
        if not op.trains:
            constants, _ = normalise.running_statistics(m, op, y.frac)
            normalise.apply_constants(m, op, flat, constants)
        elif part == 0:
            self._gather(*normalise.channel_sums(flat))
        else:
            stats = m.read(op.stats)
            curve = normalise.curve_of(op, stats.frac)
            normalise.forward_codes(m, op, flat, stats.codes, curve=curve, frac=m.kept[op.out])

    def _gather(self, sums: Wide, ends: Wide) -> None:
        if self.sums is None:
            self.sums, self.ends = sums, ends
            return
        least, most = np.minimum(self.ends[0], ends[0]), np.maximum(self.ends[1], ends[1])
        self.sums, self.ends = self.sums + sums, np.stack([least, most])

    def between(self) -> None:
        """Statistics of the batch, and the scale of what follows, by the largest output of all channels."""
        if self.sums is None:
            return
        op, m = self.own, self.m
        _, peak = normalise.batch_statistics(m, op, m.fracs[op.y], (self.sums, self.ends))
        self.peak = max(self.peak, peak, key=lambda one: one.code)
        m.kept[op.out] = m.scales.exact_frac(op.out, m.tensors[op.out].bits, self.peak)


class _GroupedSums(NormUnit):
    """Sums of every group of channels, kept until all are there."""

    def __init__(self, op: BatchNormBackward | FrozenNormBackward, m: TileMachine) -> None:
        self.op, self.m = op, m
        self.sums: dict[Window, Wide] = {}
        self.error_frac = 0
        self.group((0, op.shape.out_c))

    def group(self, channels: Window) -> None:
        """From now on some channels are at hand."""
        self.channels = channels
        self.own: Any = of_channels(self.op, channels)
        grid: Any = self.op.spread
        own: Any = self.own.spread
        if self.op.means and own is not grid and own.areas != grid.areas[slice(*self._part())]:
            raise ReplayError("a window of means over features is cut by groups of channels")
        if self.op.means and grid is not None and grid.channels is None and self.own is not self.op:
            raise ReplayError("gradients of means, cut by channels, lie in more pieces than are costed")

    def _part(self) -> Window:
        """The group's part of a gradient that is pooled along features."""
        return pooled_part(self.op.spread.latents(self.op.shape.out_c), self.op.shape.out_c, self.channels)

    def add(self, sums: Wide) -> None:
        """Sums of the rows at hand join those of the group."""
        self.sums[self.channels] = np.add(self.sums.get(self.channels, 0), sums)

    def largest(self, row: int | None) -> int:
        """The largest magnitude of a row of sums, over all groups."""
        return max(max_abs(sums if row is None else sums[row]) for sums in self.sums.values())


class BatchNormBackwardUnit(_GroupedSums):
    """Sums of the error, then the error in front of the norm."""

    def tile(self, part: int, at: "UnitRows") -> None:
        """The rows at hand."""
        op, m = self.own, self.m
        assert isinstance(op, BatchNormBackward)
        y, stats = m.read(op.y), m.read(op.stats)
        flat = np.ascontiguousarray(y.codes).reshape(-1, op.shape.out_c)
        error = error_at(m, op, at)
        self.error_frac = error.frac
        if part == 0:
            self.add(normalise.error_sums(op, (error.codes, flat), stats))
            return
        curve = normalise.curve_of(op, stats.frac)
        form = normalise.BackForm(stats.codes, self._means(), curve, error.frac - y.frac)
        normalise.backward_codes(m, op, (error.codes, flat), form, {})

    def _means(self) -> Wide:
        name = coefficients_of(self.op)
        if self.m.pad.readable.get(name):
            found: Wide = self.m.read(name).codes.astype(np.int64)
            return found
        kept: Wide = self.m.kept[name][self.channels]
        return kept

    def between(self) -> None:
        """Means for the second pass, and the gradients of gamma and beta."""
        op, m, name = self.own, self.m, coefficients_of(self.op)
        assert isinstance(op, BatchNormBackward)
        if op.gamma_grad not in m.where and self.channels != (0, self.op.shape.out_c):
            return  # other groups are still to be summed
        sums: Wide = self.sums[self.channels]
        means = np.empty_like(sums)
        norm_maps.backward_means(sums, op.batch * op.shape.positions, means)
        m.kept.setdefault(name, {})[self.channels] = means
        if m.pad.writable.get(name):
            m.write(name, means, 0)
        m.joint = {op.gamma_grad: self.largest(1), op.beta_grad: self.largest(0)}
        normalise.norm_gradients(m, op, sums, self.error_frac)

    def give_sums(self) -> Ints:
        """A group's sums on their way out: 32 and 64 bits a channel, as words of half of that."""
        first, second = self.sums[self.channels]
        if max_abs(first) >= 1 << 31:
            raise ReplayError("a sum of errors leaves its 32 bits", tensor=self.op.out)
        raw = np.concatenate([pack(first, 32).reshape(-1, 4), pack(second, 64).reshape(-1, 8)], axis=1)
        return unpack(raw.reshape(-1), WORD_BITS, 2 * len(first))

    def take_sums(self, words: Ints) -> None:
        """A group's sums are back."""
        raw = pack(words, WORD_BITS).reshape(-1, 12)
        halves = raw[:, :4].reshape(-1), raw[:, 4:].reshape(-1)
        found = [
            unpack(np.ascontiguousarray(part), bits, len(raw)) for part, bits in zip(halves, (32, 64), strict=True)
        ]
        self.sums[self.channels] = np.stack([part.astype(np.int64) for part in found])


class FrozenNormBackwardUnit(_GroupedSums):
    """The error in front of the norm, and its sum for beta."""

    def tile(self, part: int, at: "UnitRows") -> None:
        """The rows at hand."""
        op, m = self.own, self.m
        assert isinstance(op, FrozenNormBackward)
        if op.y not in m.where:
            return  # a group's sums alone are at hand
        y = m.read(op.y)
        constants, _ = normalise.running_statistics(m, op, y.frac)
        error = error_at(m, op, at)
        form = frozen.FrozenForm(constants.codes, normalise.curve_of(op, constants.frac))
        self.add(frozen.frozen_codes(m, op, (error, y), form, {}))
        self.error_frac = error.frac

    def between(self) -> None:
        """The gradient of beta."""
        op, m = self.own, self.m
        if op.beta_grad not in m.where and self.channels != (0, self.op.shape.out_c):
            return  # other groups are still to be summed
        m.joint = {op.beta_grad: self.largest(None)}
        m.narrow_to_fit(op.beta_grad, self.sums[self.channels], self.error_frac + GUARD)

    def give_sums(self) -> Ints:
        """A group's sums on their way out."""
        return self.sums[self.channels]

    def take_sums(self, words: Ints) -> None:
        """A group's sums are back."""
        self.sums[self.channels] = words.astype(np.int64)
