"""Weight gradients that their updates take while they drain: the update of each piece of weights that is finished."""

from typing import cast

from lls_hw.models.program.ops.base import Op
from lls_hw.models.spec.storage import storage_bytes
from lls_hw.sim.kernels.codes import Wide
from lls_hw.sim.kernels.requant import container
from lls_hw.sim.mapping.nest import Nest, NestOperand
from lls_hw.sim.mapping.nest_ops import nest_of
from lls_hw.sim.mapping.schedule import ScheduledOp
from lls_hw.sim.mapping.tile import Tile, Transfer
from lls_hw.sim.replay.bench import Bench
from lls_hw.sim.replay.nest import NestReplay
from lls_hw.sim.replay.places import TilePlace, part_of
from lls_hw.sim.replay.region import Region
from lls_hw.sim.replay.units import UnitRows, UpdateUnit
from lls_hw.sim.schedule.drain import DrainedUpdate, inside


class DrainReplay(NestReplay):
    """One weight gradient with its update."""

    def __init__(self, bench: Bench, scheduled: ScheduledOp) -> None:
        self.both = cast("DrainedUpdate", scheduled.op)
        super().__init__(bench, scheduled)
        self.unit = UpdateUnit(self.both.update, self.m)
        sent = [name for name in self.both.writes if self.ctx.streams_out(name)]
        brought = [name for name in self.both.state if self.ctx.streams_in(name)]
        self.state = [name for name in dict.fromkeys((*brought, *sent)) if not self.is_resident(name)]
        self.opened: tuple[int, int, int] | None = None

    def product_op(self) -> Op:
        """The weight gradient."""
        return self.both.product

    def nest_of_op(self) -> Nest:
        """That of the product, whose result goes nowhere."""
        self.ctx = inside(self.ctx, self.both)
        return nest_of(self.ctx, self.both.product)

    def _weights(self, name: str, at: TilePlace) -> Region:
        return part_of(self.nest, NestOperand("w", self.tensor(name).bits, in_dram=True), at)

    def _open_state(self, at: TilePlace) -> None:
        """The optimiser's state for the tile's piece of the weights, tensor by tensor in one slot."""
        if self.opened == at.number:
            return
        self.opened, offset = at.number, 0
        for name in self.state:
            region, bits = self._weights(name, at), self.tensor(name).bits
            brought = name in self.both.state
            self.rings[len(self.streamed)].open(
                name, region, bits, offset=offset, read=brought, write=name in self.both.writes
            )
            offset += storage_bytes(region.elements, bits)

    def load(self, transfer: Transfer, at: TilePlace) -> None:
        """The product's loads, and the state's."""
        if transfer.tensor not in self.state:
            super().load(transfer, at)
            return
        self._open_state(at)
        ring, region = self.rings[len(self.streamed)], self._weights(transfer.tensor, at)
        area = next(area for area in ring.areas[ring.at] if area.tensor == transfer.tensor)
        self.bring(transfer, region, area)

    def finish(self, tile: Tile, at: TilePlace, total: Wide) -> None:
        """The update of the piece, one run of adjoining weights after the other."""
        self._open_state(at)
        update, name = self.both.update, self.both.product.out
        codes = total.astype(container(self.tensor(name).bits))
        region = self._part(at)
        self.m.fracs[name] = sum(self.m.fracs[factor] for factor in self.both.product.factors)
        for run in region.runs():
            self.m.at(update, dict.fromkeys((*update.reads, *update.writes), run))
            self.m.direct = {name: codes.reshape(region.shape)[run.within(region)]}
            self.unit.tile(0, UnitRows((0, 1), (0, run.elements), run.elements))
        self.m.direct = {}
        for transfer in tile.stores:
            self.send(transfer, self._weights(transfer.tensor, at))
