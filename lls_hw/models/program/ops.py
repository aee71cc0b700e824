"""The typed ops of a program: what each reads, writes, and how much work it is.

An op is a description. The functional engine executes it, the event engine prices it, the float
reference mirrors it; none of them may take its own counts from the properties here, which exist
for people, for the totals by convention (DESIGN section 8) and to be checked against the engines.
"""

from dataclasses import dataclass
from typing import Literal

from lls_hw.models.spec.geometry import PoolGrid, PoolLayer, WeightedLayer
from lls_hw.models.spec.qformat import storage_bytes
from lls_hw.models.spec.rule import Modulation

Stage = Literal["forward", "loss", "local_error", "input_grad", "weight_grad", "update"]
Pass = Literal["forward", "input_grad", "weight_grad"]
Role = Literal[
    "input",
    "label",
    "activation",
    "statistic",
    "latent",
    "signal",
    "error",
    "gradient",
    "weight",
    "master",
    "momentum",
    "parameter",
    "projection",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """A named array of codes. `kept` tensors outlive the step (weights, masters, statistics)."""

    name: str
    shape: tuple[int, ...]
    bits: int
    role: Role
    kept: bool = False

    @property
    def elements(self) -> int:
        """Number of codes."""
        count = 1
        for length in self.shape:
            count *= length
        return count

    @property
    def size_bytes(self) -> int:
        """Bytes when packed."""
        return storage_bytes(self.elements, self.bits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """One step of the program on one layer."""

    layer: str
    stage: Stage
    batch: int
    reads: tuple[str, ...]
    writes: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Name of the op's class."""
        return type(self).__name__

    @property
    def macs(self) -> int:
        """Multiply-accumulates on the array (or, depthwise, on the vector unit)."""
        return 0

    @property
    def signal_macs(self) -> int:
        """Additions and products of the local learning signal (projection, back-projection)."""
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gemm(Op):
    """A convolution or linear layer as a matrix product, through implicit im2col.

    With P output positions, F = kernel_h kernel_w in_c and batch N:

    ============ =========== ============ ===========
    pass         m           k            n
    ============ =========== ============ ===========
    forward      N P         F            out_c
    weight_grad  F           N P          out_c
    input_grad   N P         out_c        F
    ============ =========== ============ ===========

    The input gradient's columns are added into the input map tap by tap (col2im in the
    accumulators), so a stride costs no products with inserted zeros.
    """

    shape: WeightedLayer
    direction: Pass

    @property
    def mkn(self) -> tuple[int, int, int]:
        """Rows, inner length, columns of the product."""
        rows, fan_in, out_c = self.batch * self.shape.positions, self.shape.fan_in, self.shape.out_c
        table = {
            "forward": (rows, fan_in, out_c),
            "weight_grad": (fan_in, rows, out_c),
            "input_grad": (rows, out_c, fan_in),
        }
        return table[self.direction]

    @property
    def macs(self) -> int:
        """m k n."""
        m, k, n = self.mkn
        return m * k * n


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthwiseConv(Op):
    """A depthwise convolution, or one of its gradients; kernel_h kernel_w products an output."""

    shape: WeightedLayer
    direction: Pass

    @property
    def macs(self) -> int:
        """batch x positions x channels x taps, in every direction."""
        return self.batch * self.shape.forward_macs


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNorm(Op):
    """BatchNorm in training mode with the activation that follows it, in two passes over `y`.

    Pass one sums y and y^2 per channel; pass two writes LeakyReLU(gamma (y - mean) r + beta).
    One op rather than two: the sign the activation's backward needs is recomputed from `y`, so
    no pre-activation tensor is ever stored (docs/adr/001).
    """

    shape: WeightedLayer


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNormBackward(Op):
    """Gradient through activation and BatchNorm, in two passes over (delta_h, y).

    `spread` is the pooling grid of the local loss: then delta_h is read from the pooled
    gradient, each window's value standing at all of its positions. With `means` that gradient is
    one of window means in (row, column, channel) order, as a block's own classifier leaves it, and
    is divided by the area; else of window sums in (channel, row, column) order.
    """

    shape: WeightedLayer
    spread: PoolGrid | None
    means: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool(Op):
    """Maximum or average pooling between blocks."""

    pool: PoolLayer


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolBackward(Op):
    """Gradient through a pooling; the maximum's position is found again from input and output."""

    pool: PoolLayer


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalProject(Op):
    """Pool a block's output to latents z; p_c = sum_t B[c, t] z_t, by additions where B is a sign.

    With the periodic basis latents are normalised, so S = sum z^2 is taken too. `stored` is for a
    random projection, which is read from memory and multiplied, and does not normalise.
    """

    shape: WeightedLayer
    grid: PoolGrid
    rows: int
    latents: int
    stored: bool = False

    @property
    def signal_macs(self) -> int:
        """rows x latents signed additions a sample."""
        return self.batch * self.rows * self.latents


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalError(Op):
    """Softmax error of one block's local loss, the modulation's gradient, and the coefficients a_c.

    With `normalised` latents it also writes sum_j e_j s_j for the normalisation's Jacobian.
    """

    rows: int
    classes: int
    modulation: Modulation
    normalised: bool = True

    @property
    def signal_macs(self) -> int:
        """Products of the modulation: forward, backward and its own gradient."""
        products = {"none": 0, "vector": self.rows, "matrix": self.rows * self.classes}
        return 3 * self.batch * products[self.modulation]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalBackproject(Op):
    """u_t = sum_c a_c B[c, t]; g_t = r (u_t - zhat_t sum_j e_j s_j), or u_t for a `stored` projection."""

    rows: int
    latents: int
    stored: bool = False

    @property
    def signal_macs(self) -> int:
        """rows x latents signed additions a sample."""
        return self.batch * self.rows * self.latents


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss(Op):
    """Cross-entropy of a linear classifier: e = (softmax - target) / N, and its bias gradient.

    The final classifier's, or, with its `temperature`, that of a block's own classifier.
    """

    classes: int
    temperature: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetProject(Op):
    """DRTP's error: minus the feedback's row of each sample's label; a selection, no product."""

    shape: WeightedLayer


@dataclass(frozen=True, slots=True, kw_only=True)
class Update(Op):
    """v <- momentum v + g; master <- master - lr v, rounded stochastically; then the compute copy."""

    parameter: str
    elements: int
    has_momentum: bool
    has_copy: bool


AnyOp = (
    Gemm
    | DepthwiseConv
    | BatchNorm
    | BatchNormBackward
    | Pool
    | PoolBackward
    | LocalProject
    | LocalError
    | LocalBackproject
    | Loss
    | TargetProject
    | Update
)
