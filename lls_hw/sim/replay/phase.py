"""One phase of a group: its rows of a tile, by the arithmetic that the op has by itself."""

from typing import TYPE_CHECKING, Protocol

import numpy as np

from lls_hw.models.program.ops.pooling import Pool
from lls_hw.models.program.ops.products import Product
from lls_hw.models.spec.geometry import Window
from lls_hw.models.spec.storage import storage_bytes
from lls_hw.sim.kernels.codes import Ints, Wide
from lls_hw.sim.kernels.requant import container
from lls_hw.sim.replay.arithmetic import flat, under, under_pool
from lls_hw.sim.replay.errors import ReplayError
from lls_hw.sim.replay.memory import Area
from lls_hw.sim.replay.nest_work import work_of
from lls_hw.sim.replay.places import RowPlace, TilePlace
from lls_hw.sim.replay.region import Region, whole
from lls_hw.sim.replay.units import UnitRows, unit_of
from lls_hw.sim.schedule.work import Rows, Worker

if TYPE_CHECKING:
    from lls_hw.sim.replay.group import GroupReplay


class PhaseReplay(Protocol):
    """A phase while its group runs."""

    def run(self, samples: Window, rows: Rows) -> None:
        """Its rows of a tile."""

    def close(self) -> None:
        """The work that follows when all rows are done."""


def phase_of(owner: "GroupReplay", place: int, worker: Worker) -> PhaseReplay:
    """A phase's replay, by its kind of op."""
    if not worker.is_nest:
        return StreamPhase(owner, worker)
    op = worker.phase.op
    if isinstance(op, Product) and op.direction == "input_grad":
        return ScatterPhase(owner, place, worker)
    if isinstance(op, Product) and op.direction == "weight_grad":
        return WeightPhase(owner, worker)
    return WindowPhase(owner, worker)


class StreamPhase:
    """An op of the vector or local unit."""

    def __init__(self, owner: "GroupReplay", worker: Worker) -> None:
        self.owner, self.phase = owner, worker.phase
        self.unit = unit_of(worker.phase.op, owner.m)
        self.units = worker.recipe.stream.units
        self.between = worker.has_between

    def run(self, samples: Window, rows: Rows) -> None:
        """Rows of maps, and what their samples have of their own."""
        owner, phase = self.owner, self.phase
        maps = [read.tensor for read in phase.maps] + ([phase.out] if phase.out is not None else [])
        own = (*phase.per_sample_reads, *phase.per_sample_writes)
        where = {name: owner.rows_at(name, samples, (rows.first, rows.last)) for name in maps}
        where.update({name: owner.sample_at(name, samples) for name in own})
        owner.m.at(phase.op, where)
        each = self.units // phase.rows
        self.unit.tile(phase.part, UnitRows(samples, (each * rows.first, each * rows.last), self.units))

    def close(self) -> None:
        """Statistics of the sums."""
        if self.between:
            self.owner.m.at(self.phase.op, {})
            self.unit.between()


class WindowPhase:
    """A forward product or a pooling: windows of rows."""

    def __init__(self, owner: "GroupReplay", worker: Worker) -> None:
        self.owner, self.worker, self.phase, self.nest = owner, worker, worker.phase, worker.nest
        self.op = worker.phase.op
        self.work = work_of(self.op, self.nest, owner.m)
        self.is_flat = isinstance(self.op, Product) and flat(self.op.shape) is not self.op.shape

    def place(self, samples: Window, outs: Window, ins: Window) -> TilePlace:
        """The tile in the nest's terms: a linear layer's map is one position."""
        if self.is_flat:
            outs = ins = (0, 1)
        everything = {"r": True, "i": True, "o": True}
        r = RowPlace(samples, outs, ins, ins, ins, (ins[1], ins[1]))
        return TilePlace(r, (0, self.nest.in_c), (0, self.nest.out_c), everything, everything, (0, 0, 0))  # type: ignore[arg-type]

    def map(self, name: str, samples: Window, span: Window) -> Ints:
        """Rows of a map, as (positions, channels) of the nest."""
        codes = self.owner.pad.find(name, self.owner.rows_at(name, samples, span))
        if isinstance(self.op, Pool):
            return codes.reshape(-1, self.nest.in_c)  # a linear layer's features are the rows of its pooling
        return codes.reshape(samples[1] - samples[0], -1) if self.is_flat else codes

    def weights(self) -> Ints:
        """The whole weights, as the nest sees them."""
        assert isinstance(self.op, Product)
        assert self.op.weight is not None
        view = (self.nest.taps, self.nest.in_c, *(() if self.nest.shared else (self.nest.out_c,)))
        return self.owner.pad.find(self.op.weight, whole(*view))

    def window(self, rows: Rows) -> Window:
        """Rows of the input map under some rows, as they lie in memory."""
        height, outs = self.owner.tensor(self.phase.maps[0].tensor).shape[1], (rows.first, rows.last)
        if rows.images > 1:
            return 0, height
        if isinstance(self.op, Pool):
            return under_pool(self.op.pool.grid.rows, outs) if height == self.nest.in_h else (0, height)
        assert isinstance(self.op, Product)
        return (0, height) if self.is_flat else under(self.op.shape, outs)

    def run(self, samples: Window, rows: Rows) -> None:
        """The windows of some rows."""
        op, ins = self.op, self.window(rows)
        assert isinstance(op, Product | Pool)
        assert op.source is not None
        operands = {op.source: self.map(op.source, samples, ins)}
        if isinstance(op, Pool) and self.owner.tensor(op.source).shape[1] != self.nest.in_h:
            ins = (0, self.nest.in_h)
        if isinstance(op, Product):
            operands[str(op.weight)] = self.weights()
        at = self.place(samples, (rows.first, rows.last), ins)
        self.finish(self.work.adds(operands, at), at, samples, (rows.first, rows.last))

    def finish(self, total: Wide, at: TilePlace, samples: Window, span: Window) -> None:
        """Finished sums become codes of the map."""
        name = self.op.result
        region = self.owner.rows_at(name, samples, span)
        self.owner.m.at(self.op, {name: region})
        channels = (
            self.nest.out_c if isinstance(self.op, Product) and self.op.direction == "forward" else self.nest.in_c
        )
        self.work.write(np.ascontiguousarray(total).reshape(-1, channels).reshape(region.shape), at)

    def close(self) -> None:
        """Nothing is left."""


