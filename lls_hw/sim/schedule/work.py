"""Work of one phase in one tile: by the op's own recipe, so that a group does what its ops would do one by one."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from lls_hw.models.program.ops.products import Product
from lls_hw.sim.mapping.axes import Piece, covered
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.dispatch import recipe_of
from lls_hw.sim.mapping.nest_ops import NESTS
from lls_hw.sim.mapping.nest_plan import Pieces
from lls_hw.sim.mapping.stream import lanes_of, pass_tally
from lls_hw.sim.mapping.stream_ops import Recipe
from lls_hw.sim.mapping.tile import Unit
from lls_hw.sim.mapping.work import lane_cycles
from lls_hw.sim.schedule.phases import Phase


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a phase in one tile, of one sample or of whole ones.

    Attributes
    ----------
    images : samples; more than one only where all their rows are there.
    first, last : rows from `first` up to `last`.
    begins, ends : whether they are the first of all the samples, and the last of theirs.
    """

    images: int
    first: int
    last: int
    begins: bool
    ends: bool


@dataclass(frozen=True, slots=True)
class PhaseWork:
    """Cycles on the units that a phase visits, in order; events; and how long the first only waits for its banks."""

    cycles: tuple[int, ...]
    tally: Mapping[str, int]
    conflict_cycles: int = 0
    signal_macs: int = 0
    banked: bool = False


@dataclass(frozen=True, slots=True)
class Closing:
    """The work of a phase when all its rows are done."""

    work: Mapping[str, int] = field(default_factory=dict)
    read_words: int = 0
    write_words: int = 0


class Worker:
    """One phase's work, scratch memory and route.

    Attributes
    ----------
    route : units that a tile visits for it.
    scratch_bytes : accumulators that live as long as the group.
    holds : its sums leave the accumulators turn by turn and never lie in the scratchpad.
    """

    def __init__(self, ctx: Context, phase: Phase) -> None:
        self.ctx, self.phase = ctx, phase
        self.is_nest = type(phase.op) in NESTS
        if self.is_nest:
            recipe = NESTS[type(phase.op)]
            self.nest = recipe.nest(ctx, phase.op)
            worker = recipe.work(ctx, self.nest, phase.op)
            self.route: tuple[Unit, ...] = worker.route
            self.holds = (
                worker.held is not None and self.nest.narrows and not (self.nest.banks and self.nest.banks.scatters)
            )
            self.work = worker.held if self.holds and worker.held is not None else worker.work
            self.scratch_bytes = 0
            self.once = recipe.once(ctx, phase.op)
        else:
            self.recipe = whole_recipe(ctx, phase)
            self.route = (self.recipe.stream.unit,)
            self.scratch_bytes = self.recipe.scratch_bytes
            chip = ctx.chip
            self.lanes = (chip.local if self.recipe.stream.unit == "local" else chip.vector).lanes

    @property
    def sum_bits(self) -> int:
        """Width of its map in the scratchpad before it is narrowed in place; 0 where nothing is narrowed there."""
        return self.nest.sum_bits if self.is_nest and not self.holds else 0

    @property
    def is_gradient_of_map(self) -> bool:
        """Whether its rows are sums to which several rows of its input add."""
        return isinstance(self.phase.op, Product) and self.phase.op.direction == "input_grad"

    def waiting_bytes(self, done: tuple[int, ...]) -> int:
        """The most bytes of sums between two tiles to which later rows still add."""
        if not self.is_gradient_of_map:
            return 0
        nest, read = self.nest, self.phase.maps[0]
        waiting = max(self.touched(read.ends[row]) - row for row in done)
        return max(0, waiting) * nest.in_w * nest.in_c * nest.sum_bits // 8

    def touched(self, rows: int) -> int:
        """Rows of the gradient's map that the first rows of its input reach."""
        return max((end for _, end in self.nest.windows[:rows]), default=0)

    def shape(self, rows: Rows) -> Hashable:
        """All that the work depends on."""
        if self.is_nest:
            return self._piece(rows), rows.begins or self.nest.result.side != "w"
        return rows.images, rows.last - rows.first, rows.ends

    def of(self, rows: Rows) -> PhaseWork:
        """Work on some rows."""
        return self._of_nest(rows) if self.is_nest else self._of_stream(rows)

    def _of_nest(self, rows: Rows) -> PhaseWork:
        nest = self.nest
        at: Pieces = {
            "r": self._piece(rows),
            "i": Piece(size=nest.in_c),
            "o": Piece(size=1 if nest.shared else nest.out_c),
        }
        done = self.work(at, rows.begins or nest.result.side != "w", True)
        return PhaseWork(done.cycles, done.tally, done.conflict_cycles, banked=done.banked)

    def _piece(self, rows: Rows) -> Piece:
        nest, read = self.nest, self.phase.maps[0]
        count = rows.last - rows.first
        if self.is_gradient_of_map:
            taken = read.ends[rows.last] - read.ends[rows.first]
            touched = max(rows.last, self.touched(read.ends[rows.last])) - rows.first
            return Piece(rows.images, rows.images, taken, min(touched, nest.in_h), count, count)
        span = min(read.ends[rows.last] - read.begins[rows.first], nest.in_h)
        under = covered(nest.windows[rows.first : rows.last])
        return Piece(rows.images, rows.images, count, span, span, span, under)

    def _of_stream(self, rows: Rows) -> PhaseWork:
        one = self.recipe.stream.passes[self.phase.part]
        units = self.recipe.stream.units // self.phase.rows * (rows.last - rows.first) * rows.images
        tally = pass_tally(self.ctx, one, units=units, samples=rows.images, last=rows.ends)
        compute = lane_cycles(lanes_of(tally), self.lanes)
        cycles = self.ctx.served(compute, tally)
        signal = one.signal * rows.images if rows.ends else 0
        return PhaseWork((cycles,), tally, cycles - compute, signal)

    @property
    def has_between(self) -> bool:
        """Whether the statistics between a stream's passes follow from it: what comes before the first is its own."""
        before = self.recipe.passes_before
        return before is None or self.phase.part < max(1, before)

    def closing(self) -> Closing:
        """The work left when all rows are done: statistics of the sums."""
        if self.is_nest:
            return Closing(self.once)
        flows = self.recipe
        if not self.has_between:
            return Closing()
        words = self.ctx.words
        bits = {flow.tensor: self.ctx.tensor(flow.tensor).bits for flow in (*flows.held_reads, *flows.held_writes)}
        return Closing(
            flows.between,
            sum(words(flow.codes, bits[flow.tensor]) for flow in flows.held_reads),
            sum(words(flow.codes, bits[flow.tensor]) for flow in flows.held_writes),
        )


def whole_recipe(ctx: Context, phase: Phase) -> Recipe:
    """The recipe of an op with all its channels at once.

    Raises
    ------
    AssertionError : its channels come in groups, for want of scratchpad, or its scale is measured; see `is_whole`.
    """
    grouped = recipe_of(ctx, phase.op)
    assert is_whole(ctx, phase), f"{phase.name} goes by groups of channels"
    return grouped.parts[0][0]


def is_whole(ctx: Context, phase: Phase) -> bool:
    """Whether a phase runs with all its channels at once, and its scale is known, so that it can share a loop."""
    if ctx.measures:
        return False
    if type(phase.op) in NESTS:
        return True
    parts = recipe_of(ctx, phase.op).parts
    return len(parts) == 1 and parts[0][1] == 1
