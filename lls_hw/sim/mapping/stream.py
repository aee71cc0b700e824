"""Ops that stream: elements, positions or samples pass through one unit, once or twice.

A stream has `samples` of `units` each (positions of a map, features, or 1). A flow moves so many
codes a unit, or a sample. Small operands that the whole op needs are held in one buffer, loaded by a
tile of no work at the beginning and stored by one at the end.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lls_hw.models.spec.storage import storage_bytes
from lls_hw.sim.mapping.axes import Piece, Step, Steps, TileAxis, mark
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.tile import Buffer, Node, Plan, Tile, Transfer, Unit, add_to, loop
from lls_hw.sim.mapping.work import lane_cycles

UNITS, SAMPLES, HELD, OUT = 0, 1, 2, 3
"""Indices of a stream's buffers; the first three are its input buffers."""

LEAST_TILE_BYTES = 4096
WANTED_TILES = 8
"""A stream is cut into this many tiles, so that loads and stores overlap, unless they fall below 4 KiB."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Codes of one tensor per unit or per sample; `full` is the length of the row they are cut from."""

    tensor: str
    codes: int
    full: int = 0


@dataclass(frozen=True, slots=True)
class Pass:
    """One passage of the stream.

    `work` is per unit, `sample_work` per sample; `signal` counts learning-signal operations a sample.
    `held_reads` are what every sample reads of operands that the scratchpad holds for the whole op.
    """

    name: str
    reads: tuple[Flow, ...] = ()
    sample_reads: tuple[Flow, ...] = ()
    held_reads: tuple[Flow, ...] = ()
    writes: tuple[Flow, ...] = ()
    sample_writes: tuple[Flow, ...] = ()
    work: Mapping[str, int] = field(default_factory=dict)
    sample_work: Mapping[str, int] = field(default_factory=dict)
    signal: int = 0


