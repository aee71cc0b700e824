"""The chip: array, levels of memory, vector and local units."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self, cast, get_args

from pydantic import Field, field_validator, model_validator

from lls_hw.models.spec.base import Spec
from lls_hw.models.spec.memory import (
    AccumulatorSpec,
    DramSpec,
    LevelRole,
    MemorySpec,
    ScratchpadSpec,
    Size,
    read_levels,
    roles,
    with_level,
)
from lls_hw.models.spec.quantities import ARRAY_SIDE, CLOCK_MHZ, CLOSED_SIDE, read_sides


class ArraySpec(Spec):
    """A rows x cols grid of multiply-accumulate elements.

    `dataflow` names a record of `sim/array`, which says what stays in the elements and what moves.
    `preload_hidden`: a second weight register lets the next fold's weights (ws) or inputs (is)
    shift in while the current fold computes.
    """

    rows: int = Field(**CLOSED_SIDE.bounds)
    cols: int = Field(**CLOSED_SIDE.bounds)
    dataflow: str = "ws"
    preload_hidden: bool = True


class VectorUnitSpec(Spec):
    """`lanes` operations per cycle: requantise, BatchNorm, activation, pooling, update."""

    lanes: Size


class LocalUnitSpec(Spec):
    """Pool sums, basis generator, projection accumulators: `lanes` operations per cycle."""

    lanes: Size
    basis: Literal["generated", "sram", "dram"] = "generated"
    phase_bits: int = Field(default=48, ge=8, le=62)


class MappingPin(Spec):
    """Tile sizes and loop order of one product, fixed by the user instead of chosen by the mapper.

    A tile has `rows` output rows of one image or `images` whole images, and so many channels (all, if
    not given). `order` names the loops, outermost first: rows r, input channels i, output channels o.
    `direction` tells products of one layer and stage apart.
    """

    layer: str
    stage: Literal["forward", "loss", "local_error", "input_grad", "weight_grad"]
    direction: Literal["forward", "input_grad", "weight_grad"] | None = None
    order: Literal["rio", "roi", "iro", "ior", "ori", "oir"]
    rows: Size | None = None
    images: Size | None = None
    in_channels: Size | None = None
    out_channels: Size | None = None


class MappingFile(Spec):
    """The TOML file of `--mapping`: an `[[op]]` table for each product that is pinned."""

    op: tuple[MappingPin, ...]


class AcceleratorSpec(Spec):
    """A whole chip, as its TOML file describes it; `mapping` pins products to tiles of the user's choice.

    `memory` lists the levels, innermost first (`spec.memory`); `accumulators`, `scratchpad`, `second` and
    `dram` are the levels by the part they play.
    """

    name: str = Field(min_length=1)
    clock_mhz: float = Field(**CLOCK_MHZ.bounds)
    array: ArraySpec
    memory: tuple[Annotated[MemorySpec, Field(discriminator="kind")], ...]
    vector: VectorUnitSpec
    local: LocalUnitSpec
    depthwise_on: Literal["array", "vector"] = "vector"
    technology: str = "cmos_45nm"
    mapping: tuple[MappingPin, ...] = ()

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any], where: str) -> Self:
        """Validate plain data; the levels first, so that a complaint about one has the path of its key."""
        return super().from_mapping(read_levels(data, where), where)

    @model_validator(mode="before")
    @classmethod
    def _read_levels(cls, data: object) -> object:
        return read_levels(data, "chip") if isinstance(data, Mapping) else data

    @field_validator("array")
    @classmethod
    def _refuse_large_array(cls, array: ArraySpec) -> ArraySpec:
        """A chip's array is simulated element by element."""
        for side in ("rows", "cols"):
            ARRAY_SIDE.check(side, getattr(array, side))
        return array

    @cached_property
    def levels(self) -> Mapping[LevelRole, MemorySpec]:
        """The levels by the part they play, innermost first."""
        return roles(self.memory)

    @property
    def accumulators(self) -> AccumulatorSpec | None:
        """The memory of partial sums beside the array, if there is one."""
        return cast("AccumulatorSpec | None", self.levels.get("accumulators"))

    @property
    def accumulator_banks(self) -> int:
        """Banks of a column's accumulators: while one is emptied the other fills, where the chip double buffers."""
        return 2 if self.scratchpad.double_buffered else 1

    @cached_property
    def scratchpad(self) -> ScratchpadSpec:
        """The memory that every unit reads and writes."""
        return cast("ScratchpadSpec", self.levels["scratchpad"])

    @property
    def second(self) -> ScratchpadSpec | None:
        """The on-chip memory behind the scratchpad, if there is one."""
        return cast("ScratchpadSpec | None", self.levels.get("second"))

    @cached_property
    def dram(self) -> DramSpec:
        """The memory off the chip."""
        return cast("DramSpec", self.levels["dram"])

    def with_array(self, shape: str) -> "AcceleratorSpec":
        """The same chip with another `RxC` array."""
        rows, cols = read_sides("--array", shape, ARRAY_SIDE, names=("rows", "columns"), example="16x16")
        return self.changed("array", rows=rows, cols=cols)

    def changed(self, part: str, **values: object) -> "AcceleratorSpec":
        """A copy with some keys of one part replaced, validated as a whole.

        `part` is a table of the chip's file or the part of a level (`LevelRole`); a level that is not there is added.
        """
        data = self.model_dump()
        if part in get_args(LevelRole):
            data["memory"] = with_level(self.memory, cast("LevelRole", part), values, self.name)
        else:
            data[part] = {**data[part], **values}
        return AcceleratorSpec.from_mapping(data, self.name)

    def without(self, part: LevelRole) -> "AcceleratorSpec":
        """A copy without one of the levels that a chip may lack.

        Raises
        ------
        SpecError : every chip has that level.
        """
        data = {**self.model_dump(), "memory": [level for role, level in self.levels.items() if role != part]}
        return AcceleratorSpec.from_mapping(data, self.name)
