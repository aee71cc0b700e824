"""One training step through the event engine, priced."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lls_hw.config import RunSpec, load_technology, objective_of
from lls_hw.costs.micro_steps import joined
from lls_hw.models.program.names import split_name
from lls_hw.models.program.program import Program
from lls_hw.models.rules.registry import find_rule
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.sim.cost.area import area_mm2, average_power_mw, edp_uj_ms, time_ms
from lls_hw.sim.cost.energy import Energy, price_all, price_low_high
from lls_hw.sim.event.engine import run_events
from lls_hw.sim.event.result import EventResult
from lls_hw.sim.mapping.pinned import check_pins
from lls_hw.sim.schedule.plan import grouped_program


@dataclass(frozen=True, slots=True, kw_only=True)
class MacTotals:
    """Multiply-accumulates of one step, whole batch, by convention (docs/design.md, what is counted).

    Attributes
    ----------
    training_step : everything: forward, learning signal, input and weight gradients.
    learning_signal : what tells the weights their error. BP: the input-gradient products. LLS:
        projection, back-projection and the modulation's own products. Local classifiers: their
        forward product and its input gradient. DFA: the feedback product.
    inference : forward products.
    """

    training_step: int
    learning_signal: int
    inference: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """One step's events and their price.

    `stage_energy` stands in the order of `events.stages`; their sum is `energy`.
    """

    rule: str
    program: Program
    events: EventResult
    macs: MacTotals
    energy: Energy
    energy_uj_low_high: tuple[float, float]
    stage_energy: tuple[Energy, ...]
    area_mm2: float
    time_ms: float
    average_power_mw: float
    edp_uj_ms: float


def run_costs(run: RunSpec, program: Program, *, trace: bool = False) -> Costs:
    """Costs of a program on the run's chip, all of its micro-steps: the run's own, or that of another rule beside it.

    Raises
    ------
    SpecError : the chip cannot hold a tile, or its technology cannot price it; a pinned mapping does not fit.
    """
    if program.rule == run.rule:
        check_pins(program, run.chip)
    wanted = objective_of(run)
    parts = [
        (run_events(part, run.chip, objective=wanted, schedule=run.schedule, trace=trace), times)
        for part, times in program.micro_steps
    ]
    return priced(run, program, parts)


def priced(
    run: RunSpec, program: Program, parts: Sequence[tuple[EventResult, int]], technology: TechnologySpec | None = None
) -> Costs:
    """Counts become energy, time and power.

    Parameters
    ----------
    parts : the events of each of the program's micro-steps, and its times.
    technology : the run's, where it has been read already.
    """
    events = joined(parts)
    technology = technology or load_technology(run)
    work = [(stage.counts, stage.cycles) for stage in events.stages]
    energies = price_all(work, chip=run.chip, precision=run.precision, technology=technology)
    total = sum(energies, Energy())
    low, high = price_low_high(
        events.counts, cycles=events.cycles, chip=run.chip, precision=run.precision, technology=technology
    )
    clock = run.chip.clock_mhz
    return Costs(
        rule=program.rule.name,
        program=program,
        events=events,
        macs=accumulated_macs(program, [found for found, _ in parts]),
        energy=total,
        energy_uj_low_high=(low.to_uj()["total"], high.to_uj()["total"]),
        stage_energy=energies,
        area_mm2=area_mm2(run.chip, technology, run.precision.accumulator_bits),
        time_ms=time_ms(events.cycles, clock),
        average_power_mw=average_power_mw(total.total, cycles=events.cycles, clock_mhz=clock),
        edp_uj_ms=edp_uj_ms(total.total, cycles=events.cycles, clock_mhz=clock),
    )


MEMORY_PARTS = {
    "input": "activations", "label": "activations", "activation": "activations", "latent": "activations",
    "statistic": "statistics", "signal": "errors", "error": "errors", "gradient": "gradients", "weight": "weights",
    "master": "masters", "momentum": "momentum", "parameter": "parameters", "projection": "projection_feedback",
    "table": "projection_feedback",
}  # fmt: skip
"""Part of the training memory to which a tensor's role counts; modulations are a part of their own."""


def training_memory(program: Program) -> dict[str, int]:
    """Bytes of `training_memory_bytes` by part: what is kept, and what is alive when most is.

    Examples
    --------
    >>> from lls_hw.models.program.lower import lower
    >>> from lls_hw.models.registry import load_network
    >>> from lls_hw.models.rules.registry import parse_rule
    >>> program = lower(load_network("smallconv"), parse_rule("lls_m"), batch=2)
    >>> parts = training_memory(program)
    >>> sum(parts.values()) == program.training_memory_bytes(), parts["modulation"]
    (True, 80)
    """
    live = program.live_bytes()
    fullest = live.index(max(live))
    parts = dict.fromkeys((*dict.fromkeys(MEMORY_PARTS.values()), "modulation"), 0)
    for name, tensor in program.tensors.items():
        life = program.lifetimes.get(name)
        if tensor.kept or (life is not None and life.first_op <= fullest <= life.last_op):
            own = split_name(name)[1] == "modulation"
            parts["modulation" if own else MEMORY_PARTS[tensor.role]] += tensor.size_bytes
    return parts


def scheduled_memory_bytes(costs: Costs) -> int:
    """Bytes of `training_memory_bytes` that the run's schedule needs: maps in tiles, or computed again, take none.

    Between two groups a tensor is alive from the first that writes it to the last that reads it; op by op all are ops.
    """
    program, groups = costs.program, costs.events.groups
    return (grouped_program(program, groups) if groups else program).training_memory_bytes()


def mac_totals(program: Program, events: EventResult) -> MacTotals:
    """The three counts, from what the event engine's tiles did."""
    rows = [(program.ops[op.index], op) for op in events.ops]
    step = sum(op.macs + op.signal_macs for _, op in rows)
    inference = sum(op.macs for spec, op in rows if spec.stage == "forward")
    stages = find_rule(program.rule.name).signal_stages
    signal = sum(op.signal_macs + (op.macs if spec.stage in stages else 0) for spec, op in rows)
    return MacTotals(training_step=step, learning_signal=signal, inference=inference)


def accumulated_macs(program: Program, events: Sequence[EventResult]) -> MacTotals:
    """The three counts of all micro-steps together."""
    totals = [
        (mac_totals(part, found), times) for (part, times), found in zip(program.micro_steps, events, strict=True)
    ]
    return MacTotals(
        training_step=sum(found.training_step * times for found, times in totals),
        learning_signal=sum(found.learning_signal * times for found, times in totals),
        inference=sum(found.inference * times for found, times in totals),
    )


def ratio(baseline: float, own: float) -> float | None:
    """baseline / own; None where there is nothing to divide by."""
    return baseline / own if own > 0 and math.isfinite(baseline) else None
