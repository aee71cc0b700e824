"""The public calls behind the command line: everything takes descriptions and returns records."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from lls_hw.config import RunSpec, lower_run
from lls_hw.costs.json import ratios, schedule_json, stages_json, totals_json
from lls_hw.costs.step import Costs, run_costs
from lls_hw.costs.timeline import occupancy_json, timeline_json
from lls_hw.fidelity.integer_steps import Numerics, Say, numerics_json, run_numerics, start_values, step_batch
from lls_hw.fidelity.reference_process import ReferenceProcess
from lls_hw.files import package_version
from lls_hw.models.data import Images
from lls_hw.sim.functional.engine import refuse_numerics

RUN_SCHEMA = "lls-hw/run/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """One simulated run: its inputs, its costs, the baseline's, and what the integers did."""

    run: RunSpec
    costs: Costs | None
    baseline: Costs | None
    numerics: Numerics | None

    def json(self) -> dict[str, Any]:
        """Plain data under schema "lls-hw/run/1"; parts that were not asked for are null."""
        costs, baseline = self.costs, self.baseline
        return {
            "schema": RUN_SCHEMA,
            "version": package_version(),
            "inputs": self.run.model_dump(mode="json"),
            "totals": totals_json(costs) if costs else None,
            "schedule": schedule_json(costs) if costs else None,
            "stages": stages_json(costs) if costs else None,
            "numerics": numerics_json(self.numerics) if self.numerics else None,
            "baseline": _beside(baseline, costs) if costs and baseline else None,
            "timeline": timeline_json(costs.events) if costs else None,
            "occupancy": occupancy_json(costs.events) if costs else None,
        }


def _beside(baseline: Costs, costs: Costs) -> dict[str, Any]:
    """The baseline's costs, and how many times more they are."""
    return {
        "rule": baseline.rule,
        "totals": totals_json(baseline),
        "schedule": schedule_json(baseline),
        "stages": stages_json(baseline),
        "ratio": ratios(costs, baseline),
    }


def simulate(run: RunSpec, images: Images | None, *, trace: bool = False, progress: Say = lambda _: None) -> RunResult:
    """Costs of one training step beside the baseline, then the step itself in integers.

    Costs come first: a chip that cannot hold a tile is refused before any arithmetic.

    Raises
    ------
    SpecError : anything in the descriptions that cannot hold.
    """
    program = lower_run(run)
    costs = baseline = None
    with ExitStack() as stack:
        start: Callable[[], Numerics] | None = None
        if run.numerics:
            assert images is not None, "numerics without pictures"
            refuse_numerics(program)
            reference = stack.enter_context(ReferenceProcess())
            values = start_values(run, program)
            reference.begin(run, program, values, *step_batch(run, images, 0))
            start = partial(run_numerics, run, program, images, progress, values=values, reference=reference)
        if run.costs:
            progress(f"costs of {run.rule.name}")
            costs = run_costs(run, program, trace=trace)
            if run.baseline is not None:
                progress(f"costs of {run.baseline}")
                own = run.baseline == run.rule.name
                baseline = costs if own else run_costs(run, lower_run(run, run.baseline))
        numerics = start() if start is not None else None
    return RunResult(run=run, costs=costs, baseline=baseline, numerics=numerics)
