"""The search against every schedule of short programs."""

import tomllib

import pytest

from lls_hw.config import objective_of, resolve_run
from lls_hw.models.program.lower import lower
from lls_hw.models.program.program import Program
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.options.run import RunChoices
from lls_hw.sim.mapping.objective import ObjectiveName
from lls_hw.sim.schedule.best import EXACT_OPS, FIGURES, small_bytes
from lls_hw.sim.schedule.chain import Chain
from lls_hw.sim.schedule.estimate import Estimator
from lls_hw.sim.schedule.plan import grouped_program
from lls_hw.sim.schedule.search import OrderSearch
from tests.unit.schedule.exhaustive import cheapest

CONV = '[[layers]]\nkind = "conv"\nname = "{}"\nout_channels = {}\nkernel = 3\nstride = 1\npadding = 1\npool = 4\n'
POOL = '[[layers]]\nkind = "max_pool"\nsize = 2\n'


def network(*layers: str, side: int = 32, norm: str = "batch") -> NetworkSpec:
    head = f'name = "tiny"\ninput = [3, {side}, {side}]\nclasses = 4\nnorm = "{norm}"\n'
    return NetworkSpec.model_validate(tomllib.loads(head + "".join(layers)))


NETS = {
    "one block": network(CONV.format("a", 16)),
    "one frozen block": network(CONV.format("a", 16), norm="frozen"),
    "one block with groups": network(CONV.format("a", 16), norm="group"),
    "a block and a pooling": network(CONV.format("a", 8), POOL),
    "two blocks": network(CONV.format("a", 16), CONV.format("b", 8)),
    "two frozen blocks": network(CONV.format("a", 16), CONV.format("b", 8), norm="frozen"),
    "two blocks with groups": network(CONV.format("a", 16), CONV.format("b", 8), norm="group"),
    "three blocks": network(CONV.format("a", 8), CONV.format("b", 16), CONV.format("c", 8)),
}
CASES = [
    (name, rule)
    for name, net in NETS.items()
    for rule in ("inference", "lls", "lls_m", "bp", "dfa")
    if len(lower(net, parse_rule(rule), batch=4).ops) <= EXACT_OPS
]


@pytest.mark.parametrize("objective", ["bytes", "cycles", "energy"])
@pytest.mark.parametrize(("name", "rule"), CASES)
@pytest.mark.parametrize("kib", [8, 64])
def test_search__finds_the_best_of_all_schedules(name: str, rule: str, kib: int, objective: ObjectiveName) -> None:
    run, _ = resolve_run(RunChoices(net="smallconv", rule=rule, objective=objective))
    chip = run.chip.changed("scratchpad", capacity_bytes=kib * 1024)
    program: Program = lower(NETS[name], parse_rule(rule), batch=4)
    wanted, (figure,) = objective_of(run), FIGURES[objective]
    estimates = Estimator(grouped_program(program, program.ops), chip, wanted)

    def cost(op) -> int | None:
        return figure(estimates.of(op), wanted)

    def keeping(tensor: str) -> int:
        return figure(estimates.of_store(tensor), wanted) or 0

    assert small_bytes(program, chip) == 0
    found = OrderSearch(Chain(program, chip), cost, keeping, small_bytes=small_bytes(program, chip)).run()
    least, count = cheapest(program, cost)
    assert found is not None
    assert found.cost == least
    assert count >= 1


def test_cases__have_something_to_choose() -> None:
    assert {rule for _, rule in CASES} >= {"inference", "lls", "bp"}
    assert {name for name, _ in CASES} >= {"one block", "two blocks", "three blocks"}
