"""The sum of a parameter's gradients over the batches that one update takes."""

from dataclasses import dataclass
from typing import ClassVar

from lls_hw.models.program.ops.base import Op


@dataclass(frozen=True, slots=True, kw_only=True)
class Accumulate(Op):
    """The gradient of this micro-step joins those of the earlier ones; the last makes a mean of their sum.

    Both have the accumulator's width and a scale each: the sum takes the finer of the two, or the finest
    that leaves room for both. `share` is the number of micro-steps that the sum is divided by: 1 but in the last.

    Reads: gradient, total. Writes: out.
    """

    READS: ClassVar = ("gradient", "total")
    WRITES: ClassVar = ("out",)

    parameter: str
    elements: int
    share: int
    gradient: str
    total: str
    out: str

    @property
    def multiplies(self) -> bool:
        """Whether the mean takes a product: a power of two is a matter of the scale alone."""
        return self.share & (self.share - 1) != 0
