"""A simulation lowers each of its rules once and hands the program on, to the reference too."""

import io
import pickle
import sys

import pytest

from lls_hw.api import simulate
from lls_hw.config import lower_run, resolve_run
from lls_hw.fidelity.against_float import compare_step, reference_parameters
from lls_hw.fidelity.integer_steps import start_values, step_batch
from lls_hw.fidelity.reference_process import serve
from lls_hw.models.program.lower import lower
from lls_hw.options.run import RunChoices
from lls_hw.sim.functional.engine import FunctionalEngine


@pytest.fixture
def lowered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the rules lowered from now on, wherever `lower` is called in this process."""
    rules = []

    def counting(network, rule, *rest, **options):
        rules.append(rule.name)
        return lower(network, rule, *rest, **options)

    holders = [module for name, module in sys.modules.items() if name.startswith("lls_hw")]
    for module in holders:
        if vars(module).get("lower") is lower:
            monkeypatch.setattr(module, "lower", counting)
    return rules


@pytest.mark.parametrize(("baseline", "expected"), [("bp", ["lls_m", "bp"]), ("lls_m", ["lls_m"]), ("none", ["lls_m"])])
def test_simulate__lowers_each_rule_once(lowered: list[str], baseline: str, expected: list[str]) -> None:
    run, images = resolve_run(RunChoices(net="smallconv", rule="lls_m", batch=2, steps=2, baseline=baseline))
    result = simulate(run, images)
    assert result.numerics is not None
    assert result.costs is not None
    assert lowered == expected


def test_reference_process__compares_with_the_program_it_is_given(lowered: list[str]) -> None:
    run, images = resolve_run(RunChoices(net="smallconv", rule="local_losses", batch=2, costs=False))
    assert images is not None
    program = lower_run(run)
    before, (x, labels) = start_values(run, program), step_batch(run, images, 0)
    engine = FunctionalEngine(program, dict(before), run.chip, seed=run.seed)
    engine.step(x, labels)
    after = {name: value for name, value in engine.machine.values.items() if name in program.tensors}
    asked, answer = io.BytesIO(), io.BytesIO()
    pickle.dump((run, program, reference_parameters(run, program, before), x, labels), asked)
    pickle.dump(after, asked)
    asked.seek(0)
    lowered.clear()
    serve(asked, answer)
    assert lowered == []
    rows = pickle.loads(answer.getvalue())
    assert rows == compare_step(run, program, before, x, labels, after=after)
    assert len(rows) > 20
