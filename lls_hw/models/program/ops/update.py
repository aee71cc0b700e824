"""The optimiser's step on one parameter."""

from dataclasses import dataclass
from typing import ClassVar

from lls_hw.models.program.ops.base import Op, Operand


@dataclass(frozen=True, slots=True, kw_only=True)
class Update(Op):
    """v <- momentum v + g; master <- master - lr v, rounded stochastically; then the compute copy.

    A parameter that the array never multiplies has no `copy`: its `master` is the parameter itself.

    Reads: gradient, momentum, master. Writes: momentum, master, copy.
    """

    READS: ClassVar = ("gradient", "momentum", "master")
    WRITES: ClassVar = ("momentum", "master", "copy")

    parameter: str
    elements: int
    gradient: str
    momentum: Operand = None
    master: str
    copy: Operand = None
