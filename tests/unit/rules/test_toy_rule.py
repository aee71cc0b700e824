"""A rule that no file of the package knows passes every law that the shipped ones pass."""

import pytest

from lls_hw.models.program.lower import lower
from lls_hw.models.program.ops.pooling import Pool
from lls_hw.sim.functional.engine import RUNNERS, why_not_integers
from tests.unit.functional.small import network
from tests.unit.rules import fixed_head
from tests.unit.rules.laws import PROGRAM_LAWS, TRAINING_LAWS, program, spec

NAME = f"{fixed_head.__name__}:FIXED_HEAD"


@pytest.mark.parametrize("law", [*PROGRAM_LAWS, *TRAINING_LAWS], ids=lambda law: law.__name__)
def test_toy_rule__keeps_the_law(law) -> None:
    law(NAME)


def test_toy_rule__runs_in_integers_because_its_ops_do(monkeypatch) -> None:
    """Nothing else decides: without a runner for one of its ops it is refused, and the op is named."""
    assert why_not_integers(program(NAME)) is None
    monkeypatch.delitem(RUNNERS, Pool)
    found = lower(network(), spec(NAME), batch=2)
    assert why_not_integers(found) == ("--rule", NAME, "its op Pool has no integer form yet")
