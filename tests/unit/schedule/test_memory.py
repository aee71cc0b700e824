"""The memory that a schedule needs, against a walk through its groups."""

import pytest

from lls_hw.config import lower_run, resolve_run
from lls_hw.costs.step import run_costs, scheduled_memory_bytes
from lls_hw.models.program.program import Program
from lls_hw.options.run import RunChoices
from lls_hw.sim.schedule.plan import grouped_program


def by_hand(program: Program) -> int:
    """Whatever is in memory while each of its ops runs, most of it at a time; kept tensors always are."""
    most = 0
    for at in range(len(program.ops)):
        before = {name for op in program.ops[: at + 1] for name in (*op.reads, *op.writes)}
        after = {name for op in program.ops[at:] for name in (*op.reads, *op.writes)}
        outside = {name for op in program.ops for name in op.reads if program.tensors[name].role in ("input", "label")}
        alive = {name for name in after & (before | outside) if not program.tensors[name].kept}
        most = max(most, sum(program.tensors[name].size_bytes for name in alive))
    return most + sum(tensor.size_bytes for tensor in program.tensors.values() if tensor.kept)


@pytest.mark.parametrize("rule", ["lls_m", "bp"])
def test_scheduled_memory__is_what_is_alive_between_groups(rule: str) -> None:
    found = {}
    for schedule in ("op", "fused", "best"):
        run, _ = resolve_run(RunChoices(net="smallconv", rule=rule, batch=4, fusion=schedule, objective="bytes"))
        costs = run_costs(run, lower_run(run))
        assert bool(costs.events.groups) == (schedule != "op")
        found[schedule] = scheduled_memory_bytes(costs)
        program = costs.program
        assert found[schedule] == by_hand(grouped_program(program, costs.events.groups or program.ops))
    assert found["best"] < found["fused"] < found["op"] == program.training_memory_bytes()
