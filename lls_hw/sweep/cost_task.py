"""The costs of a point; programs and events are kept, since the points of a sweep share them."""

from functools import lru_cache
from typing import Any

from lls_hw.config import RunSpec, objective_of
from lls_hw.costs.json import ratios, totals_json
from lls_hw.costs.step import Costs, priced
from lls_hw.models.program.lower import lower
from lls_hw.models.program.program import Program
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.models.spec.precision import Precision
from lls_hw.models.spec.rule import OptimizerSpec, RuleSpec
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.sim.event.engine import run_events
from lls_hw.sim.event.result import EventResult
from lls_hw.sim.mapping.objective import Objective
from lls_hw.sim.mapping.pinned import check_pins
from lls_hw.sim.schedule.names import RunOrder

Lowered = tuple[NetworkSpec, RuleSpec, Precision, OptimizerSpec, int]
"""The descriptions that decide a program."""


def point_costs(run: RunSpec, technology: TechnologySpec | None) -> dict[str, Any]:
    """Totals of one step, and how many times more the baseline takes.

    Raises
    ------
    SpecError : the chip cannot hold a tile, or its technology cannot price it; a pinned mapping does not fit.
    """
    own = _costs(run, run.rule, technology)
    if run.baseline is None:
        return {"totals": totals_json(own), "ratio": None}
    other = run.rule if run.baseline == run.rule.name else parse_rule(run.baseline)
    return {"totals": totals_json(own), "ratio": ratios(own, _costs(run, other, technology))}


def _costs(run: RunSpec, rule: RuleSpec, technology: TechnologySpec | None) -> Costs:
    """The chip's name changes no event, its technology does through the prices of an objective alone.

    Only the run's own rule is pinned.
    """
    chip = run.chip.model_copy(update={"name": "any", "technology": "any"})
    what = (run.network, rule, run.precision, run.optimizer, run.batch)
    pinned = rule is run.rule and bool(chip.mapping)
    program, events = _events(what, chip, (objective_of(run, technology), run.schedule), pinned=pinned)
    return priced(run, program, [(events, 1)], technology)


@lru_cache(maxsize=4)
def _events(
    what: Lowered, chip: AcceleratorSpec, how: tuple[Objective, RunOrder], *, pinned: bool
) -> tuple[Program, EventResult]:
    program = _program(what)
    if pinned:
        check_pins(program, chip)
    return program, run_events(program, chip, objective=how[0], schedule=how[1])


@lru_cache(maxsize=16)
def _program(what: Lowered) -> Program:
    network, rule, precision, optimizer, batch = what
    return lower(network, rule, precision, optimizer=optimizer, batch=batch)