@dataclass(frozen=True, slots=True)
class Stream:
    """Shape of a stream, its unit, and its passes."""

    unit: Unit
    samples: int
    units: int
    passes: tuple[Pass, ...]

    def sizes(self, ctx: Context) -> tuple[int, int]:
        """Scratchpad bytes a unit and a sample take in the buffers, over the hungriest pass."""
        per_unit, per_sample = 0, 0
        for one in self.passes:
            per_unit = max(per_unit, _slot(ctx, one.reads, 1) + _out(ctx, one.writes, 1))
            per_sample = max(per_sample, _slot(ctx, one.sample_reads, 1) + _out(ctx, one.sample_writes, 1))
        return per_unit, per_sample

    def least_bytes(self, ctx: Context) -> int:
        """Buffers of one unit at a time."""
        return ctx.depth * sum(self.sizes(ctx))

    def axis(self, ctx: Context, budget_bytes: int) -> TileAxis:
        """The cut into tiles: whole samples if they fit, else even pieces of one."""
        per_unit, per_sample = self.sizes(ctx)
        whole, room = self.units * per_unit + per_sample, budget_bytes // ctx.depth
        assert per_unit + per_sample <= room, f"{self.passes[0].name}: {per_unit} + {per_sample} bytes exceed {room}"
        target = min(room, max(LEAST_TILE_BYTES, -(-self.samples * whole // WANTED_TILES)))
        if whole <= target or self.units == 1:
            fit = max(1, min(self.samples, target // max(1, whole)))
            return _even(self.samples, fit, lambda n: Piece(size=n, images=n, out_rows=self.units))
        fit = max(1, (target - per_sample) // max(1, per_unit))
        axis = _even(self.units, fit, lambda n: Piece(size=1, out_rows=n))
        return TileAxis(axis.runs, outer=self.samples, by_rows=True)


def _even(length: int, fit: int, piece: Callable[[int], Piece]) -> TileAxis:
    """Fewest pieces of at most `fit`, as equal as can be, the remainder last."""
    size = -(-length // -(-length // fit))
    whole, rest = divmod(length, size)
    return TileAxis(((piece(size), whole), *(((piece(rest), 1),) if rest else ())))


def _bytes(ctx: Context, flow: Flow, count: int) -> int:
    return storage_bytes(flow.codes * count, ctx.tensor(flow.tensor).bits)


def _slot(ctx: Context, flows: tuple[Flow, ...], count: int) -> int:
    """Bytes of the flows that stream in from DRAM."""
    return sum(_bytes(ctx, flow, count) for flow in flows if ctx.streams_in(flow.tensor))


def _out(ctx: Context, flows: tuple[Flow, ...], count: int) -> int:
    """Bytes of the flows that wait for their store (resident results are written in place)."""
    return sum(_bytes(ctx, flow, count) for flow in flows if not ctx.place(flow.tensor).resident)


@dataclass(frozen=True, slots=True)
class StreamCut:
    """The tiles of a stream, for each of `groups` groups of channels: what `Plan.form` holds of a streaming op.

    `recipe` is a `stream_ops.Recipe`.
    """

    recipe: object
    groups: int
    axis: TileAxis


CodesBothWays = tuple[Mapping[str, int], Mapping[str, int]]
"""Codes by tensor, read and written."""


class StreamBuilder:
    """Turns a stream and its held operands into tiles."""

    def __init__(self, ctx: Context, stream: Stream, lanes: int) -> None:
        self.ctx, self.stream, self.lanes = ctx, stream, lanes
        self.slots = [0, 0, 0, 0]

    def nodes(self, budget_bytes: int) -> tuple[Node, ...]:
        """Tiles of all passes in turn."""
        axis = self.stream.axis(self.ctx, budget_bytes)
        return tuple(node for one in self.stream.passes for node in self.pass_nodes(axis, one))

    def pass_nodes(self, axis: TileAxis, one: Pass) -> tuple[Node, ...]:
        """Tiles of one pass."""
        if axis.by_rows:
            return loop(axis.outer, self._follow(one, mark(axis.runs, first=True, last=True)))
        body: tuple[Step | Steps, ...] = tuple(Steps(n, (Step(piece, True, True),)) for piece, n in axis.runs)
        return self._follow(one, body)

    def _follow(self, one: Pass, places: tuple[Step | Steps, ...]) -> tuple[Node, ...]:
        nodes: list[Node] = []
        for place in places:
            if isinstance(place, Steps):
                nodes += loop(place.count, self._follow(one, place.body))
            else:
                nodes.append(self._tile(one, place))
        return tuple(nodes)

    def _tile(self, one: Pass, step: Step) -> Tile:
        samples = step.piece.images
        units = samples * step.piece.out_rows
        loads = self._moves(one.reads, units, into=True)
        first = self._moves(one.sample_reads, samples, into=True) if step.first else ()
        last = self._moves(one.sample_writes, samples, into=False) if step.last else ()
        stores = self._moves(one.writes, units, into=False) + last
        self._grow(one, samples, units)
        sampled = any(self.ctx.streams_in(flow.tensor) for flow in one.sample_reads)
        per_tile = any(self.ctx.streams_out(flow.tensor) for flow in one.writes)
        per_sample = any(self.ctx.streams_out(flow.tensor) for flow in one.sample_writes)
        tally = pass_tally(self.ctx, one, units=units, samples=samples, last=step.last)
        compute = lane_cycles(lanes_of(tally), self.lanes)
        cycles = self.ctx.served(compute, tally)
        return Tile(
            name=one.name,
            cycles=(cycles,),
            conflict_cycles=cycles - compute,
            loads=first + loads,
            takes=((SAMPLES,) if sampled and step.first else ()) + ((UNITS,) if loads else ()),
            gives=((SAMPLES,) if sampled and step.last else ()) + ((UNITS,) if loads else ()),
            takes_out=per_tile or (per_sample and step.first),
            gives_out=per_tile or (per_sample and step.last),
            stores=stores,
            tally=tally,
            read_codes=_codes(
                (one.reads, units),
                (one.sample_reads, samples if step.last else 0),
                (one.held_reads, samples if step.last else 0),
            ),
            written_codes=_codes((one.writes, units), (one.sample_writes, samples if step.last else 0)),
            signal_macs=one.signal * samples if step.last else 0,
        )

    def _moves(self, flows: tuple[Flow, ...], count: int, *, into: bool) -> tuple[Transfer, ...]:
        moves = []
        for flow in flows:
            if not (self.ctx.streams_in(flow.tensor) if into else self.ctx.streams_out(flow.tensor)):
                continue
            cut = flow.full > flow.codes
            size, segments = (flow.codes, count) if cut else (flow.codes * count, 1)
            moves.append(self.ctx.piece(flow.tensor, size, segments=segments, span=max(flow.full, flow.codes) * count))
        return tuple(moves)

    def _grow(self, one: Pass, samples: int, units: int) -> None:
        """Slots take the largest tile."""
        need = {
            UNITS: _slot(self.ctx, one.reads, units),
            SAMPLES: _slot(self.ctx, one.sample_reads, samples),
            OUT: _out(self.ctx, one.writes, units) + _out(self.ctx, one.sample_writes, samples),
        }
        for name, size in need.items():
            self.slots[name] = max(self.slots[name], size)

    def plan(
        self,
        body: tuple[Node, ...],
        touched: tuple[Mapping[str, int], Mapping[str, int]],
        fills: tuple[Transfer, ...],
        note: str,
        form: tuple[StreamCut, ...] = (),
    ) -> Plan:
        """The op's plan; `touched` are codes read and written, each once."""
        depth = self.ctx.depth
        return Plan(
            route=(self.stream.unit,),
            buffers=(
                Buffer("units", self.slots[UNITS], depth),
                Buffer("samples", self.slots[SAMPLES], depth),
                Buffer("held", self.slots[HELD], 1),
            ),
            out=Buffer("results", self.slots[OUT], depth),
            held_bytes=0,
            fills=fills,
            body=body,
            touched_reads=touched[0],
            touched_writes=touched[1],
            note=note,
            form=form,
        )


def _codes(*flows_times: tuple[tuple[Flow, ...], int]) -> dict[str, int]:
    """Codes of each tensor that so many units or samples move."""
    total: dict[str, int] = {}
    for flows, count in flows_times:
        add_to(total, {flow.tensor: flow.codes for flow in flows}, count)
    return total


def pass_tally(ctx: Context, one: Pass, *, units: int, samples: int, last: bool) -> dict[str, int]:
    """Work of some units of a passage, and the scratchpad words the unit reads and writes.

    `last` : the units are the last of their samples.
    """

    def words(flows: tuple[Flow, ...], count: int) -> int:
        return sum(ctx.words(flow.codes * count, ctx.tensor(flow.tensor).bits) for flow in flows)

    tally: dict[str, int] = {}
    add_to(tally, one.work, units)
    read = words(one.reads, units) + words(one.sample_reads, samples)
    written = words(one.writes, units)
    if last:
        add_to(tally, one.sample_work, samples)
        written += words(one.sample_writes, samples)
        read += samples * words(one.held_reads, 1)
    add_to(tally, {"scratchpad_read_words": read, "scratchpad_write_words": written})
    return tally


def lanes_of(tally: Mapping[str, int]) -> dict[str, int]:
    """The events that take a lane."""
    return {event: number for event, number in tally.items() if not event.startswith("scratchpad")}
