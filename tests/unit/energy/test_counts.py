"""Counts add like integers and refuse what cannot have happened."""

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lls_hw.sim.cost.counts import NAMES, Counts

numbers = st.integers(min_value=0, max_value=2**60)


@st.composite
def some_counts(draw):
    values = {name: draw(numbers) for name in NAMES}
    values["macs"] += values["macs_weight_error"] + values["macs_activation_error"]
    return Counts(**values)


@given(some_counts(), some_counts(), some_counts())
def test_counts__form_a_commutative_monoid(a, b, c):
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert a + Counts() == a


@given(some_counts(), st.integers(min_value=0, max_value=5))
def test_counts__product_is_repeated_addition(a, times):
    assert a * times == sum([a] * times, Counts())


def test_counts__adds_every_field_to_its_own():
    one_each = [Counts(**{name: 3, **({"macs": 3} if name.startswith("macs_") else {})}) for name in NAMES]
    total = asdict(sum(one_each, Counts()))
    assert total.pop("macs") == 9
    assert set(total.values()) == {3}
    assert list(total) == list(NAMES[1:])


def test_counts__weight_activation_macs_are_the_rest():
    assert Counts(macs=9, macs_weight_error=2, macs_activation_error=3).macs_weight_activation == 4


def test_counts__document_every_field():
    for name in NAMES:
        assert f"\n    {name} : " in Counts.__doc__


def test_counts__negative_refused():
    with pytest.raises(AssertionError, match=r"^-1 dram_activates: events are counted from 0 \(Counts\(macs=0, "):
        Counts(dram_activates=-1)


def test_counts__parts_beyond_macs_refused():
    with pytest.raises(AssertionError, match=r"^3 macs are fewer than their parts \(Counts\(macs=3, "):
        Counts(macs=3, macs_weight_error=2, macs_activation_error=2)


def test_counts__adds_only_counts():
    with pytest.raises(TypeError):
        Counts() + 1
