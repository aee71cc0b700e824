"""Streaming ops, tile by tile: elements, positions, latents or samples pass through one unit, once or twice."""

from collections.abc import Iterator
from typing import cast

from lls_hw.models.program.ops.normalise import BatchNorm, BatchNormBackward
from lls_hw.models.spec.geometry import Window
from lls_hw.models.spec.storage import storage_bytes
from lls_hw.sim.mapping.axes import TileAxis
from lls_hw.sim.mapping.context import is_sums
from lls_hw.sim.mapping.schedule import ScheduledOp
from lls_hw.sim.mapping.stream import HELD, SAMPLES, UNITS, Flow, Pass, Stream, StreamCut
from lls_hw.sim.mapping.stream_ops import Recipe
from lls_hw.sim.mapping.tile import Tile, Transfer
from lls_hw.sim.replay.bench import Bench, OpReplay, Ring
from lls_hw.sim.replay.errors import ReplayError
from lls_hw.sim.replay.memory import Area
from lls_hw.sim.replay.norm_parts import pooled_part
from lls_hw.sim.replay.norm_units import NormUnit
from lls_hw.sim.replay.region import Region, whole
from lls_hw.sim.replay.signs import Signs
from lls_hw.sim.replay.units import UnitRows, unit_of


def parts_of(axis: TileAxis, stream: Stream) -> Iterator[UnitRows]:
    """The pieces of a stream, counted from its first unit."""
    for outer in range(axis.outer if axis.by_rows else 1):
        at = 0
        for piece in (piece for piece, count in axis.runs for _ in range(count)):
            if axis.by_rows:
                yield UnitRows((outer, outer + 1), (at, at + piece.out_rows), stream.units)
                at += piece.out_rows
            else:
                yield UnitRows((at, at + piece.images), (0, stream.units), stream.units)
                at += piece.images


