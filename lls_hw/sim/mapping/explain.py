"""The candidates that a mapping won against, with their traffic and needs."""

from dataclasses import dataclass

import numpy as np

from lls_hw.models.program.ops.products import Product
from lls_hw.models.program.program import Program
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.sim.mapping.choice import Choice
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.nest_ops import NESTS, estimate_cycles, held_bytes, mapping_of, nest_of, work_of
from lls_hw.sim.mapping.residency import Residency
from lls_hw.sim.mapping.schedule import schedule_program
from lls_hw.sim.mapping.search import candidates_of


@dataclass(frozen=True, slots=True)
class Explanation:
    """The mapper's view of one op.

    Attributes
    ----------
    budget_bytes : scratchpad left by resident tensors and held operands.
    candidates, fitting : how many were scored, and how many of them fit.
    winner, winner_cycles : the mapping taken, and the estimate that ranked it.
    runners_up : the next best by DRAM bytes, among cuts of rows and channels.
    """

    op: str
    budget_bytes: int
    candidates: int
    fitting: int
    winner: Choice
    winner_cycles: int
    runners_up: tuple[Choice, ...]

    def text(self) -> str:
        """The explanation, a line a candidate."""
        head = f"{self.op}: {self.fitting} of {self.candidates} candidates fit {self.budget_bytes} bytes"
        lines = [f"  chosen: {self.winner.text()}, about {self.winner_cycles} cycles"]
        lines += [f"  then:   {other.text()}, needs {other.need_bytes} bytes" for other in self.runners_up]
        return "\n".join([head, *lines])


def explain(program: Program, chip: AcceleratorSpec, index: int, *, top: int = 5) -> Explanation:
    """Candidates of op `index`, best first.

    Raises
    ------
    SpecError : the op streams and has no mapping to choose, or the chip is too small.
    """
    op = program.ops[index]
    if type(op) not in NESTS:
        raise SpecError("--explain", index, f"op {index} ({op.kind}) streams, it has no mapping", "Name a GEMM.")
    return _explain(program, chip, index, schedule_program(program, chip).residency, top)


def explain_named(program: Program, chip: AcceleratorSpec, name: str, *, top: int = 5) -> tuple[Explanation, ...]:
    """Candidates of one op (its number in the program) or of every product of a layer.

    Raises
    ------
    SpecError : no such op or layer, or nothing in it has a mapping.
    """
    if name.isdigit() and int(name) < len(program.ops):
        return (explain(program, chip, int(name), top=top),)
    products = [i for i, op in enumerate(program.ops) if isinstance(op, Product)]
    found = [i for i in products if program.ops[i].layer == name]
    if not found:
        layers = ", ".join(dict.fromkeys(program.ops[i].layer for i in products))
        need = f"it is no op from 0 to {len(program.ops) - 1} and no layer with products ({layers})"
        raise SpecError("--explain", name, need, "Name one of them.")
    residency = schedule_program(program, chip).residency
    return tuple(_explain(program, chip, index, residency, top) for index in found)


def _explain(program: Program, chip: AcceleratorSpec, index: int, residency: Residency, top: int) -> Explanation:
    op = program.ops[index]
    budget = chip.scratchpad.capacity_bytes - residency.resident_bytes[index]
    ctx = Context(program, chip, residency.places[index], budget)
    nest = nest_of(ctx, op)
    worker = work_of(ctx, nest, op)
    budget -= held_bytes(ctx, op)
    table = candidates_of(nest, chip.dram, ctx.depth)
    winner = mapping_of(ctx, nest, worker, op, budget)
    fits = table.need_bytes <= budget
    ranked = np.argsort(np.where(fits, table.dram_bytes, np.iinfo(np.int64).max).ravel(), kind="stable")
    others = [table.choice(int(flat)) for flat in ranked[: min(int(fits.sum()), 20 * top)]]
    distinct = {(o.order, o.dram_bytes): o for o in reversed(others) if o.dram_bytes > winner.dram_bytes}
    return Explanation(
        op=f"op {index} {op.layer} {op.stage} ({op.kind})",
        budget_bytes=budget,
        candidates=int(fits.size),
        fitting=int(fits.sum()),
        winner=winner,
        winner_cycles=estimate_cycles(ctx, nest, worker, winner),
        runners_up=tuple(sorted(distinct.values(), key=lambda o: (o.dram_bytes, o.order))[:top]),
    )
