"""Every registered rule keeps every law."""

import pytest

from lls_hw.models.rules.registry import rules
from tests.unit.rules.laws import PROGRAM_LAWS, TRAINING_LAWS, integers_agree_with_the_reference

LEARNING = [name for name, rule in rules().items() if rule.learns]


@pytest.mark.parametrize("rule", rules())
@pytest.mark.parametrize("law", PROGRAM_LAWS, ids=lambda law: law.__name__)
def test_rule__keeps_the_law(law, rule: str) -> None:
    law(rule)


@pytest.mark.parametrize("rule", [name for name, rule in rules().items() if "waveform" in rule.constants])
def test_rule_with_a_basis__agrees_with_float_on_the_table_of_a_sine(rule: str) -> None:
    integers_agree_with_the_reference(rule, waveform="cosine")


@pytest.mark.parametrize("rule", LEARNING)
@pytest.mark.parametrize("law", TRAINING_LAWS, ids=lambda law: law.__name__)
def test_rule_that_learns__keeps_the_law(law, rule: str) -> None:
    law(rule)
