"""The program of one training step, and the lifetimes of its tensors."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from lls_hw.models.program.ops.base import Op, Tensor
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.models.spec.precision import Precision
from lls_hw.models.spec.rule import OptimizerSpec, RuleSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetime:
    """First and last op (by position) that touches a tensor; a kept tensor lives throughout."""

    first_op: int
    last_op: int


@dataclass(frozen=True, kw_only=True)
class Program:
    """Ordered ops over named tensors: what every engine runs.

    Attributes
    ----------
    ops : in program order; an op may read only what an earlier op wrote, an input, or a kept tensor.
    tensors : every tensor by name.
    """

    network: NetworkSpec
    rule: RuleSpec
    precision: Precision
    optimizer: OptimizerSpec
    batch: int
    ops: tuple[Op, ...]
    tensors: Mapping[str, Tensor]

    @cached_property
    def lifetimes(self) -> Mapping[str, Lifetime]:
        """First and last op of each tensor's life."""
        touched: dict[str, list[int]] = {}
        for index, op in enumerate(self.ops):
            for name in (*op.reads, *op.writes):
                touched.setdefault(name, []).append(index)
        last = len(self.ops) - 1
        return {
            name: Lifetime(first_op=0, last_op=last)
            if self.tensors[name].kept
            else Lifetime(first_op=0 if self.tensors[name].role in ("input", "label") else at[0], last_op=at[-1])
            for name, at in touched.items()
        }

    @property
    def output(self) -> str:
        """The tensor that the last op writes: the logits of an inference program."""
        return self.ops[-1].result

    def stages(self) -> Iterator[tuple[str, str]]:
        """(layer, stage) pairs in order of first appearance."""
        seen: dict[tuple[str, str], None] = {}
        for op in self.ops:
            seen.setdefault((op.layer, op.stage))
        return iter(seen)

    def live_bytes(self) -> tuple[int, ...]:
        """Bytes of the step's own tensors alive at each op: what a chip with no DRAM would need."""
        alive = [0] * len(self.ops)
        for name, life in self.lifetimes.items():
            if self.tensors[name].kept:
                continue
            for index in range(life.first_op, life.last_op + 1):
                alive[index] += self.tensors[name].size_bytes
        return tuple(alive)

    def training_memory_bytes(self) -> int:
        """Peak of live tensors plus everything kept between steps."""
        kept = sum(t.size_bytes for t in self.tensors.values() if t.kept)
        return kept + max(self.live_bytes())
