"""The candidates that a mapping won against, with their traffic and needs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lls_hw.models.program.ops.products import Product
from lls_hw.models.program.program import Program
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.sim.mapping.choice import Choice
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.least_cost import Alone, promising, trial_of
from lls_hw.sim.mapping.nest_ops import (
    NESTS,
    Chooser,
    chooser,
    estimate_cycles,
    fewest_bytes,
    held_bytes,
    mapping_of,
    nest_of,
    work_of,
)
from lls_hw.sim.mapping.objective import FEWEST_BYTES, UNITS, Objective, ObjectiveName
from lls_hw.sim.mapping.schedule import Schedule, schedule_program
from lls_hw.sim.mapping.search import Candidates, candidates_of


@dataclass(frozen=True, slots=True)
class Explanation:
    """The mapper's view of one op.

    Attributes
    ----------
    index : the op's place in the program.
    budget_bytes : scratchpad left by resident tensors and held operands.
    candidates, fitting : how many were scored, and how many of them fit.
    winner, winner_cycles : the mapping taken, and the estimate that ranks mappings of equal traffic.
    runners_up : the next best: by DRAM bytes, among cuts of rows and channels; for another objective by likely cost.
    objective : what it was chosen for.
    fewest_bytes : the mapping of fewest DRAM bytes.
    figures : the objective of each of these mappings, run alone; of DRAM bytes none is needed.
    """

    op: str
    index: int
    budget_bytes: int
    candidates: int
    fitting: int
    winner: Choice
    winner_cycles: int
    runners_up: tuple[Choice, ...]
    objective: ObjectiveName
    fewest_bytes: Choice
    figures: Mapping[Choice, float]

    def text(self) -> str:
        """The explanation, a line a candidate."""
        head = f"{self.op}: {self.fitting} of {self.candidates} candidates fit {self.budget_bytes} bytes"
        head += f"; chosen for {self.objective}"
        lines = [f"  chosen: {self.winner.text()}, about {self.winner_cycles} cycles{self._figure(self.winner)}"]
        if self.fewest_bytes != self.winner:
            lines.append(f"  bytes:  {self.fewest_bytes.text()}{self._figure(self.fewest_bytes)}")
        lines += [
            f"  then:   {other.text()}, needs {other.need_bytes} bytes{self._figure(other)}"
            for other in self.runners_up
        ]
        return "\n".join([head, *lines])

    def _figure(self, choice: Choice) -> str:
        found = self.figures.get(choice)
        return "" if found is None else f", alone {found:,.0f} {UNITS[self.objective]}"


@dataclass(frozen=True, slots=True)
class Mapper:
    """The objective of mappings, and how an op is run alone to compare them."""

    objective: Objective = FEWEST_BYTES
    alone: Alone | None = None

    @property
    def choose(self) -> Chooser:
        """The mapper itself."""
        return fewest_bytes if self.alone is None else chooser(self.objective, self.alone)


def explain(
    program: Program, chip: AcceleratorSpec, index: int, *, mapper: Mapper | None = None, top: int = 5
) -> Explanation:
    """Candidates of op `index`, best first.

    Raises
    ------
    SpecError : the op streams and has no mapping to choose, or the chip is too small.
    """
    op = program.ops[index]
    if type(op) not in NESTS:
        raise SpecError("--explain", index, f"op {index} ({op.kind}) streams, it has no mapping", "Name a GEMM.")
    return _explain(schedule_program(program, chip), index, mapper or Mapper(), top)


def explain_named(
    program: Program, chip: AcceleratorSpec, name: str, *, mapper: Mapper | None = None, top: int = 5
) -> tuple[Explanation, ...]:
    """Candidates of one op (its number in the program) or of every product of a layer.

    Raises
    ------
    SpecError : no such op or layer, or nothing in it has a mapping.
    """
    if name.isdigit() and int(name) < len(program.ops):
        return (explain(program, chip, int(name), mapper=mapper, top=top),)
    products = [i for i, op in enumerate(program.ops) if isinstance(op, Product)]
    found = [i for i in products if program.ops[i].layer == name]
    if not found:
        layers = ", ".join(dict.fromkeys(program.ops[i].layer for i in products))
        need = f"it is no op from 0 to {len(program.ops) - 1} and no layer with products ({layers})"
        raise SpecError("--explain", name, need, "Name one of them.")
    schedule = schedule_program(program, chip)
    return tuple(_explain(schedule, index, mapper or Mapper(), top) for index in found)


def _explain(schedule: Schedule, index: int, mapper: Mapper, top: int) -> Explanation:
    program, chip, residency = schedule.program, schedule.chip, schedule.residency
    op = program.ops[index]
    budget = chip.scratchpad.capacity_bytes - residency.resident_bytes[index]
    ctx = Context(program, chip, residency.places[index], budget)
    nest = nest_of(ctx, op)
    worker = work_of(ctx, nest, op)
    budget -= held_bytes(ctx, op)
    table = candidates_of(nest, chip.dram, ctx.depth)
    winner = mapping_of(ctx, nest, op, budget, mapper.choose)
    least = fewest_bytes(ctx, nest, op, worker, budget)
    figures: dict[Choice, float] = {}
    if mapper.alone is None:
        runners = _by_bytes(table, budget, winner, top)
    else:
        trial = trial_of(ctx, nest, op, worker, mapper.alone)
        ranked = promising(mapper.objective, trial, budget)
        runners = tuple(choice for choice in ranked if choice not in (winner, least))[:top]
        figures = {choice: mapper.objective.of(*trial.run(choice)) for choice in (winner, least, *runners)}
    return Explanation(
        op=f"op {index} {op.layer} {op.stage} ({op.kind})",
        index=index,
        budget_bytes=budget,
        candidates=int(table.need_bytes.size),
        fitting=int((table.need_bytes <= budget).sum()),
        winner=winner,
        winner_cycles=estimate_cycles(ctx, nest, worker, winner),
        runners_up=runners,
        objective=mapper.objective.name,
        fewest_bytes=least,
        figures=figures,
    )


def _by_bytes(table: Candidates, budget_bytes: int, winner: Choice, top: int) -> tuple[Choice, ...]:
    """The next best that move more bytes."""
    fits = table.need_bytes <= budget_bytes
    ranked = np.argsort(np.where(fits, table.dram_bytes, np.iinfo(np.int64).max).ravel(), kind="stable")
    others = [table.choice(int(flat)) for flat in ranked[: min(int(fits.sum()), 20 * top)]]
    distinct = {(o.order, o.dram_bytes): o for o in reversed(others) if o.dram_bytes > winner.dram_bytes}
    return tuple(sorted(distinct.values(), key=lambda o: (o.dram_bytes, o.order))[:top])
