"""The public calls behind the command line: everything takes descriptions and returns records."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from lls_hw.config import RunSpec
from lls_hw.costs import Costs, run_costs
from lls_hw.models.data import Images
from lls_hw.numerics import Numerics, run_numerics, start_values, step_batch
from lls_hw.reference_process import ReferenceProcess
from lls_hw.results import run_json
from lls_hw.sim.functional.engine import refuse_numerics

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """One simulated run: its inputs, its costs, the baseline's, and what the integers did."""

    run: RunSpec
    costs: Costs | None
    baseline: Costs | None
    numerics: Numerics | None

    def json(self) -> dict[str, Any]:
        """Plain data under schema "lls-hw/run/1"."""
        return run_json(self.run, self.costs, self.baseline, self.numerics)


def simulate(
    run: RunSpec, images: Images | None, *, trace: bool = False, progress: Progress = lambda _: None
) -> RunResult:
    """Costs of one training step beside the baseline, then the step itself in integers.

    Costs come first: a chip that cannot hold a tile is refused before any arithmetic.

    Raises
    ------
    SpecError : anything in the descriptions that cannot hold.
    """
    costs = baseline = None
    with ExitStack() as stack:
        start: Callable[[], Numerics] | None = None
        if run.numerics:
            assert images is not None, "numerics without pictures"
            refuse_numerics(run.rule, run.optimizer, run.network, run.batch)
            reference = stack.enter_context(ReferenceProcess())
            values = start_values(run)
            reference.begin(run, values, *step_batch(run, images, 0))
            start = partial(run_numerics, run, images, progress, values=values, reference=reference)
        if run.costs:
            progress(f"costs of {run.rule.name}")
            costs = run_costs(run, trace=trace)
            if run.baseline is not None:
                progress(f"costs of {run.baseline}")
                baseline = run_costs(run, run.baseline)
        numerics = start() if start is not None else None
    return RunResult(run=run, costs=costs, baseline=baseline, numerics=numerics)
