"""Prices of events: pJ, mW and mm2 with their sources, for one process node."""

from itertools import pairwise
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from lls_hw.models.spec.base import Spec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.memory import Size
from lls_hw.models.spec.quantities import PRICE, SIZED_PRICE

Level = Literal["low", "typical", "high"]
LEVELS: tuple[Level, ...] = ("low", "typical", "high")
Price = Annotated[float, Field(**PRICE.bounds)]
Positive = Annotated[float, Field(**SIZED_PRICE.bounds)]
Operations = Annotated[int, Field(ge=0, le=1 << 20)]


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

    unit: Literal["pJ/operation", "pJ/write", "pJ/bit", "pJ/activate", "pJ/MAC", "mW", "uW"]
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


class LogicSpec(Spec):
    """Energy per operation (or per register bit written) of the arithmetic."""

    multiplier: MultiplierEntry
    adder: Entry
    register_bit: Entry
    shifter: Entry
    comparator: Entry
    bitwise: Entry


class LeakageSpec(Spec):
    """Power that idles. `powered_share` is the share of the run for which units are powered (1: no gating)."""

    multiplier: MultiplierEntry
    adder: Entry
    register_bit: Entry
    shifter: Entry
    powered_share: float = Field(default=1.0, ge=0, le=1)


class RandomSpec(Spec):
    """One draw of `bits` random bits, composed of priced operations."""

    bits: int = Field(ge=1, le=64)
    multiplies: Operations
    adds: Operations
    bitwise: Operations
    source: SourceText


class DramPriceSpec(Spec):
    """Off-chip memory: per bit moved, per row opened, and power for as long as the chip runs."""

    read_bit: Entry
    write_bit: Entry
    activate: Entry
    background: Entry


def _check_rising(where: str, sizes: list[int]) -> None:
    for a, b in pairwise(sizes):
        if a >= b:
            raise SpecError(where, b, f"it follows {a}", "List each size once, smallest first.")


class SramRow(Spec):
    """One CACTI run."""

    size_kb: Size
    word_bits: int = Field(ge=1, le=1024)
    read_pj: Positive
    write_pj: Positive
    leak_total_mw: Positive
    area_mm2: Positive
    access_ns: Positive


class AccessPoint(Spec):
    """A published energy of one access, read or write, to a memory of `size_kb`."""

    size_kb: Size
    access_pj: Positive


class AccessPoints(Spec):
    """Another source for the same memories: bounds the spread where it covers the capacity."""

    source: SourceText
    word_bits: int = Field(ge=1, le=1024)
    rows: tuple[AccessPoint, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _sorted(self) -> Self:
        _check_rising("rows", [row.size_kb for row in self.rows])
        return self


class SramSpec(Spec):
    """CACTI rows of one family, and what other sources say."""

    source: SourceText
    cell: str
    periphery: str
    optimize: str
    temperature_k: Size
    bank_kb: int = Field(default=1024, ge=2, le=1 << 30)
    rows: tuple[SramRow, ...] = Field(min_length=2)
    others: tuple[AccessPoints, ...] = ()

    @model_validator(mode="after")
    def _sorted(self) -> Self:
        for width in {row.word_bits for row in self.rows}:
            _check_rising("rows", [row.size_kb for row in self.rows if row.word_bits == width])
        return self


class ElementSpec(Spec):
    """Synthesised processing elements, registers and adder included, by operand width."""

    mac: tuple[Entry, ...] = Field(min_length=2)
    leakage: tuple[Entry, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _square_widths(self) -> Self:
        for name, table in self:
            _check_rising(name, [entry.bits for entry in table])
            for entry in table:
                bounds = [entry.bound(level) for level in LEVELS]
                if any(b.bits != entry.bits or b.value == 0 for b in bounds):
                    raise SpecError(name, entry.bits, "low and high share its bits, all above 0", "Correct it.")
        return self


class TechnologySpec(Spec):
    """One process: what each event costs and who says so.

    `logic` and `leakage` may be absent (no published arithmetic for the node and no sourced law
    that scales another's): such a technology gives SRAM figures and refuses to price arithmetic.
    `element`, where present, prices the array's MACs instead of `logic`.
    """

    name: str = Field(min_length=1)
    summary: str
    node_nm: Size
    sram: SramSpec
    dram: DramPriceSpec
    logic: LogicSpec | None = None
    leakage: LeakageSpec | None = None
    random: RandomSpec | None = None
    element: ElementSpec | None = None

    @model_validator(mode="after")
    def _units_and_nodes_agree(self) -> Self:
        for path, entry in entries(self):
            unit = next(unit for start, unit in _UNITS if path.startswith(start))
            if entry.unit != unit:
                raise SpecError(f"{path}.unit", entry.unit, f"it is priced in {unit}", "Convert the figure.")
            on_chip = not path.startswith("dram.")
            if on_chip and entry.node_nm != self.node_nm and not entry.node_note:
                raise SpecError(
                    f"{path}.node_nm",
                    entry.node_nm,
                    f"the technology is {self.node_nm} nm and no sourced law scales its arithmetic",
                    "Give a figure of that node, or say in node_note why this one is taken unscaled.",
                )
        return self


_UNITS = (
    ("dram.activate", "pJ/activate"),
    ("dram.background", "mW"),
    ("dram.", "pJ/bit"),
    ("logic.register_bit", "pJ/write"),
    ("logic.", "pJ/operation"),
    ("leakage.", "mW"),
    ("element.mac", "pJ/MAC"),
    ("element.leakage", "uW"),
)


def entries(technology: TechnologySpec) -> tuple[tuple[str, Entry], ...]:
    """Every priced entry with its dotted path, in the order of the file."""
    found: list[tuple[str, Entry]] = []
    parts = {"dram": technology.dram, "logic": technology.logic, "leakage": technology.leakage}
    for name, part in parts.items():
        found += [(f"{name}.{key}", value) for key, value in part or () if isinstance(value, Entry)]
    for key, table in technology.element or ():
        found += [(f"element.{key}.{i}", entry) for i, entry in enumerate(table)]
    return tuple(found)
