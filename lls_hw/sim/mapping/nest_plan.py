"""From a chosen mapping to tiles: who is loaded where, who is spilled, when a result is finished."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lls_hw.models.program.ops.base import Op
from lls_hw.models.spec.storage import storage_bytes
from lls_hw.sim.mapping.axes import Piece, Step, Steps, TileAxis, steps
from lls_hw.sim.mapping.choice import Choice
from lls_hw.sim.mapping.context import Context, partial_of, sums_of
from lls_hw.sim.mapping.nest import Dim, Nest, NestOperand, Side
from lls_hw.sim.mapping.tile import Buffer, Node, Plan, Tile, Transfer, Unit, loop

Place3 = dict[Dim, Step]
Pieces = dict[Dim, Piece]


@dataclass(frozen=True, slots=True)
class TileWork:
    """Work of one tile on the units of its route; `banked`: its first unit uses a bank of the accumulators."""

    cycles: tuple[int, ...]
    tally: Mapping[str, int]
    conflict_cycles: int = 0
    banked: bool = False


WorkOf = Callable[[Pieces, bool, bool], TileWork]
"""(pieces, starts from zero, finishes its result) -> work."""


@dataclass(frozen=True, slots=True)
class TileWorker:
    """Units that a tile visits, in order, and its work on them.

    Attributes
    ----------
    work, held : where its sums lie in the scratchpad, and where they are held in the accumulators.
    """

    route: tuple[Unit, ...]
    work: WorkOf
    held: WorkOf | None = None

    def work_for(self, choice: Choice) -> WorkOf:
        """Work under a mapping."""
        assert self.held is not None or not choice.held, f"nobody holds the sums of {choice.text()}"
        return self.held if self.held is not None and choice.held else self.work


@dataclass(frozen=True, slots=True)
class NestRecipe:
    """The way in which a kind of op becomes a nest.

    Attributes
    ----------
    nest : geometry of an op, and its operands that stream from DRAM.
    work : route and work of one of its tiles.
    held : operands that stay in the scratchpad for the whole op; the others are cut into tiles.
    once : events of the op beside its tiles' (`Plan.once`).
    """

    nest: Callable[[Context, Any], Nest]
    work: Callable[[Context, Nest, Any], TileWorker]
    held: Callable[[Any], tuple[str, ...]] = lambda op: ()
    once: Callable[[Context, Any], dict[str, int]] = lambda ctx, op: {}


Nests = dict[type[Op], NestRecipe]
"""The recipe of each kind of op that is a nest."""


def nest_operand(ctx: Context, side: Side, name: str) -> NestOperand:
    """A tensor as an operand of a nest."""
    return NestOperand(side, ctx.tensor(name).bits, ctx.streams_in(name))


def result_name(ctx: Context, name: str, *, narrows: bool) -> str:
    """The tensor that a nest writes: the sums of its result, where these wait for a scale that is measured first."""
    return sums_of(name) if narrows and ctx.measures else name


def nest_result(ctx: Context, side: Side, name: str, *, narrows: bool) -> NestOperand:
    """The result of a nest as its operand."""
    tensor = ctx.tensor(result_name(ctx, name, narrows=narrows))
    return NestOperand(side, tensor.bits, ctx.streams_out(tensor.name))


class NestBuilder:
    """Builds the tile tree of one nest under one choice; `names` are its reads and then its result."""

    def __init__(self, ctx: Context, nest: Nest, names: tuple[str, ...], choice: Choice, work: WorkOf) -> None:
        self.ctx, self.nest, self.choice, self.work = ctx, nest, choice, work
        self.names, self.result = names[:-1], names[-1]
        self.spills = choice.repeats(nest, nest.result)
        self.streamed = [(name, op) for name, op in zip(self.names, nest.reads, strict=True) if op.in_dram]
        self.buffers = [self._buffer(name, operand) for name, operand in self.streamed]
        self.halo_bytes = sum(self._halo(operand) for _, operand in self.streamed)
        self.out = self._out_buffer()
        if self.spills:
            self.buffers.append(Buffer("partial sums", self.out.slot_bytes, ctx.depth))
        self.made: dict[tuple[tuple[int, bool, bool], ...], Tile] = {}

    def plan(self, route: tuple[Unit, ...], held_bytes: int, fills: tuple[Transfer, ...]) -> Plan:
        """The op's plan."""
        reads = dict(zip(self.names, (self._touched(op.side) for op in self.nest.reads), strict=True))
        return Plan(
            route=route,
            buffers=tuple(self.buffers),
            out=self.out,
            held_bytes=held_bytes + self.halo_bytes,
            fills=fills,
            body=self._emit(0, {}),
            touched_reads=reads,
            touched_writes={self.result: self._touched(self.nest.result.side, result=True)},
            note=self.choice.text(),
            form=self.choice,
        )

    def _largest(self, side: Side, bits: int, *, final: bool = False) -> int:
        """Bytes of the largest tile of a side, or of what a tile finishes."""
        nest, rows = self.nest, [piece for piece, _ in self.choice.rows.runs]
        chunk: Pieces = {dim: max((p for p, _ in self.choice.axis(dim).runs), key=_size) for dim in ("i", "o")}
        tiles: list[Pieces] = [{**chunk, "r": piece} for piece in rows]
        return -(-max(nest.final_elements(at) if final else nest.elements(side, at) for at in tiles) * bits // 8)

    def _buffer(self, name: str, operand: NestOperand) -> Buffer:
        depth = self.ctx.depth if self.choice.visits(self.nest, operand) > 1 else 1
        if operand.side != "x" or not self.choice.keeps_halo:
            return Buffer(name, self._largest(operand.side, operand.bits), depth)
        fresh = max(self.nest.loaded_pixels("x", piece, kept=True) for piece, _ in self.choice.rows.runs)
        return Buffer(name, self._row_bytes(fresh, operand), depth)

    def _halo(self, operand: NestOperand) -> int:
        """Bytes of the rows that wait beside the slots for the next tile's windows."""
        if operand.side != "x" or not self.choice.keeps_halo:
            return 0
        return self._row_bytes(max(self.nest.halo_pixels(piece) for piece, _ in self.choice.rows.runs), operand)

    def _row_bytes(self, pixels: int, operand: NestOperand) -> int:
        return storage_bytes(pixels * max(piece.size for piece, _ in self.choice.ins.runs), operand.bits)

    def _out_buffer(self) -> Buffer:
        result, held = self.nest.result, self.choice.held
        depth = self.ctx.depth if self.choice.visits(self.nest, result) > 1 else 1
        size = self._largest(result.side, self.nest.result_bits(held=held), final=held)
        return Buffer("codes" if held else "sums", size, depth)

    def _touched(self, side: Side, *, result: bool = False) -> int:
        """Codes that the tiles of a side cover, each counted at its first (or last) touch."""
        channels = _channels(self.choice.axis("o" if side == "y" and not self.nest.shared else "i"))
        if side == "w":
            return self.nest.taps * channels * (1 if self.nest.shared else _channels(self.choice.outs))
        if side == "y":
            return channels * self.choice.rows.total(lambda piece: self.nest.pixels("y", piece))
        if result:
            return channels * self.choice.rows.total(self.nest.final_pixels)
        return channels * self.nest.in_w * self.choice.rows.total(lambda piece: piece.images * piece.fresh_rows)

    def _emit(self, level: int, at: Place3) -> tuple[Node, ...]:
        if level == len(self.choice.order):
            return (self._tile(at),)
        dim: Dim = self.choice.order[level]  # type: ignore[assignment]  # orders are spelt with dims
        return self._follow(level, at, dim, steps(self.choice.axis(dim)))

    def _follow(self, level: int, at: Place3, dim: Dim, places: tuple[Step | Steps, ...]) -> tuple[Node, ...]:
        nodes: list[Node] = []
        for place in places:
            if isinstance(place, Steps):
                nodes += loop(place.count, self._follow(level, at, dim, place.body))
            else:
                nodes += self._emit(level + 1, {**at, dim: place})
        return tuple(nodes)

    def _tile(self, at: Place3) -> Tile:
        key = tuple((id(at[dim].piece), at[dim].first, at[dim].last) for dim in ("r", "i", "o"))
        if key not in self.made:
            self.made[key] = self._make(at)
        return self.made[key]

    def _make(self, at: Place3) -> Tile:
        pieces: Pieces = {dim: step.piece for dim, step in at.items()}
        loads, takes, gives = self._inputs(at, pieces)
        kept = [dim for dim in self.nest.ignored(self.nest.result.side) if dim not in self.spills]
        opens, closes = all(at[dim].first for dim in kept), all(at[dim].last for dim in kept)
        first_visit, last_visit = all(at[d].first for d in self.spills), all(at[d].last for d in self.spills)
        if self.spills and not first_visit:
            loads.append(self._partial(pieces))
            takes.append(len(self.buffers) - 1)
            gives.append(len(self.buffers) - 1)
        finishes = closes and last_visit
        work = self.work(pieces, opens and first_visit, finishes)
        return Tile(
            name=self.result,
            cycles=work.cycles,
            loads=tuple(loads),
            takes=tuple(takes),
            gives=tuple(gives),
            takes_out=opens,
            gives_out=closes,
            stores=self._stores(pieces, finishes, closes),
            tally=work.tally,
            conflict_cycles=work.conflict_cycles,
            bank_from=(0,) if (opens if self.choice.held else work.banked) else (),
            bank_until=self._bank_until(work, closes=closes),
        )

    def _bank_until(self, work: TileWork, *, closes: bool) -> tuple[int, ...]:
        """The stop after which a tile's bank is free: where held sums are read, or after the array."""
        if self.choice.held:
            return (len(work.cycles) - 1,) if closes else ()
        return (0,) if work.banked else ()

    def _inputs(self, at: Place3, pieces: Pieces) -> tuple[list[Transfer], list[int], list[int]]:
        loads, takes, gives = [], [], []
        for index, (name, operand) in enumerate(self.streamed):
            repeats = self.choice.repeats(self.nest, operand)
            kept = [dim for dim in self.nest.ignored(operand.side) if dim not in repeats]
            if all(at[dim].first for dim in kept):
                takes.append(index)
                if self.nest.loaded_elements(operand.side, pieces, kept=self.choice.keeps_halo):
                    dram = self.ctx.chip.dram
                    loads.append(self.nest.transfer(dram, name, operand, pieces, kept=self.choice.keeps_halo))
            if all(at[dim].last for dim in kept):
                gives.append(index)
        return loads, takes, gives

    def _stores(self, pieces: Pieces, finishes: bool, closes: bool) -> tuple[Transfer, ...]:
        if finishes:
            if not self.nest.result.in_dram or self.nest.final_elements(pieces) == 0:
                return ()
            dram, result = self.ctx.chip.dram, self.nest.result
            return (self.nest.transfer(dram, self.result, result, pieces, final=True),)
        return (self._partial(pieces),) if closes and self.spills else ()

    def _partial(self, pieces: Pieces) -> Transfer:
        return self.nest.partial(self.ctx.chip.dram, partial_of(self.result), pieces)


def _size(piece: Piece) -> int:
    return piece.size


def _channels(axis: TileAxis) -> int:
    return axis.total(_size)
