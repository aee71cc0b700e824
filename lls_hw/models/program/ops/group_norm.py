"""A norm with statistics of each sample's own, with the activation that follows it, and the way back.

GroupNorm (Wu and He, 2018, arXiv 1803.08494, equation 7): the channels of a sample come in groups, each with a mean and
a variance over its channels and positions. Nothing waits for another sample. What waits, for the last row of its own
sample, are statistics: so each direction is two ops, one that sums and one that applies, which a schedule may run
sample by sample in one loop.
"""

from dataclasses import dataclass
from typing import ClassVar

from lls_hw.models.program.ops.base import Op
from lls_hw.models.spec.geometry import PoolGrid, WeightedLayer


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupStatistics(Op):
    """Mean and 1 / sigma of each sample and group, from sums and sums of squares.

    Reads: y. Writes: stats.
    """

    READS: ClassVar = ("y",)
    WRITES: ClassVar = ("stats",)

    shape: WeightedLayer
    y: str
    stats: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupNorm(Op):
    """LeakyReLU(gamma (y - mean) / sigma + beta), with the statistics of each sample and group.

    Reads: y, stats, gamma, beta. Writes: out.
    """

    READS: ClassVar = ("y", "stats", "gamma", "beta")
    WRITES: ClassVar = ("out",)

    shape: WeightedLayer
    y: str
    stats: str
    gamma: str
    beta: str
    out: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupNormSums(Op):
    """Sums of the error behind the activation, of all samples for gamma and beta, of each sample for its own gradient.

    `pulls` are the means over a sample's group of gamma error and of gamma error xhat. `spread` and `means` as in
    `BatchNormBackward`.

    Reads: error, y, stats, gamma, beta. Writes: pulls, gamma_grad, beta_grad.
    """

    READS: ClassVar = ("error", "y", "stats", "gamma", "beta")
    WRITES: ClassVar = ("pulls", "gamma_grad", "beta_grad")

    shape: WeightedLayer
    spread: PoolGrid | None
    means: bool = False
    error: str
    y: str
    stats: str
    gamma: str
    beta: str
    pulls: str
    gamma_grad: str
    beta_grad: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupNormBackward(Op):
    """Gradient through activation and norm: (gamma error - pull of the mean - xhat pull along xhat) / sigma.

    `spread` and `means` as in `BatchNormBackward`.

    Reads: error, y, stats, pulls, gamma, beta. Writes: out.
    """

    READS: ClassVar = ("error", "y", "stats", "pulls", "gamma", "beta")
    WRITES: ClassVar = ("out",)

    shape: WeightedLayer
    spread: PoolGrid | None
    means: bool = False
    error: str
    y: str
    stats: str
    pulls: str
    gamma: str
    beta: str
    out: str
