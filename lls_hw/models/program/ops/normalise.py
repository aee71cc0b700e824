"""BatchNorm with the activation that follows it, and the gradient through both; statistics may be constants."""

from dataclasses import dataclass
from typing import ClassVar

from lls_hw.models.program.ops.base import Op, Operand
from lls_hw.models.program.ops.group_norm import GroupNorm, GroupNormBackward, GroupNormSums
from lls_hw.models.spec.geometry import PoolGrid, WeightedLayer


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNorm(Op):
    """BatchNorm in training mode with the activation that follows it, in two passes over `y`.

    Pass one sums y and y^2 per channel; pass two writes LeakyReLU(gamma (y - mean) r + beta).
    One op rather than two: the sign the activation's backward needs is recomputed from `y`, so
    no pre-activation tensor is ever stored (docs/adr/001).

    `moved` are the running statistics after the step, in the place of `running`. Inference and a frozen
    norm leave them alone and have no batch statistics: then `stats` and `moved` are absent, and there is
    one pass over `y`, in which every element stands for itself.

    Reads: y, gamma, beta, running. Writes: out, stats, moved.
    """

    READS: ClassVar = ("y", "gamma", "beta", "running")
    WRITES: ClassVar = ("out", "stats", "moved")

    shape: WeightedLayer
    y: str
    gamma: str
    beta: str
    running: str
    out: str
    stats: Operand = None
    moved: Operand = None

    @property
    def trains(self) -> bool:
        """Whether it normalises with the batch's own statistics rather than the running ones."""
        return self.stats is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNormBackward(Op):
    """Gradient through activation and BatchNorm, in two passes over (error, y).

    `spread` is the pooling grid of the local loss: then the error is read from the pooled
    gradient, each window's value standing at all of its positions. With `means` that gradient is
    one of window means in (row, column, channel) order, as a block's own classifier leaves it, and
    is divided by the area; else of window sums in (channel, row, column) order.

    Reads: error, y, stats. Writes: out, gamma_grad, beta_grad.
    """

    READS: ClassVar = ("error", "y", "stats")
    WRITES: ClassVar = ("out", "gamma_grad", "beta_grad")

    shape: WeightedLayer
    spread: PoolGrid | None
    means: bool = False
    error: str
    y: str
    stats: str
    out: str
    gamma_grad: str
    beta_grad: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenNormBackward(Op):
    """Gradient through activation and a norm whose statistics are constants, in one pass over (error, y).

    With s = gamma / sqrt(running variance + eps): out = s error', where error' is the error by the sign of the
    pre-activation. There are no statistics of the batch, so nothing waits for the last sample: every element of
    `out` depends on its own error and y alone, and `beta_grad` is the sum of error'. gamma has no gradient; it is
    part of s (docs/adr/028). `spread` and `means` as in `BatchNormBackward`.

    Reads: error, y, gamma, beta, running. Writes: out, beta_grad.
    """

    READS: ClassVar = ("error", "y", "gamma", "beta", "running")
    WRITES: ClassVar = ("out", "beta_grad")

    shape: WeightedLayer
    spread: PoolGrid | None
    means: bool = False
    error: str
    y: str
    gamma: str
    beta: str
    running: str
    out: str
    beta_grad: str


NormBackward = BatchNormBackward | FrozenNormBackward | GroupNormSums | GroupNormBackward
"""Ways back through a norm, or parts of one: all that read the error behind it."""
NormOp = BatchNorm | GroupNorm | NormBackward
"""All that have the activation's curve in them."""
