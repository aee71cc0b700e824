"""The program of one training step, and the lifetimes of its tensors."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from lls_hw.models.program.ops.base import Op, Tensor
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.models.spec.precision import Precision
from lls_hw.models.spec.rule import OptimizerSpec, RuleSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetime:
    """First and last op (by position) that touches a tensor; a kept tensor lives throughout."""

    first_op: int
    last_op: int


MicroStep = Literal["only", "first", "middle", "last"]
"""The place of a batch among those whose gradients one update takes."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """Ordered ops over named tensors: what every engine runs.

    Attributes
    ----------
    ops : in program order; an op may read only what an earlier op wrote, an input, or a kept tensor.
    tensors : every tensor by name.
    before : where an update takes the gradients of several batches: the programs of the micro-steps that come before
        this last one, each with the times it runs in a row.
    """

    network: NetworkSpec
    rule: RuleSpec
    precision: Precision
    optimizer: OptimizerSpec
    batch: int
    ops: tuple[Op, ...]
    tensors: Mapping[str, Tensor]
    before: tuple[tuple["Program", int], ...] = ()

    @property
    def micro_steps(self) -> tuple[tuple["Program", int], ...]:
        """All programs of one update in order, this one last, each with its times."""
        return (*self.before, (self, 1))

    @property
    def accumulate(self) -> int:
        """Batches of one update."""
        return sum(times for _, times in self.micro_steps)

    def at(self, micro_step: int) -> "Program":
        """The program of a micro-step, counted from 0 through update after update."""
        place = micro_step % self.accumulate
        for program, times in self.before:
            if place < times:
                return program
            place -= times
        return self

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