class ScatterPhase(WindowPhase):
    """An input gradient: rows of errors add to rows of the map, of which the last ones wait for the next tile."""

    def __init__(self, owner: "GroupReplay", place: int, worker: Worker) -> None:
        super().__init__(owner, worker)
        self.size_bytes = owner.rooms.waiting.get(place, 0)
        self.address = owner.slots(f"{place} (waiting)")[0] if self.size_bytes else 0
        self.waiting: Area | None = None

    def run(self, samples: Window, rows: Rows) -> None:
        """New rows of errors, and the sums that wait; the rows that are finished leave."""
        op, read = self.op, self.phase.maps[0]
        assert isinstance(op, Product)
        assert op.error is not None
        errors = read.ends[rows.first], read.ends[rows.last]
        height = self.phase.rows
        end = height if self.is_flat else min(height, max(rows.last, self.worker.touched(errors[1])))
        at = self.place(samples, errors, (rows.first, end))
        row = self.owner.tensor(op.out).elements // (op.batch * height)
        shape = (samples[1] - samples[0], end - rows.first, row)
        total: Wide = np.zeros(shape, np.int64)
        if errors[0] < errors[1]:
            operands = {op.error: self.map(op.error, samples, errors), str(op.weight): self.weights()}
            total += self.work.adds(operands, at).reshape(shape)
        if self.waiting is not None:
            found, foreign = self.waiting.read(self.waiting.region)
            if foreign:
                raise ReplayError(f"{foreign} bytes of its sums were overwritten", tensor=self.waiting.tensor)
            total[:, : len(found)] += found
        self.finish(total[:, : rows.last - rows.first], at, samples, (rows.first, rows.last))
        self._let_wait(total[:, rows.last - rows.first :])

    def _let_wait(self, rest: Wide) -> None:
        self.owner.pad.close(self.waiting)
        self.waiting = None
        if rest.size:
            assert len(rest) == 1, "sums of whole samples wait for nobody"
            region, bits = whole(*rest.shape[1:]), self.nest.sum_bits
            name = f"{self.op.result}@sums"
            if storage_bytes(region.elements, bits) > self.size_bytes:
                raise ReplayError("the plan keeps no room for sums that wait", tensor=name, region=region.text)
            self.waiting = self.owner.pad.open(name, self.address, region, bits, read=False, write=False)
            self.waiting.write(region, rest[0].astype(container(bits)))


class WeightPhase(WindowPhase):
    """A weight gradient: sums of all rows of all samples, in the room of the result."""

    def run(self, samples: Window, rows: Rows) -> None:
        """The products of some rows join the sums."""
        op, ins = self.op, self.window(rows)
        assert isinstance(op, Product)
        assert op.source is not None
        assert op.error is not None
        operands = {op.source: self.map(op.source, samples, ins)}
        operands[op.error] = self.map(op.error, samples, (rows.first, rows.last))
        at = self.place(samples, (rows.first, rows.last), ins)
        added = self.work.adds(operands, at)
        region = whole(*added.shape)
        if not rows.begins:
            added = added + self.owner.pad.result(op.out, region)
        self.owner.pad.put(op.out, region, added.astype(container(self.nest.sum_bits)))

    def close(self) -> None:
        """The sums are the gradient."""
        region: Region = self.owner.m.whole_of(self.op.result)
        self.owner.m.at(self.op, {})
        total = self.owner.pad.result(self.op.result, region).astype(np.int64)
        self.work.write(total, self.place((0, 1), (0, 1), (0, 1)))
