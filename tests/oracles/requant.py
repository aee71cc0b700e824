"""Narrowing of one code: a rational number, rounded once, then saturated or wrapped."""

from tests.oracles import scalar


def narrow(code: int, shift: int, bits: int, rounding: str, overflow: str, random: int = 0) -> tuple[int, bool]:
    """(code of `bits` bits, whether the rounded number did not fit)."""
    exact = scalar.shifted(code, shift, rounding, random)
    held = {"saturate": scalar.saturated, "wrap": scalar.wrapped}[overflow](exact, bits)
    return held, held != exact


def narrow_all(codes, shift, bits, rounding, overflow, key=0):
    """A flat list; element i draws from the stream `key`."""
    pairs = [
        narrow(code, shift, bits, rounding, overflow, scalar.draw32(key, i) if rounding == "stochastic" else 0)
        for i, code in enumerate(codes)
    ]
    return [code for code, _ in pairs], sum(over for _, over in pairs)
