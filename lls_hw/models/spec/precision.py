"""Word widths of every role, and the `--bits` notation."""

import re
from typing import Literal

from pydantic import Field

from lls_hw.models.spec.base import Spec
from lls_hw.models.spec.errors import SpecError

Rounding = Literal["nearest_even", "half_up", "floor", "stochastic"]
Overflow = Literal["saturate", "wrap"]
Scaling = Literal["delayed", "two_pass", "static"]

LIMITS_BITS: dict[str, tuple[str, int, int]] = {
    "w": ("weight_bits", 2, 16),
    "a": ("activation_bits", 2, 16),
    "e": ("error_bits", 2, 16),
    "m": ("master_bits", 8, 32),
    "acc": ("accumulator_bits", 16, 48),
}


class Precision(Spec):
    """Bits per role. Scales are powers of two, one per tensor.

    Errors and updates are rounded stochastically: small values that fall below the last bit must
    not vanish from sums over thousands of positions (docs/adr/003).

    `scaling` says where a tensor's scale comes from: `two_pass` (its own maximum, known before
    narrowing), `delayed` (the maximum of the last step plus a quarter of headroom), `static`
    (the first step's, kept).
    """

    weight_bits: int = Field(default=8, ge=2, le=16)
    activation_bits: int = Field(default=8, ge=2, le=16)
    error_bits: int = Field(default=8, ge=2, le=16)
    master_bits: int = Field(default=16, ge=8, le=32)
    accumulator_bits: int = Field(default=32, ge=16, le=48)
    rounding: Rounding = "nearest_even"
    error_rounding: Rounding = "stochastic"
    update_rounding: Rounding = "stochastic"
    overflow: Overflow = "saturate"
    scaling: Scaling = "delayed"

    @property
    def preactivation_bits(self) -> int:
        """Width of a layer's output in front of its BatchNorm: twice the activations', at most 16.

        BatchNorm divides by the spread across the batch, which can be far below the magnitude;
        codes of activation width would lose the sign on which the activation's gradient depends
        (docs/adr/002).
        """
        return max(self.activation_bits, min(16, 2 * self.activation_bits))

    def label(self) -> str:
        """The `--bits` text that makes this precision."""
        return (
            f"w{self.weight_bits},a{self.activation_bits},e{self.error_bits},"
            f"m{self.master_bits},acc{self.accumulator_bits}"
        )


def parse_bits(text: str) -> Precision:
    """`8` or `w8,a8,e8,m16,acc32` (roles left out keep the 8-bit defaults).

    A single N sets weights, activations and errors to N bits, masters to max(16, 2 N) and
    accumulators to 32 bits up to N = 8 and 48 above, so that 16 x 16-bit sums keep their head.

    Raises
    ------
    SpecError : unknown role, repeated role or a width outside its limits.

    Examples
    --------
    >>> parse_bits("16").label()
    'w16,a16,e16,m32,acc48'
    >>> parse_bits("w4,a8").label()
    'w4,a8,e8,m16,acc32'
    """
    text = text.strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        bits = int(text)
        roles = {"w": bits, "a": bits, "e": bits, "m": max(16, 2 * bits), "acc": 32 if bits <= 8 else 48}
    else:
        roles = _parse_roles(text)
    for role, bits in roles.items():
        name, least, most = LIMITS_BITS[role]
        if not least <= bits <= most:
            raise SpecError("--bits", text, f"{name} must be {least} to {most}, not {bits}", "Correct that width.")
    return Precision(**{LIMITS_BITS[role][0]: bits for role, bits in roles.items()})


def _parse_roles(text: str) -> dict[str, int]:
    roles: dict[str, int] = {}
    for part in text.split(","):
        found = re.fullmatch(r"(w|a|e|m|acc)([0-9]{1,9})", part.strip())
        if found is None:
            raise SpecError("--bits", text, f"'{part}' is not a role and a width", "Write 8 or w8,a8,e8,m16,acc32.")
        if found[1] in roles:
            raise SpecError("--bits", text, f"role '{found[1]}' is given twice", "Give each role once.")
        roles[found[1]] = int(found[2])
    return roles