class StreamReplay(OpReplay):
    """One streaming op."""

    def __init__(self, bench: Bench, scheduled: ScheduledOp) -> None:
        super().__init__(bench, scheduled)
        self.cuts = cast("tuple[StreamCut, ...]", self.plan.form)
        self.unit = unit_of(self.op, self.m)
        self.norm = self.unit if isinstance(self.unit, NormUnit) else None
        self.columns: dict[str, int] = {}
        self.todo = self.tiles()

    # ------------------------------------------------------------------ places

    def _columns(self, flow: Flow) -> tuple[int, Window]:
        """The row's length, and the part of it that this group has."""
        width, first = max(flow.full, flow.codes), self.columns.get(flow.tensor, 0)
        return width, (first, first + flow.codes)

    def unit_part(self, stream: Stream, flow: Flow, at: UnitRows) -> Region:
        """The codes of a flow for some units."""
        width, columns = self._columns(flow)
        (a, b), (c, d) = at.samples, at.units
        here = a * stream.units + c, (b - 1) * stream.units + d
        return Region((stream.samples * stream.units, width), (here, columns))

    def sample_part(self, stream: Stream, flow: Flow, at: UnitRows) -> Region:
        """The codes of a flow for some samples."""
        width, columns = self._columns(flow)
        if flow.full > flow.codes and self.norm is not None:
            columns = pooled_part(width, self.norm.op.shape.out_c, self.norm.channels)
        return Region((stream.samples, width), (at.samples, columns))

    def held_part(self, flow: Flow) -> Region:
        """A held operand: all of it, or its rows' part of a group's channels."""
        tensor = self.tensor(flow.tensor)
        if not flow.full:
            return whole(*tensor.shape)
        rows, first = tensor.elements // flow.full, self.columns.get(flow.tensor, 0)
        return Region((rows, flow.full), ((0, rows), (first, first + flow.codes // rows)))

    # ------------------------------------------------------------------ the loop

    def run(self) -> None:
        """Every group of channels in turn."""
        self.fill()
        for cut in self.cuts:
            recipe = cast("Recipe", cut.recipe)
            for _ in range(cut.groups):
                self._group(recipe, cut.axis)
                self._advance(recipe)
        assert next(self.todo, None) is None, "tiles are left over"
        self.bench.tile = ""

    def _advance(self, recipe: Recipe) -> None:
        """The next group's channels begin where these end."""
        flows: dict[str, tuple[int, int]] = {}
        for one in recipe.stream.passes:
            for flow in (*one.reads, *one.writes):
                flows[flow.tensor] = flow.codes, max(flow.full, flow.codes)
        for flow in self._held_flows(recipe):
            if flow.full:
                flows[flow.tensor] = flow.codes // (self.tensor(flow.tensor).elements // flow.full), flow.full
        for name, (codes, width) in flows.items():
            end = self.columns.get(name, 0) + codes
            self.columns[name] = end if end < width else 0

    def _group(self, recipe: Recipe, axis: TileAxis) -> None:
        if self.norm is not None:
            self.norm.group(self._channels(recipe, self.norm.op.shape.out_c))
        passes, before = recipe.stream.passes, recipe.passes_before
        at = len(passes) if before is None else before
        self._begin(recipe, next(self.todo))
        for part, one in enumerate(passes[:at]):
            self._pass(recipe, axis, part, one)
        self.bench.tile = "between passes"
        between = next(self.todo)
        self.m.at(self.op, {flow.tensor: self.held_part(flow) for flow in (*recipe.held_reads, *recipe.held_writes)})
        self.unit.between()
        for transfer in between.stores:
            if self.norm is not None and is_sums(transfer.tensor):
                self.bench.dram.store(transfer, self._sums_part(transfer, self.norm), self.norm.give_sums())
            else:
                self.send(transfer, self._held_flow(recipe, transfer.tensor))
        for part, one in enumerate(passes[at:], max(at, int(self._is_second(recipe)))):
            self._pass(recipe, axis, part, one)
        end = next(self.todo)
        assert end.gives == (HELD,), "the last tile gives the held operands' room back"
        self.rings[HELD].give()

    def _is_second(self, recipe: Recipe) -> bool:
        """Whether a norm's first pass is another recipe's, over all groups of channels."""
        sums = isinstance(self.op, BatchNormBackward) or (isinstance(self.op, BatchNorm) and self.op.trains)
        return sums and recipe.passes_before == 0

    def _channels(self, recipe: Recipe, width: int) -> Window:
        """The channels of a norm that a group has."""
        flow = next(iter(self._held_flows(recipe)))
        if not flow.full:
            return 0, width
        first = self.columns.get(flow.tensor, 0)
        return first, first + flow.codes // (self.tensor(flow.tensor).elements // flow.full)

    def _sums_part(self, transfer: Transfer, norm: NormUnit) -> Region:
        """A group's sums among those of all channels."""
        size = self.bench.dram.places[transfer.tensor].elements
        first = norm.channels[0] * size // norm.op.shape.out_c
        return whole(size).along(first, first + transfer.elements)

    @staticmethod
    def _held_flows(recipe: Recipe) -> tuple[Flow, ...]:
        return (*recipe.held_reads, *recipe.held_writes, *recipe.again, *recipe.sampled)

    def _held_flow(self, recipe: Recipe, name: str) -> Region:
        return next(self.held_part(flow) for flow in self._held_flows(recipe) if flow.tensor == name)

    def _begin(self, recipe: Recipe, tile: Tile) -> None:
        """Held operands, each in its place."""
        self.bench.tile = "held operands"
        ring, offset = self.rings[HELD], recipe.scratch_bytes
        ring.take()
        results = {flow.tensor for flow in recipe.held_writes}
        areas = {}
        for flow in self._held_flows(recipe):
            name, bits = flow.tensor, self.tensor(flow.tensor).bits
            if self.is_resident(name) or name in areas:
                continue
            region = self.held_part(flow)
            areas[name] = ring.open(name, region, bits, offset=offset, read=True, write=name in results)
            offset += storage_bytes(flow.codes, bits)
        signs = Signs.of(self.op, self.m, self.ctx.chip.local.basis)
        for transfer in tile.loads:
            if transfer.tensor in areas:
                area = areas[transfer.tensor]
                self.bring(transfer, area.region, area)
            elif self.norm is not None and is_sums(transfer.tensor):
                self.norm.take_sums(self.bench.dram.load(transfer, self._sums_part(transfer, self.norm)))
            elif signs is not None:
                signs.load(transfer, self.bench.dram)
            else:
                raise ReplayError("nothing of the op takes it", tensor=transfer.tensor)
        if signs is not None:
            self.held.append(signs.place(ring.addresses[0], self.m))

    def _pass(self, recipe: Recipe, axis: TileAxis, part: int, one: Pass) -> None:
        for at in parts_of(axis, recipe.stream):
            self.bench.tile = f"{one.name}, samples {at.samples[0]}:{at.samples[1]}, units {at.units[0]}:{at.units[1]}"
            self._tile(recipe, part, one, at)

    def _tile(self, recipe: Recipe, part: int, one: Pass, at: UnitRows) -> None:
        tile, stream = next(self.todo), recipe.stream
        units = {flow.tensor: self.unit_part(stream, flow, at) for flow in (*one.reads, *one.writes)}
        samples = {flow.tensor: self.sample_part(stream, flow, at) for flow in (*one.sample_reads, *one.sample_writes)}
        held = {flow.tensor: self.held_part(flow) for flow in self._held_flows(recipe)}
        where = {**held, **samples, **units}
        for index, flows, regions in ((SAMPLES, one.sample_reads, samples), (UNITS, one.reads, units)):
            if index in tile.takes:
                self._take(self.rings[index], flows, regions)
        for transfer in tile.loads:
            region = where[transfer.tensor]
            self.bring(transfer, region, self._slot_area(transfer.tensor, region))
        if tile.takes_out:
            self._take_out(one, {**samples, **units})
        self.m.at(self.op, where)
        self.unit.tile(part, at)
        for transfer in tile.stores:
            self.send(transfer, where[transfer.tensor])
        for index in tile.gives:
            self.rings[index].give()
        if tile.gives_out:
            self.out.give()

    def _take(self, ring: Ring, flows: tuple[Flow, ...], regions: dict[str, Region]) -> None:
        ring.take()
        offset = 0
        for flow in flows:
            if self.ctx.streams_in(flow.tensor):
                bits, region = self.tensor(flow.tensor).bits, regions[flow.tensor]
                ring.open(flow.tensor, region, bits, offset=offset, read=True, write=False)
                offset += storage_bytes(region.elements, bits)

    def _take_out(self, one: Pass, regions: dict[str, Region]) -> None:
        self.out.take()
        offset = 0
        for flow in (*one.writes, *one.sample_writes):
            if not self.is_resident(flow.tensor):
                bits, region = self.tensor(flow.tensor).bits, regions[flow.tensor]
                self.out.open(flow.tensor, region, bits, offset=offset, read=False, write=True)
                offset += storage_bytes(region.elements, bits)

    def _slot_area(self, name: str, region: Region) -> Area:
        for ring in (self.rings[UNITS], self.rings[SAMPLES]):
            for area in ring.areas[ring.at] if ring.at >= 0 else ():
                if area.tensor == name and area.region == region:
                    return area
        raise ReplayError("it is loaded into no slot", tensor=name, region=region.text)
