"""The chip: array, scratchpad, DRAM, vector and local units."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from lls_hw.models.spec.base import Spec
from lls_hw.models.spec.quantities import ARRAY_SIDE, CLOCK_MHZ, CLOSED_SIDE, LAYER_SIZE, read_sides

Size = Annotated[int, Field(**LAYER_SIZE.bounds)]


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


class ScratchpadSpec(Spec):
    """The shared SRAM. `double_buffered`: a tile loads or stores while another computes.

    `banks`: each reads one word and writes one word a cycle.
    """

    capacity_bytes: Size
    word_bits: int = Field(default=64, ge=8, le=1024, multiple_of=8)
    banks: Size = 16
    double_buffered: bool = True


class DramSpec(Spec):
    """Off-chip memory behind the DMA queues."""

    bytes_per_cycle: Size
    latency_cycles: int = Field(ge=0, le=1 << 20)
    burst_bytes: Size = 64
    row_bytes: Size = 2048
    dma_queues: Literal["shared", "per_direction"] = "per_direction"


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
    """A whole chip, as its TOML file describes it; `mapping` pins products to tiles of the user's choice."""

    name: str = Field(min_length=1)
    clock_mhz: float = Field(**CLOCK_MHZ.bounds)
    array: ArraySpec
    scratchpad: ScratchpadSpec
    dram: DramSpec
    vector: VectorUnitSpec
    local: LocalUnitSpec
    depthwise_on: Literal["array", "vector"] = "vector"
    technology: str = "cmos_45nm"
    mapping: tuple[MappingPin, ...] = ()

    @field_validator("array")
    @classmethod
    def _refuse_large_array(cls, array: ArraySpec) -> ArraySpec:
        """A chip's array is simulated element by element."""
        for side in ("rows", "cols"):
            ARRAY_SIDE.check(side, getattr(array, side))
        return array

    def with_array(self, shape: str) -> "AcceleratorSpec":
        """The same chip with another `RxC` array."""
        rows, cols = read_sides("--array", shape, ARRAY_SIDE, names=("rows", "columns"), example="16x16")
        return self.changed("array", rows=rows, cols=cols)

    def changed(self, part: str, **values: object) -> "AcceleratorSpec":
        """A copy with some keys of one part replaced, validated as a whole."""
        data = self.model_dump()
        data[part] = {**data[part], **values}
        return AcceleratorSpec.from_mapping(data, self.name)
