"""BatchNorm with the activation that follows it, and the gradient through both."""

from dataclasses import dataclass
from typing import ClassVar

from lls_hw.models.program.ops.base import Op, Operand
from lls_hw.models.spec.geometry import PoolGrid, WeightedLayer


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNorm(Op):
    """BatchNorm in training mode with the activation that follows it, in two passes over `y`.

    Pass one sums y and y^2 per channel; pass two writes LeakyReLU(gamma (y - mean) r + beta).
    One op rather than two: the sign the activation's backward needs is recomputed from `y`, so
    no pre-activation tensor is ever stored (docs/adr/001).

    `moved` are the running statistics after the step, in the place of `running`. Inference leaves
    them alone and has no batch statistics: then `stats` and `moved` are absent.

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
