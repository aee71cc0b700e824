"""Results of the event engine: integers per op, stage and unit."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lls_hw.models.program.ops.base import Op
from lls_hw.sim.cost.counts import Counts
from lls_hw.sim.mapping.objective import ObjectiveName

CAUSES = ("dram_read", "dram_write", "bank_conflict", "dependency")
"""Causes for which the first unit of an op stands still."""

TraceSpan = tuple[str, str, int, int]
"""(unit, name, first cycle, cycle after the last)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpResult:
    """One op of the program.

    Attributes
    ----------
    unit : the first unit of its route.
    start_cycle, end_cycle : when its first load was asked for, and when its last store was done.
    attributed_cycles : cycles in which it was the first unfinished op.
    macs : multiply-accumulates of the tiles executed, on the array or (depthwise) on the vector unit.
    signal_macs : learning-signal operations of the tiles executed.
    touched_read_bytes, touched_write_bytes : packed bytes of each tensor that the tiles touch at least once.
    read_codes, written_codes : codes of each tensor over all passes of the op.
    dram_read_bytes, dram_write_bytes : bus bytes by tensor, whole bursts, re-reads included.
    busy_cycles : work by unit, DMA directions and DRAM bus.
    stall_cycles : cycles the first unit stood still for the op, by cause, over its whole life.
    own_stall_cycles : of the cycles in which the run waits for this op, those in which its first unit
        did not work, by cause.
    active : by unit and DMA direction, the op's first cycle there and the one after its last.
    """

    index: int
    layer: str
    stage: str
    kind: str
    unit: str
    start_cycle: int
    end_cycle: int
    attributed_cycles: int
    counts: Counts
    macs: int
    signal_macs: int
    touched_read_bytes: Mapping[str, int]
    touched_write_bytes: Mapping[str, int]
    read_codes: Mapping[str, int]
    written_codes: Mapping[str, int]
    dram_read_bytes: Mapping[str, int]
    dram_write_bytes: Mapping[str, int]
    busy_cycles: Mapping[str, int]
    stall_cycles: Mapping[str, int]
    own_stall_cycles: Mapping[str, int]
    active: Mapping[str, tuple[int, int]]
    mapping: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """All ops of one (layer, stage); `cycles` are those in which the first unfinished op was one of them.

    `own_stall_cycles` are parts of these cycles; `peak_bytes` is the scratchpad's fullest within them.
    """

    layer: str
    stage: str
    cycles: int
    counts: Counts
    macs: int
    signal_macs: int
    busy_cycles: Mapping[str, int]
    stall_cycles: Mapping[str, int]
    own_stall_cycles: Mapping[str, int]
    peak_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventResult:
    """One run: every cycle, byte and event of a program on a chip.

    Attributes
    ----------
    mapped_for : what the mappings were chosen for: the objective, or "bytes" where the run was better with those.
    groups : what ran, in order, where ops shared their tiles; empty where the program ran op by op.
    second_bytes : capacity of the second level, 0 where there is none.
    second_peak_bytes, second_tensors : most bytes held there, and what lives there at some time.
    peak_tensors : what fills the scratchpad at its fullest: tensors by name, buffers by op.
    occupancy : (cycle, bytes in use) whenever it changes.
    spans : the timeline, if it was asked for.
    simulated_tiles, tiles : tiles that were stepped through, and all tiles.
    """

    cycles: int
    ops: tuple[OpResult, ...]
    stages: tuple[StageResult, ...]
    counts: Counts
    busy_cycles: Mapping[str, int]
    stall_cycles: Mapping[str, int]
    macs: int
    signal_macs: int
    scratchpad_peak_bytes: int
    peak_tensors: Mapping[str, int]
    occupancy: tuple[tuple[int, int], ...]
    spans: tuple[TraceSpan, ...]
    simulated_tiles: int
    tiles: int
    array_pes: int
    dram_bytes_per_cycle: int
    mapped_for: ObjectiveName = "bytes"
    groups: tuple[Op, ...] = ()
    second_bytes: int = 0
    second_peak_bytes: int = 0
    second_tensors: Mapping[str, int] = field(default_factory=dict)

    @property
    def utilization(self) -> float:
        """Array multiply-accumulates over cycles x processing elements, from 0 to 1."""
        return self.counts.macs / (self.cycles * self.array_pes) if self.cycles else 0.0

    @property
    def dram_read_bytes(self) -> int:
        """Bus bytes towards the chip."""
        return self.counts.dram_read_bytes

    @property
    def dram_write_bytes(self) -> int:
        """Bus bytes away from the chip."""
        return self.counts.dram_write_bytes
