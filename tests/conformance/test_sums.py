"""Energy, bytes, products and cycles of the stages add up to the totals; the scratchpad holds."""

import math

import pytest

from lls_hw.config import lower_run, resolve_run
from lls_hw.costs.step import run_costs
from lls_hw.models.registry import names
from lls_hw.models.rules.registry import rules
from lls_hw.options.run import RunChoices
from lls_hw.sim.cost.counts import Counts

CASES = [(net, rule) for net in names("nets") for rule in rules()]


@pytest.mark.parametrize(("net", "rule"), CASES)
def test_stages__sum_to_the_totals(net: str, rule: str) -> None:
    run, _ = resolve_run(RunChoices(net=net, rule=rule, numerics=False, batch=2))
    costs = run_costs(run, lower_run(run))
    events, stages = costs.events, costs.events.stages
    assert sum(stage.cycles for stage in stages) == events.cycles
    assert sum((stage.counts for stage in stages), Counts()) == events.counts
    assert sum((op.counts for op in events.ops), Counts()) == events.counts
    assert sum(stage.macs + stage.signal_macs for stage in stages) == costs.macs.training_step
    for part, total in costs.energy.to_uj().items():
        parts = math.fsum(energy.to_uj()[part] for energy in costs.stage_energy)
        assert parts == pytest.approx(total, rel=1e-12), part
    low, high = costs.energy_uj_low_high
    assert low <= costs.energy.to_uj()["total"] <= high
    capacity = run.chip.scratchpad.capacity_bytes
    assert max(used for _, used in events.occupancy) <= capacity
    assert events.scratchpad_peak_bytes <= capacity


@pytest.mark.parametrize("net", names("nets"))
def test_program__counts_the_macs_the_engine_charges(net: str) -> None:
    """The totals by convention come from tiles; the ops' own closed forms must say the same."""
    run, _ = resolve_run(RunChoices(net=net, rule="bp", numerics=False, batch=2))
    costs = run_costs(run, lower_run(run))
    assert costs.macs.training_step == sum(op.macs + op.signal_macs for op in costs.program.ops)
    assert costs.macs.inference == sum(op.macs for op in costs.program.ops if op.stage == "forward")
