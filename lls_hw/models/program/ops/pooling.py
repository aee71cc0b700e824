"""Pooling between blocks, and the gradient through it."""

from dataclasses import dataclass
from typing import ClassVar

from lls_hw.models.program.ops.base import Op, Operand
from lls_hw.models.spec.geometry import PoolLayer


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool(Op):
    """Maximum or average pooling between blocks.

    Reads: source. Writes: out.
    """

    READS: ClassVar = ("source",)
    WRITES: ClassVar = ("out",)

    pool: PoolLayer
    source: str
    out: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolBackward(Op):
    """Gradient through a pooling; the maximum's position is found again from input and output.

    An average needs neither `source` nor `pooled`.

    Reads: error, source, pooled. Writes: out.
    """

    READS: ClassVar = ("error", "source", "pooled")
    WRITES: ClassVar = ("out",)

    pool: PoolLayer
    error: str
    source: Operand = None
    pooled: Operand = None
    out: str
