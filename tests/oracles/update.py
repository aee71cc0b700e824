"""Momentum SGD on codes, exactly."""

from fractions import Fraction

from tests.oracles import scalar


def momentum(gradient: int, grad_shift: int, old: int, decay: int) -> int:
    """decay v + g 2**-grad_shift, the gradient rounded half up and held to +-2**60."""
    limit = 2**60
    grown = Fraction(gradient) / Fraction(2) ** grad_shift
    return old * decay + (max(-limit, min(limit, int(grown))) if grad_shift <= 0 else scalar.rounded(grown, "half_up"))


def descend(step: int, rate: int, shift: int, bits: int, rounding: str, master: int, random: int) -> tuple:
    """(new master, saturated, wanted, lost) of one parameter."""
    exact = step * rate
    change = scalar.shifted(exact, shift, rounding, random)
    new = scalar.saturated(master - change, bits)
    return new, new != master - change, exact != 0, exact != 0 and change == 0
