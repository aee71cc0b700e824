"""A rule that no file of the package knows passes every law that the shipped ones pass."""

from dataclasses import replace

import pytest

from lls_hw.models.program.lower import lower
from lls_hw.models.program.ops.pooling import Pool
from lls_hw.models.reference.rules.rule import float_rule
from lls_hw.models.spec.errors import SpecError
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


def test_toy_rule__whose_reference_is_none_is_the_authors_error(monkeypatch) -> None:
    broken = replace(fixed_head.FIXED_HEAD, reference=f"{fixed_head.__name__}:head_of")
    monkeypatch.setattr(fixed_head, "BROKEN", broken, raising=False)
    name = f"{fixed_head.__name__}:BROKEN"
    with pytest.raises(SpecError) as error:
        float_rule(spec(name))
    said = f"reference of rule {name} = '{broken.reference}': it is a function, not a FloatRule."
    assert str(error.value) == f"{said} Build one with lls_hw.FloatRule."
