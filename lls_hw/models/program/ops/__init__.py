"""The typed ops of a program: what each reads, writes, and how much work it is; a module a family."""

from lls_hw.models.program.ops.base import Direction, Op, Operand, Role, Stage, Tensor
from lls_hw.models.program.ops.local import LocalBackproject, LocalError, LocalProject
from lls_hw.models.program.ops.loss import Loss, TargetProject
from lls_hw.models.program.ops.normalise import BatchNorm, BatchNormBackward
from lls_hw.models.program.ops.pooling import Pool, PoolBackward
from lls_hw.models.program.ops.products import DepthwiseConv, Gemm, Product
from lls_hw.models.program.ops.update import Update

__all__ = [
    "BatchNorm",
    "BatchNormBackward",
    "DepthwiseConv",
    "Direction",
    "Gemm",
    "LocalBackproject",
    "LocalError",
    "LocalProject",
    "Loss",
    "Op",
    "Operand",
    "Pool",
    "PoolBackward",
    "Product",
    "Role",
    "Stage",
    "TargetProject",
    "Tensor",
    "Update",
]
