"""An update from several batches costs what its micro-steps cost, each simulated by itself."""

from collections import Counter

import pytest

from lls_hw.config import lower_run, resolve_run
from lls_hw.costs.step import run_costs
from lls_hw.options.run import RunChoices
from lls_hw.sim.event.engine import run_events


@pytest.mark.parametrize(("rule", "batches"), [("lls_m", 2), ("lls_m", 5), ("drtp", 3), ("inference", 4)])
def test_costs__are_the_sum_over_all_micro_steps(rule: str, batches: int) -> None:
    """Five batches one after the other, against first + 3 middle + last as `run_costs` joins them."""
    run, _ = resolve_run(
        RunChoices(net="smallconv", rule=rule, batch=2, accumulate=batches, objective="bytes", numerics=False)
    )
    program = lower_run(run)
    costs = run_costs(run, program)
    steps = [run_events(program.at(step), run.chip, schedule=run.schedule) for step in range(batches)]
    assert costs.events.cycles == sum(step.cycles for step in steps)
    assert costs.events.counts == sum((step.counts for step in steps[1:]), steps[0].counts)
    assert costs.events.macs == sum(step.macs for step in steps) == batches * steps[0].macs
    assert costs.events.tiles == sum(step.tiles for step in steps)
    assert costs.events.scratchpad_peak_bytes == max(step.scratchpad_peak_bytes for step in steps)
    busy: Counter[str] = Counter()
    for step in steps:
        busy.update(step.busy_cycles)
    assert dict(busy) == dict(costs.events.busy_cycles)
    assert sum(stage.cycles for stage in costs.events.stages) == costs.events.cycles
    assert sum(energy.total for energy in costs.stage_energy) == pytest.approx(costs.energy.total)
    assert max(op.end_cycle for op in costs.events.ops) <= costs.events.cycles
    assert costs.macs.inference == batches * sum(op.macs for op in steps[0].ops if op.stage == "forward")


def test_costs__of_micro_steps_know_no_update_but_the_last() -> None:
    run, _ = resolve_run(RunChoices(net="smallconv", rule="bp", batch=2, accumulate=3, numerics=False))
    program = lower_run(run)
    stages = [{stage.stage for stage in run_events(program.at(step), run.chip).stages} for step in range(3)]
    assert [("accumulate" in found, "update" in found) for found in stages] == [
        (False, False), (True, False), (True, True)
    ]  # fmt: skip
