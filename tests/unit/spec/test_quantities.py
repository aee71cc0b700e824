"""Readers of numbers: what is one, what is not, and that every legal value of a specification is legal when typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lls_hw.models.spec import quantities as q
from lls_hw.models.spec.errors import SpecError, shown

NO_NUMBERS = (
    "", " ", "x", "٣", "１", "²", "nan", "inf", "-inf", "infinity", "1e400", "-1e400", "9" * 41, "9" * 5000, "1_0",
    " 1", "1 ",
    "1\n", "0x1", "0b1", "1,0", "--1", "+-1", "1e", "e1", ".", "1.", "1..0", "½", "1j", "True", "None",
)  # fmt: skip


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_read__refuses_what_python_or_unicode_would_take_for_a_number(text: str) -> None:
    with pytest.raises(SpecError, match=r"^--x = .*: it takes a whole number from 1 to 8\. Correct the number\.$"):
        q.Whole(least=1, most=8).read("--x", text)
    if text != "1.":
        with pytest.raises(SpecError, match=r"^--x = .*: it takes a number from 0 to below 8\. Correct the number\.$"):
            q.Real(least=0, most=8, open=True).read("--x", text)


@given(st.integers(-(10**38), 10**38))
def test_whole__reads_what_it_spells_and_nothing_outside(number: int) -> None:
    quantity = q.Whole(least=-1000, most=10**30)
    if quantity.least <= number <= quantity.most:
        assert quantity.read("--x", str(number)) == number
    else:
        with pytest.raises(SpecError):
            quantity.read("--x", str(number))


@given(st.floats())
def test_real__reads_every_finite_number_of_its_range_as_python_writes_it(number: float) -> None:
    quantity = q.Real(least=-1.5, most=1e300, open=True)
    if -1.5 <= number < 1e300:
        assert quantity.read("--x", repr(number)) == number
    else:
        with pytest.raises(SpecError):
            quantity.read("--x", repr(number))


def test_shown__keeps_messages_short() -> None:
    assert shown("9" * 5000) == f"'{'9' * 149}…{'9' * 149}'"
    assert shown(10**5000) == "a number of thousands of digits"
