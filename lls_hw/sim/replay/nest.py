"""Products and poolings, tile by tile: operands in their slots, sums in theirs, halo rows that wait."""

from typing import cast

import numpy as np

from lls_hw.models.program.ops.base import Op
from lls_hw.models.spec.storage import storage_bytes
from lls_hw.sim.kernels.codes import Ints, Wide
from lls_hw.sim.kernels.requant import container
from lls_hw.sim.mapping.choice import Choice
from lls_hw.sim.mapping.context import partial_of
from lls_hw.sim.mapping.nest import Nest
from lls_hw.sim.mapping.nest_ops import held_names, nest_of, streamed_names
from lls_hw.sim.mapping.schedule import ScheduledOp
from lls_hw.sim.mapping.tile import Tile, Transfer
from lls_hw.sim.replay.bench import Bench, OpReplay
from lls_hw.sim.replay.errors import ReplayError
from lls_hw.sim.replay.memory import Area
from lls_hw.sim.replay.nest_work import work_of
from lls_hw.sim.replay.places import TilePlace, part_of, row_places, tile_places
from lls_hw.sim.replay.region import Region, whole


class NestReplay(OpReplay):
    """One op that is a nest of loops."""

    def __init__(self, bench: Bench, scheduled: ScheduledOp) -> None:
        super().__init__(bench, scheduled)
        self.nest, self.choice, self.product = self.nest_of_op(), cast("Choice", self.plan.form), self.product_op()
        self.operands = dict(zip(streamed_names(self.product), self.nest.reads, strict=True))
        self.streamed = [name for name, operand in self.operands.items() if operand.in_dram]
        self.work = work_of(self.product, self.nest, self.m)
        self.halo = {name: self._line(name) for name in self.streamed if self.operands[name].side == "x"}
        self.lines: dict[str, Area] = {}
        self.sums: Area | None = None
        self.kept: Wide | None = None
        self.carried: Wide | None = None

    def product_op(self) -> Op:
        """The op whose nest it is."""
        return self.op

    def nest_of_op(self) -> Nest:
        """Its geometry, and which operands stream."""
        return nest_of(self.ctx, self.op)

    def _line(self, name: str) -> int:
        """The address where halo rows wait; they need no room where none do."""
        operand, rows = self.operands[name], row_places(self.choice.rows, self.nest)
        most = max((r.waits[1] - r.waits[0]) * self.nest.in_w for r in rows)
        channels = max(piece.size for piece, _ in self.choice.ins.runs)
        if not self.choice.keeps_halo or not most:
            return 0
        return self.room(storage_bytes(most * channels, operand.bits))

    # ------------------------------------------------------------------ the loop

    def run(self) -> None:
        """Every tile in its place."""
        for name in held_names(self.product):
            self.hold(name)
        self.fill()
        for tile, at in zip(self.tiles(), tile_places(self.choice, self.nest), strict=True):
            self.bench.tile = at.text
            self._load(tile, at)
            self._compute(tile, at)
            self._let_wait(tile, at)
            for index in tile.gives:
                self.rings[index].give()
            if tile.gives_out:
                self.out.give()
        self.bench.tile = ""

    def _load(self, tile: Tile, at: TilePlace) -> None:
        for index in tile.takes:
            self.rings[index].take()
        for transfer in tile.loads:
            self.load(transfer, at)

    def load(self, transfer: Transfer, at: TilePlace) -> None:
        """One of a tile's loads, into the slot that it took."""
        name = transfer.tensor
        if name == partial_of(self.product.result):
            area = self.rings[-1].open(name, self._part(at), self.nest.sum_bits, read=True, write=False)
            area.write(area.region, self._whole_piece(transfer, at))
            return
        operand = self.operands[name]
        rows = at.r.fresh if operand.side == "x" and self.choice.keeps_halo else None
        region = part_of(self.nest, operand, at, rows)
        ring = self.rings[self.streamed.index(name)]
        self.bring(transfer, region, ring.open(name, region, operand.bits, read=True, write=False))

    def _let_wait(self, tile: Tile, at: TilePlace) -> None:
        """Rows under the next tile's windows go to the line where they wait, before their slot is taken again."""
        for name in self.halo:
            index = self.streamed.index(name)
            if index not in tile.gives or not self.choice.keeps_halo:
                continue
            if at.r.waits[0] == at.r.waits[1]:
                self.pad.close(self.lines.pop(name, None))
                continue
            region, bits = part_of(self.nest, self.operands[name], at, at.r.waits), self.operands[name].bits
            codes = self.pad.find(name, region)
            self.pad.close(self.lines.pop(name, None))
            self.lines[name] = self.pad.open(name, self.halo[name], region, bits, write=False)
            self.lines[name].write(region, codes)

    # ------------------------------------------------------------------ sums

    def _part(self, at: TilePlace) -> Region:
        """The part of the result to which a tile adds."""
        return part_of(self.nest, self.nest.result, at)

    def _compute(self, tile: Tile, at: TilePlace) -> None:
        region = self._part(at)
        if tile.takes_out:
            self._open_sums(at, region)
        total = self._so_far(region) + self.work.adds(self.operand_at(at), at).reshape(region.shape)
        self._keep(region, total)
        again = partial_of(self.product.result)
        if tile.gives_out and any(transfer.tensor == again for transfer in tile.stores):
            self._send_partial(tile, at, region)
        elif tile.gives_out:
            self.finish(tile, at, self._so_far(region))
            self._carry(at)

    def operand_at(self, at: TilePlace) -> dict[str, Ints]:
        """The tile's operands, read from the scratchpad."""
        rows = self.work.needs(at)
        return {
            name: self.pad.find(name, part_of(self.nest, operand, at, rows if operand.side == "x" else None))
            for name, operand in self.operands.items()
        }

    def _open_sums(self, at: TilePlace, region: Region) -> None:
        """Room for a tile's sums: partial ones that were loaded, those that the last rows left, or zeros."""
        start = np.zeros(region.shape, np.int64)
        name = partial_of(self.product.result)
        if self.pad.readable.get(name) and not self._is_first_visit(at):
            start += self.pad.find(name, region)
        if self.carried is not None:
            start[: len(self.carried)] = self.carried
            self.carried = None
        self.out.take()
        if not self.choice.held:
            self.sums = self.out.open(
                f"{self.product.result}@sums", region, self.nest.sum_bits, read=False, write=False
            )
        self._keep(region, start)

    def _is_first_visit(self, at: TilePlace) -> bool:
        return all(at.first[dim] for dim in self.choice.repeats(self.nest, self.nest.result))

    def _keep(self, region: Region, sums: Wide) -> None:
        """Sums go to their slot, or, held, stay in the accumulators; either holds so many bits."""
        top = 1 << (self.nest.sum_bits - 1)
        if sums.size and not -top <= sums.min() <= sums.max() < top:
            raise ReplayError(f"its sums leave {self.nest.sum_bits} bits", tensor=self.product.result)
        if self.sums is None:
            self.kept = sums
        else:
            self.sums.write(region, sums)

    def _so_far(self, region: Region) -> Wide:
        if self.sums is None:
            assert self.kept is not None, "sums are opened before they are added to"
            return self.kept
        found, foreign = self.sums.read(region)
        if foreign:
            raise ReplayError(f"{foreign} bytes of its sums were overwritten", tensor=self.sums.tensor)
        return found.astype(np.int64)

    def _carry(self, at: TilePlace) -> None:
        """Sums of halo rows pass to the next tile of the image."""
        if self.nest.result.side == "x" and at.r.waits[0] < at.r.waits[1]:
            self.carried = self._so_far_rows(at)

    def _so_far_rows(self, at: TilePlace) -> Wide:
        region = part_of(self.nest, self.nest.result, at, at.r.waits)
        if self.sums is None:
            assert self.kept is not None
            return self.kept[len(self.kept) - region.shape[0] :]
        return self._so_far(region)

    # ------------------------------------------------------------------ results

    def final_part(self, at: TilePlace) -> Region:
        """The part of the result that is finished with a tile."""
        result = self.nest.result
        return part_of(self.nest, result, at, at.r.final) if result.side == "x" else self._part(at)

    def finish(self, tile: Tile, at: TilePlace, total: Wide) -> None:
        """Finished sums become codes of the result, and leave."""
        name, region = self.product.result, self.final_part(at)
        if not region.elements:
            return
        if not self.is_resident(name):
            self.out.open(name, region, self.tensor(name).bits, read=False, write=True)
        self.m.at(self.product, {name: region})
        self.work.write(total.reshape(self._part(at).shape)[: region.shape[0]], at)
        for transfer in tile.stores:
            self.send(transfer, region)

    def _send_partial(self, tile: Tile, at: TilePlace, region: Region) -> None:
        codes = self._so_far(region).astype(container(self.nest.sum_bits))
        (transfer,) = tile.stores
        self.bench.dram.store(transfer, self._piece_in_dram(at), codes)

    def _whole_piece(self, transfer: Transfer, at: TilePlace) -> Ints:
        return self.bench.dram.load(transfer, self._piece_in_dram(at))

    def _piece_in_dram(self, at: TilePlace) -> Region:
        """Partial sums lie in DRAM tile by tile, each in one piece."""
        size = self.bench.dram.places[partial_of(self.product.result)].elements
        key = tuple(at.number["rio".index(dim)] for dim in self.nest.relevant(self.nest.result.side))
        first = self._offsets()[key]
        return whole(size).along(first, first + self._part(at).elements)

    def _offsets(self) -> dict[tuple[int, ...], int]:
        if not hasattr(self, "_placed"):
            self._placed: dict[tuple[int, ...], int] = {}
            end = 0
            for at in tile_places(self.choice, self.nest):
                key = tuple(at.number["rio".index(dim)] for dim in self.nest.relevant(self.nest.result.side))
                if key not in self._placed:
                    self._placed[key] = end
                    end += self._part(at).elements
        return self._placed
