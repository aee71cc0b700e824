"""Momentum SGD on codes, exactly."""

from fractions import Fraction

from tests.oracles import scalar


def momentum(gradient: int, grad_shift: int, old: int, decay: int) -> int:
    """decay v + g 2**-grad_shift, the gradient rounded half up and held to +-2**60."""
    limit = 2**60
    grown = Fraction(gradient) / Fraction(2) ** grad_shift
    return old * decay + (max(-limit, min(limit, int(grown))) if grad_shift <= 0 else scalar.rounded(grown, "half_up"))


def descend(step: int, rate: int, shift: int, bits: int, rounding: str, master: int, random: int, room: int = 0):
    """(new master, saturated, wanted, lost) of one parameter.

    With `room` the master has one fraction bit less: its last bit, and the step, lie that much below the new codes and
    are rounded together, once.
    """
    exact = step * rate
    if room == 0:
        change = scalar.shifted(exact, shift, rounding, random)
    elif shift < 0:
        change = scalar.shifted(exact * 2**-shift - master % 2, 1, rounding, random)
    else:
        fine = min(shift, 60)
        kept = scalar.shifted(exact, shift - fine, "half_up")
        change = scalar.shifted(kept - master % 2 * 2**fine, fine + 1, rounding, random)
    new = scalar.saturated(master // 2**room - change, bits)
    return new, new != master // 2**room - change, exact != 0, exact != 0 and change == 0
