"""The vector and local units' ops on some rows of some samples: the functional engine's steps, part by part.

A unit's `tile` works on the operands at hand (`TileMachine.where`); `part` says which of the op's passes it is.
`between` is what follows from the sums of the first pass, and whatever stands when all rows are done.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from lls_hw.models.program.names import momentum_of
from lls_hw.models.program.ops.base import Op
from lls_hw.models.program.ops.group_norm import GroupNorm, GroupNormBackward, GroupNormSums, GroupStatistics
from lls_hw.models.program.ops.local import LocalBackproject, LocalError, LocalProject
from lls_hw.models.program.ops.loss import Loss, TargetProject
from lls_hw.models.program.ops.normalise import BatchNorm, BatchNormBackward, FrozenNormBackward
from lls_hw.models.program.ops.update import Update
from lls_hw.models.spec.geometry import Window
from lls_hw.sim.functional import local, loss
from lls_hw.sim.functional.update import run_update
from lls_hw.sim.kernels.softmax import ERROR_FRAC, LOGIT_FRAC
from lls_hw.sim.replay.errors import ReplayError
from lls_hw.sim.replay.group_units import GroupNormBackwardUnit, GroupNormSumsUnit, GroupNormUnit, GroupStatisticsUnit
from lls_hw.sim.replay.machine import TileMachine
from lls_hw.sim.replay.norm_units import BatchNormBackwardUnit, BatchNormUnit, FrozenNormBackwardUnit


@dataclass(frozen=True, slots=True)
class UnitRows:
    """Rows that a tile works on: samples, and positions of each (all, where there are several samples)."""

    samples: Window
    units: Window
    of: int

    @property
    def ends(self) -> bool:
        """Whether they are the last of their samples."""
        return self.units[1] == self.of


class UnitOp(Protocol):
    """The arithmetic of one op."""

    def tile(self, part: int, at: UnitRows) -> None:
        """Work on the operands at hand."""

    def between(self) -> None:
        """The work that follows from all rows."""


class LocalProjectUnit:
    """Window sums position by position; a sample's latents are projected when its last position is there."""

    def __init__(self, op: LocalProject, m: TileMachine) -> None:
        self.op, self.m = op, m
        self.sums: Any = 0

    def tile(self, part: int, at: UnitRows) -> None:
        """Positions join their windows' sums; at their end the samples' latents."""
        op, shape = self.op, self.op.shape
        h = self.m.read(op.source)
        samples = at.samples[1] - at.samples[0]
        seen = np.zeros((samples, shape.positions, shape.out_c), h.codes.dtype)
        seen[:, slice(*at.units)] = h.codes.reshape(samples, -1, shape.out_c)
        maps = seen.reshape(samples, shape.out_h, shape.out_w, shape.out_c)
        self.sums = self.sums + local.latent_sums(self.m, op, maps)
        if not at.ends:
            return
        local.project(self.m, op, self.sums, h.frac)
        self.sums = 0
        if op.norm is not None:
            self._keep_exponent(op.norm)

    def _keep_exponent(self, norm: str) -> None:
        """The least exponent of the batch, which the back-projection's scale needs."""
        m, key = self.m, f"{self.op.layer} exponent"
        codes = m.pad.result(norm, m.where.get(norm) or m.whole_of(norm)).reshape(-1)
        own = [local.least_exponent(codes)] if codes.any() else []
        m.kept[key] = [*m.kept.get(key, []), *own]

    def between(self) -> None:
        """Nothing is left."""


class LocalErrorUnit:
    """Softmax errors of some samples, and their part of the modulation's gradient."""

    def __init__(self, op: LocalError, m: TileMachine) -> None:
        self.op, self.m = op, m
        self.gradient: Any = 0

    def tile(self, part: int, at: UnitRows) -> None:
        """The samples at hand."""
        self.gradient = self.gradient + local.local_errors(self.m, self.op)

    def between(self) -> None:
        """The modulation's gradient is narrowed."""
        if self.op.modulation_grad is not None:
            frac = LOGIT_FRAC + ERROR_FRAC
            self.m.narrow_to_fit(self.op.modulation_grad, self.gradient, frac)


class LocalBackprojectUnit:
    """The gradient of some latents."""

    def __init__(self, op: LocalBackproject, m: TileMachine) -> None:
        self.op, self.m = op, m

    def tile(self, part: int, at: UnitRows) -> None:
        """The latents at hand."""
        if self.op.norm is None:
            local.backproject_unnormalised(self.m, self.op, at.units)
            return
        exponent = min(self.m.kept[f"{self.op.layer} exponent"], default=0)
        local.backproject_latents(self.m, self.op, exponent, at.units)

    def between(self) -> None:
        """Nothing is left."""


class LossUnit:
    """Errors of some samples, and their sum for the bias."""

    def __init__(self, op: Loss, m: TileMachine) -> None:
        self.op, self.m = op, m
        self.total: Any = 0
        self.frac = 0

    def tile(self, part: int, at: UnitRows) -> None:
        """The samples at hand."""
        errors, self.frac = loss.loss_errors(self.m, self.op)
        self.total = self.total + errors.sum(axis=0)

    def between(self) -> None:
        """The bias' gradient is narrowed."""
        self.m.narrow_to_fit(self.op.bias_grad, self.total * loss.reciprocal(self.op.temperature)[0], self.frac)


class TargetProjectUnit:
    """A run of codes of some samples' errors."""

    def __init__(self, op: TargetProject, m: TileMachine) -> None:
        self.op, self.m = op, m

    def tile(self, part: int, at: UnitRows) -> None:
        """The samples at hand."""
        labels = self.m.read(self.op.labels).codes[slice(*at.samples)]
        loss.target_errors(self.m, self.op, self.m.read(self.op.feedback), labels)

    def between(self) -> None:
        """Nothing is left."""


class UpdateUnit:
    """The optimiser's step on adjoining elements of a parameter."""

    def __init__(self, op: Update, m: TileMachine) -> None:
        self.op, self.m = op, m
        if op.copy is not None and op.master not in m.scales.seen:
            raise ReplayError("its peak after the last step is not known", tensor=op.master)

    def tile(self, part: int, at: UnitRows) -> None:
        """The elements at hand."""
        region = self.m.where[self.op.master]
        self.m.where.update({self.op.parameter: region, momentum_of(self.op.parameter): region})
        run_update(self.m, self.op)

    def between(self) -> None:
        """Nothing is left."""


UNITS: dict[type[Op], Any] = {
    BatchNorm: BatchNormUnit,
    BatchNormBackward: BatchNormBackwardUnit,
    FrozenNormBackward: FrozenNormBackwardUnit,
    GroupStatistics: GroupStatisticsUnit,
    GroupNorm: GroupNormUnit,
    GroupNormSums: GroupNormSumsUnit,
    GroupNormBackward: GroupNormBackwardUnit,
    LocalProject: LocalProjectUnit,
    LocalError: LocalErrorUnit,
    LocalBackproject: LocalBackprojectUnit,
    Loss: LossUnit,
    TargetProject: TargetProjectUnit,
    Update: UpdateUnit,
}
"""The arithmetic of every streaming op that can be replayed."""


def unit_of(op: Op, m: TileMachine) -> UnitOp:
    """The arithmetic of an op."""
    unit: UnitOp = UNITS[type(op)](op, m)
    return unit
