"""SRAM as CACTI prices it: rows of one family, and what other sources say."""

from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from lls_hw.models.spec.base import Spec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.memory import Size
from lls_hw.models.spec.prices import SourceText
from lls_hw.models.spec.quantities import SIZED_PRICE

Positive = Annotated[float, Field(**SIZED_PRICE.bounds)]


def check_rising(where: str, sizes: list[int]) -> None:
    """Refuse sizes that do not rise."""
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
        check_rising("rows", [row.size_kb for row in self.rows])
        return self


class SramSpec(Spec):
    """CACTI rows of one family, and what other sources say."""

    source: SourceText
    cell: str
    periphery: str
    optimize: str
    temperature_k: Size
    rows: tuple[SramRow, ...] = Field(min_length=2)
    others: tuple[AccessPoints, ...] = ()

    @model_validator(mode="after")
    def _sorted(self) -> Self:
        for width in {row.word_bits for row in self.rows}:
            check_rising("rows", [row.size_kb for row in self.rows if row.word_bits == width])
        return self
