"""Products of a layer: convolutions and linear layers as GEMMs, and depthwise convolutions."""

from dataclasses import dataclass
from typing import ClassVar

from lls_hw.models.program.ops.base import Direction, Op, Operand
from lls_hw.models.spec.geometry import WeightedLayer


@dataclass(frozen=True, slots=True, kw_only=True)
class Product(Op):
    """A layer's forward pass or one of its two gradients; the operands that it has say which.

    =========== ============================== =========================
    direction   reads                          writes `out`
    =========== ============================== =========================
    forward     source, weight, perhaps a bias the layer's map or logits
    weight_grad source, error                  gradient of the weights
    input_grad  error, weight                  error at the layer before
    =========== ============================== =========================

    Reads: source, error, weight, bias. Writes: out.
    """

    READS: ClassVar = ("source", "error", "weight", "bias")
    WRITES: ClassVar = ("out",)

    shape: WeightedLayer
    source: Operand = None
    error: Operand = None
    weight: Operand = None
    bias: Operand = None
    out: str

    @property
    def direction(self) -> Direction:
        """Its place among the three products of a layer."""
        if self.error is None:
            return "forward"
        return "weight_grad" if self.weight is None else "input_grad"

    @property
    def factors(self) -> tuple[str, str]:
        """The two tensors that are multiplied, left and right: all it reads but the bias."""
        left, right = (name for name in (self.source, self.error, self.weight) if name is not None)
        return left, right


@dataclass(frozen=True, slots=True, kw_only=True)
class Gemm(Product):
    """A convolution or linear layer as a matrix product, through implicit im2col.

    With P output positions, F = kernel_h kernel_w in_c and batch N:

    ============ =========== ============ ===========
    direction    m           k            n
    ============ =========== ============ ===========
    forward      N P         F            out_c
    weight_grad  F           N P          out_c
    input_grad   N P         out_c        F
    ============ =========== ============ ===========

    The input gradient's columns are added into the input map tap by tap (col2im in the
    accumulators), so a stride costs no products with inserted zeros.

    Reads: source, error, weight, bias. Writes: out.
    """

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
class DepthwiseConv(Product):
    """A depthwise convolution, or one of its gradients; kernel_h kernel_w products an output.

    Reads: source, error, weight, bias. Writes: out.
    """

    @property
    def macs(self) -> int:
        """batch x positions x channels x taps, in every direction."""
        return self.batch * self.shape.forward_macs
