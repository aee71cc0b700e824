"""A norm with statistics of each sample's own, on some rows of some samples, forward and backward.

A sample whose rows come in several tiles has its sums wait in the unit until its last row is there.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from lls_hw.models.program.ops.group_norm import GroupNorm, GroupNormBackward, GroupNormSums, GroupStatistics
from lls_hw.sim.functional import group_norm, normalise
from lls_hw.sim.kernels.codes import Ints
from lls_hw.sim.replay.machine import TileMachine
from lls_hw.sim.replay.norm_parts import error_at

if TYPE_CHECKING:
    from lls_hw.sim.replay.units import UnitRows


class _SampleUnit:
    """The base of the four: maps of the samples at hand, and sums of the one under way."""

    op: Any

    def __init__(self, op: Any, m: TileMachine) -> None:  # noqa: ANN401  (the op of the class)
        self.op, self.m = op, m
        self.sums: Any = 0

    def maps(self, codes: Ints, at: "UnitRows") -> Ints:
        """(samples, positions, channels)."""
        return np.ascontiguousarray(codes).reshape(at.samples[1] - at.samples[0], -1, self.op.shape.out_c)

    def between(self) -> None:
        """Nothing is left."""


class GroupStatisticsUnit(_SampleUnit):
    """Sums position by position; a sample's words when its last position is there."""

    op: GroupStatistics

    def tile(self, part: int, at: "UnitRows") -> None:
        """The rows at hand."""
        y = self.m.read(self.op.y)
        self.sums = self.sums + group_norm.sample_sums(self.maps(y.codes, at))
        if at.ends:
            group_norm.store_statistics(self.m, self.op, self.sums, y.frac)
            self.sums = 0


class GroupNormUnit(_SampleUnit):
    """The normalised map, by the words of its samples."""

    op: GroupNorm

    def tile(self, part: int, at: "UnitRows") -> None:
        """The rows at hand."""
        group_norm.normalise_samples(self.m, self.op, self.maps(self.m.read(self.op.y).codes, at))


class GroupNormSumsUnit(_SampleUnit):
    """Sums of the error: a sample's pulls when its last position is there, the gradients when all samples are."""

    op: GroupNormSums

    def __init__(self, op: GroupNormSums, m: TileMachine) -> None:
        super().__init__(op, m)
        self.total: Any = 0
        self.error_frac = 0

    def tile(self, part: int, at: "UnitRows") -> None:
        """The rows at hand."""
        op, m = self.op, self.m
        y, error = m.read(op.y), error_at(m, op, at)
        maps = self.maps(error.codes, at), self.maps(y.codes, at)
        words = group_norm.channel_words(m, op)
        self.sums = self.sums + group_norm.error_sums(*maps, words)
        self.error_frac = error.frac
        if at.ends:
            group_norm.store_pulls(m, op, self.sums, words.weights)
            self.total = self.total + self.sums.sum(axis=0)
            self.sums = 0

    def between(self) -> None:
        """The gradients of gamma and beta."""
        normalise.norm_gradients(self.m, self.op, self.total, self.error_frac)


class GroupNormBackwardUnit(_SampleUnit):
    """The error in front of the norm, by the words and pulls of its samples."""

    op: GroupNormBackward

    def tile(self, part: int, at: "UnitRows") -> None:
        """The rows at hand."""
        op, m = self.op, self.m
        y, error = m.read(op.y), error_at(m, op, at)
        maps = self.maps(error.codes, at), self.maps(y.codes, at)
        group_norm.backward_samples(m, op, maps, error.frac - y.frac, {})
