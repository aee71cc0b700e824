"""Bounds of schedules against their runs, and the best run against all of them."""

import pytest

from lls_hw.config import objective_of, resolve_run
from lls_hw.models.program.lower import lower
from lls_hw.models.program.program import Program
from lls_hw.models.registry import load_network
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.options.run import RunChoices
from lls_hw.sim.event import engine
from lls_hw.sim.event.least import at_least, at_least_mapped
from lls_hw.sim.mapping.nest_ops import chooser, fewest_bytes
from lls_hw.sim.mapping.objective import Objective, ObjectiveName
from lls_hw.sim.mapping.schedule import schedule_program
from lls_hw.sim.schedule.best import candidates
from lls_hw.sim.schedule.plan import GroupPlans

CASES = [
    (rule, objective, kib)
    for rule in ("lls_m", "bp", "inference")
    for objective in ("bytes", "cycles", "energy", "edp")
    for kib in (48, 256)
]


def case(rule: str, objective: ObjectiveName, kib: int) -> tuple[Program, AcceleratorSpec, Objective]:
    run, _ = resolve_run(RunChoices(net="smallconv", rule=rule, objective=objective))
    chip = run.chip.changed("scratchpad", capacity_bytes=kib * 1024)
    return lower(load_network("smallconv"), parse_rule(rule), batch=3), chip, objective_of(run)


def all_schedules(program: Program, chip: AcceleratorSpec, objective: Objective) -> list[list]:
    """Every order with both mappings, planned one by one."""
    choose = chooser(objective, engine.run_alone)
    orders = [lambda how: schedule_program(program, chip, how)]
    orders += [GroupPlans(program, ops, chip).schedule for ops in candidates(program, chip, "best", objective)]
    return [[plan(fewest_bytes), plan(choose)] for plan in orders]


@pytest.mark.parametrize(("rule", "objective", "kib"), CASES)
def test_bounds__hold_and_the_best_run_is_the_best_of_all(rule: str, objective: ObjectiveName, kib: int) -> None:
    program, chip, wanted = case(rule, objective, kib)
    figures = runs_against_bounds(program, chip, wanted, telling=0.5)
    best = engine.run_events(program, chip, objective=wanted, schedule="best")
    assert wanted.of(best.counts, best.cycles) == min(figures)


@pytest.mark.parametrize("objective", ["cycles", "energy"])
def test_second_level__has_bounds_of_its_schedules_alone(objective: ObjectiveName) -> None:
    program, chip, wanted = case("lls_m", objective, 48)
    figures = runs_against_bounds(program, chip.changed("second", capacity_bytes=64 * 1024), wanted, telling=0.4)
    assert len(figures) == 6


def runs_against_bounds(program: Program, chip: AcceleratorSpec, wanted: Objective, *, telling: float) -> list[float]:
    """The figures of all runs; each bound is at most the figure, and not so low that it tells nothing."""
    figures = []
    for plain, chosen in all_schedules(program, chip, wanted):
        for schedule in (plain, chosen):
            result = engine.run_schedule(schedule)
            figures.append(wanted.of(result.counts, result.cycles))
            bound = at_least(schedule, wanted)
            assert at_least_mapped(plain, wanted) <= bound <= figures[-1]
            assert bound > telling * figures[-1]
    return figures
