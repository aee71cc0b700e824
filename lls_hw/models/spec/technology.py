"""Prices of events: pJ, mW and mm2 with their sources, for one process node."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from lls_hw.models.spec.base import Spec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.former_technology import DramFiguresSpec, with_unnamed
from lls_hw.models.spec.memory import Size
from lls_hw.models.spec.prices import LEVELS, Entry, Level, MultiplierEntry, SourceText, check_units
from lls_hw.models.spec.sram_rows import AccessPoints, SramRow, SramSpec, check_rising

__all__ = ["LEVELS", "AccessPoints", "Entry", "Level", "SramRow", "SramSpec", "TechnologySpec", "entries"]

Operations = Annotated[int, Field(ge=0, le=1 << 20)]


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


class ElementSpec(Spec):
    """Synthesised processing elements, registers and adder included, by operand width."""

    mac: tuple[Entry, ...] = Field(min_length=2)
    leakage: tuple[Entry, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _square_widths(self) -> Self:
        for name, table in self:
            check_rising(name, [entry.bits for entry in table])
            for entry in table:
                bounds = [entry.bound(level) for level in LEVELS]
                if any(b.bits != entry.bits or b.value == 0 for b in bounds):
                    raise SpecError(name, entry.bits, "low and high share its bits, all above 0", "Correct it.")
        return self


class TechnologySpec(Spec):
    """One process: what each event costs and who says so.

    `wire` is one bit over a millimetre of repeated wire, `dram_controller_bit` the memory controller's share of
    a bit that crosses the pins (the DRAM and its PHY are a `DramDeviceSpec`).
    `logic` and `leakage` may be absent (no published arithmetic for the node and no sourced law
    that scales another's): such a technology gives SRAM figures and refuses to price arithmetic.
    `element`, where present, prices the array's MACs instead of `logic`, and `dram` the DRAM instead of its device.
    """

    name: str = Field(min_length=1)
    summary: str
    node_nm: Size
    sram: SramSpec
    wire: Entry
    dram_controller_bit: Entry
    logic: LogicSpec | None = None
    leakage: LeakageSpec | None = None
    random: RandomSpec | None = None
    element: ElementSpec | None = None
    dram: DramFiguresSpec | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_the_earlier_shape(cls, data: object) -> object:
        return with_unnamed(data)

    @model_validator(mode="after")
    def _units_and_nodes_agree(self) -> Self:
        check_units(entries(self), _UNITS)
        for path, entry in entries(self):
            if not path.startswith("dram.") and entry.node_nm != self.node_nm and not entry.node_note:
                raise SpecError(
                    f"{path}.node_nm",
                    entry.node_nm,
                    f"the technology is {self.node_nm} nm and no sourced law scales its arithmetic",
                    "Give a figure of that node, or say in node_note why this one is taken unscaled.",
                )
        return self


_UNITS = (
    ("wire", "pJ/bit/mm"),
    ("dram.read_bit", "pJ/bit"),
    ("dram.write_bit", "pJ/bit"),
    ("dram.activate", "pJ/activate"),
    ("dram.background", "mW"),
    ("dram_controller_bit", "pJ/bit"),
    ("logic.register_bit", "pJ/write"),
    ("logic.", "pJ/operation"),
    ("leakage.", "mW"),
    ("element.mac", "pJ/MAC"),
    ("element.leakage", "uW"),
)


def entries(technology: TechnologySpec) -> tuple[tuple[str, Entry], ...]:
    """Every priced entry with its dotted path, in the order of the file."""
    found = [("wire", technology.wire), ("dram_controller_bit", technology.dram_controller_bit)]
    parts = {"dram": technology.dram, "logic": technology.logic, "leakage": technology.leakage}
    for name, part in parts.items():
        found += [(f"{name}.{key}", value) for key, value in part or () if isinstance(value, Entry)]
    for key, table in technology.element or ():
        found += [(f"element.{key}.{i}", entry) for i, entry in enumerate(table)]
    return tuple(found)
