"""Schedules by name: op by op, fused, or the best that the search finds for an objective."""

from collections.abc import Callable, Sequence

from lls_hw.models.program.ops.base import Op
from lls_hw.models.program.program import Program
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.sim.mapping.objective import Objective, ObjectiveName
from lls_hw.sim.schedule.chain import Chain
from lls_hw.sim.schedule.estimate import Estimate, Estimator, attojoules
from lls_hw.sim.schedule.names import RunOrder
from lls_hw.sim.schedule.plan import grouped_program
from lls_hw.sim.schedule.search import OrderSearch, in_order

Ops = tuple[Op, ...]
"""A program's groups and single ops in order."""
SMALL_SHARE = 8
"""Maps up to this fraction (1/8) of the scratchpad are stored whenever they are wanted later."""
EXACT_OPS = 16
"""Of programs with up to so many ops every map may be left out of memory: the search is exact."""
TIE_BYTES = 10_000
"""DRAM bytes that count as a cycle where cycles are made few: of equal schedules the one that moves less is taken."""


def candidates(program: Program, chip: AcceleratorSpec, name: RunOrder, objective: Objective) -> Sequence[Ops]:
    """Schedules worth simulating, besides op by op: the program's ops as groups and single ops.

    `fused` computes nothing twice. `best` may, and tries both. What stays in the scratchpad between two groups is
    decided later, by the same rule as between two ops; the search takes all that is stored to leave the chip.
    """
    if name == "op":
        return ()
    chain = Chain(program, chip)
    estimates = Estimator(grouped_program(program, program.ops), chip, objective)
    found: dict[tuple[tuple[object, ...], ...], Ops] = {}
    for figure in FIGURES[objective.name]:
        for again in (False, True) if name == "best" else (False,):
            path = OrderSearch(
                chain,
                lambda op, figure=figure: _cost(estimates, op, figure, objective),  # type: ignore[misc]
                lambda tensor, figure=figure: figure(estimates.of_store(tensor), objective) or 0,  # type: ignore[misc]
                small_bytes=small_bytes(program, chip),
                again=again,
            ).run()
            if path is not None:
                ops = in_order(chain, path, estimates.drains)
                found.setdefault(tuple(_key(op) for op in ops), ops)
    return tuple(found.values())


def small_bytes(program: Program, chip: AcceleratorSpec) -> int:
    """Maps up to this size are always stored, where the search would otherwise have too much to choose from."""
    return 0 if len(program.ops) <= EXACT_OPS else chip.scratchpad.capacity_bytes // SMALL_SHARE


def _key(op: Op) -> tuple[object, ...]:
    return (op.layer, op.stage, op.kind, op.reads, op.writes)


def _cost(estimates: Estimator, op: Op, figure: "FigureOf", objective: Objective) -> int | None:
    """Of a gradient whose update takes it as it drains: both, less the update, which every path has."""
    pair = estimates.pair(op)
    if pair is None:
        return figure(estimates.of(op), objective)
    both, update = (figure(one, objective) for one in pair)
    assert both is not None
    assert update is not None
    return both - update


FigureOf = Callable[[Estimate | None, Objective], int | None]
"""An estimate as a cost; None where it does not fit."""


def _bytes(estimate: Estimate | None, objective: Objective) -> int | None:
    return None if estimate is None else estimate.dram_bytes


def _cycles(estimate: Estimate | None, objective: Objective) -> int | None:
    return None if estimate is None else estimate.cycles * TIE_BYTES + estimate.dram_bytes


def _energy(estimate: Estimate | None, objective: Objective) -> int | None:
    return None if estimate is None else estimate.dynamic_aj + attojoules(objective.cycle_pj) * estimate.cycles


FIGURES: dict[ObjectiveName, tuple[FigureOf, ...]] = {
    "bytes": (_bytes,),
    "cycles": (_cycles,),
    "energy": (_energy,),
    "edp": (_energy, _cycles),
}
"""The figures that the search makes small. Energy-delay products do not add up along a path: both factors are tried."""
