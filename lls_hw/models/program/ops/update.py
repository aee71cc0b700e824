"""The optimiser's step on one parameter."""

from dataclasses import dataclass
from typing import ClassVar

from lls_hw.models.program.ops.base import Op, Operand


@dataclass(frozen=True, slots=True, kw_only=True)
class Update(Op):
    """v <- momentum v + g; master <- master - lr v, rounded stochastically; then the compute copy.

    With a `second` moment (Adam) the step is v over the root of it. A parameter that the array never multiplies
    has no `copy`: its `master` is the parameter itself.

    Reads: gradient, momentum, second, master. Writes: momentum, second, master, copy.
    """

    READS: ClassVar = ("gradient", "momentum", "second", "master")
    WRITES: ClassVar = ("momentum", "second", "master", "copy")

    parameter: str
    elements: int
    gradient: str
    momentum: Operand = None
    second: Operand = None
    master: str
    copy: Operand = None
