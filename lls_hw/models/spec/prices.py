"""A figure with its source, and the lowest and highest that other sources give."""

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from lls_hw.models.spec.base import Spec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.memory import Size
from lls_hw.models.spec.quantities import PRICE

Level = Literal["low", "typical", "high"]
LEVELS: tuple[Level, ...] = ("low", "typical", "high")
Price = Annotated[float, Field(**PRICE.bounds)]


def _read_source(text: str) -> str:
    if not text.strip():
        raise SpecError("source", text, "a number without a source does not load", "Cite what you read.")
    if "recalled" in text or "from memory" in text:
        raise SpecError("source", text, "a recalled number is not a source", "Read the source, or leave the entry out.")
    return text


SourceText = Annotated[str, AfterValidator(_read_source)]


class Bound(Spec):
    """A figure as its source gives it: `value` at operands of `bits` bits."""

    value: Price
    bits: int = Field(default=1, ge=1, le=1024)
    source: SourceText


class Entry(Bound):
    """A figure, its unit, and the lowest and highest figures other sources give for the same event.

    The figure scales as `bits ** exponent`: 1 for adders, registers and transfers (linear in
    bits), 2 for a multiplier (b_a * b_b). `node_nm` is the node of the *source*; where it is not
    the technology's own, `node_note` says why it is taken all the same.
    """

    exponent: ClassVar[int] = 1

    unit: Literal["pJ/operation", "pJ/write", "pJ/bit", "pJ/bit/mm", "pJ/activate", "pJ/MAC", "mW", "uW"]
    node_nm: Size | None = None
    node_note: str = ""
    low: Bound | None = None
    high: Bound | None = None

    def bound(self, level: Level) -> Bound:
        """The figure at a level; where no other source disagrees, the figure itself."""
        other = {"low": self.low, "high": self.high, "typical": None}[level]
        return other or self

    def unit_value(self, level: Level = "typical") -> float:
        """value / bits**exponent: per bit (or, for multipliers, per bit of a times bit of b)."""
        bound = self.bound(level)
        return float(bound.value / bound.bits**self.exponent)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        low, typical, high = found = tuple(self.unit_value(level) for level in LEVELS)
        if not low <= typical <= high:
            need = "per bit, low must not exceed value nor value high"
            raise SpecError("low, value, high", found, need, "Swap or drop the bound.")
        return self


class MultiplierEntry(Entry):
    """A multiplier: grows with the product of its operand widths."""

    exponent: ClassVar[int] = 2


def check_units(found: Iterable[tuple[str, Entry]], units: Iterable[tuple[str, str]]) -> None:
    """Refuse an entry in another unit than its kind; `units` pairs beginnings of paths with units.

    Raises
    ------
    SpecError : a figure has another unit.
    """
    kinds = tuple(units)
    for path, entry in found:
        unit = next(unit for start, unit in kinds if path.startswith(start))
        if entry.unit != unit:
            raise SpecError(f"{path}.unit", entry.unit, f"it is priced in {unit}", "Convert the figure.")
