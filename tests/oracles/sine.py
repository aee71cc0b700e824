"""Sines of the published cosine basis to 60 digits, and their nearest codes."""

from decimal import ROUND_FLOOR, Decimal, getcontext
from functools import cache

getcontext().prec = 60


@cache
def pi() -> Decimal:
    """16 arctan(1/5) - 4 arctan(1/239) (Machin)."""
    return 16 * _arctan_of_inverse(5) - 4 * _arctan_of_inverse(239)


def _arctan_of_inverse(n: int) -> Decimal:
    total, power, k = Decimal(0), Decimal(1) / n, 0
    while power:
        total += (power if k % 2 == 0 else -power) / (2 * k + 1)
        power, k = power / (n * n), k + 1
        if power < Decimal(10) ** -65:
            break
    return total


def sin(angle: Decimal) -> Decimal:
    """Taylor's sum of the angle less its whole turns."""
    x = angle - (angle / (2 * pi())).to_integral_value() * 2 * pi()
    total, term, k = Decimal(0), x, 1
    while abs(term) > Decimal(10) ** -58:
        total += term
        term *= -x * x / ((k + 1) * (k + 2))
        k += 2
    return total


def code(row: int, sample: int, rows: int, frac: int) -> int:
    """Nearest code of sin(f t) with `frac` fraction bits, f = 50 + 462 row / (rows - 1); +1 has the largest code."""
    frequency = Decimal(50) + Decimal(462 * row) / max(rows - 1, 1)
    exact = sin(frequency * sample) * 2**frac
    return min(int((exact + Decimal("0.5")).to_integral_value(ROUND_FLOOR)), 2**frac - 1)
