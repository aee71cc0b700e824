"""Base of the ops: a layer and stage, the tensors read and written, the amount of work.

An op is a description. The functional engine executes it, the event engine prices it, the float
reference mirrors it; none of them may take its own counts from the properties here, which exist
for people, for the totals by convention and to be checked against the engines.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from lls_hw.models.spec.storage import storage_bytes

Stage = Literal["forward", "loss", "local_error", "input_grad", "weight_grad", "accumulate", "update"]
Direction = Literal["forward", "input_grad", "weight_grad"]
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
    "table",
]
Operand = str | None
"""Name of a tensor; None where an op does without it."""


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
    """One step of the program on one layer.

    A kind of op names its operands as fields, and lists those fields in `READS` and `WRITES` in the order in which
    the engines move them; `reads` and `writes` follow from the lists. Outside the op operands go by their names alone.
    """

    READS: ClassVar[tuple[str, ...]]
    WRITES: ClassVar[tuple[str, ...]]

    layer: str
    stage: Stage
    batch: int

    @property
    def reads(self) -> tuple[str, ...]:
        """Tensors it reads, in the order of `READS`, less those it does without."""
        return self._present(self.READS)

    @property
    def writes(self) -> tuple[str, ...]:
        """Tensors it writes, in the order of `WRITES`, less those it does without."""
        return self._present(self.WRITES)

    @property
    def result(self) -> str:
        """The first tensor it writes: the one under whose name people read what the op did."""
        return self.writes[0]

    def _present(self, operands: tuple[str, ...]) -> tuple[str, ...]:
        named: list[Operand] = [getattr(self, operand) for operand in operands]
        return tuple(name for name in named if name is not None)

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
