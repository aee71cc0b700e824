"""Transfers of every candidate of a nest: what a tile of each side moves, and how often."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from lls_hw.models.spec.memory import DramSpec
from lls_hw.sim.mapping.axes import TileAxis
from lls_hw.sim.mapping.grid import Counted, RealNumbers, TileGrid
from lls_hw.sim.mapping.nest import Dim, Nest, NestOperand
from lls_hw.sim.mapping.tile import Transfer

TileMeasure = Callable[[Transfer], int]
"""An amount of a transfer: bytes, cycles, energy."""


class Traffic:
    """The transfers of every candidate of a nest."""

    def __init__(
        self, nest: Nest, dram: DramSpec, depth: int, axes: dict[Dim, tuple[TileAxis, ...]] | None = None
    ) -> None:
        self.nest, self.dram, self.depth = nest, dram, depth
        self.axes = axes or nest.axes()
        self.grid = TileGrid(self.axes)
        self.trips = self.grid.trips

    def repeats(self, operand: NestOperand, order: str) -> Counted:
        """Times that the whole side is brought in."""
        total: Counted = np.ones((1, 1, 1), np.int64)
        for dim in self.nest.ignored(operand.side):
            turning = np.zeros((1, 1, 1), bool)
            for inner in self.nest.relevant(operand.side):
                if order.index(inner) > order.index(dim):
                    turning = turning | (self.trips[inner] > 1)
            total = total * np.where(turning, self.trips[dim], 1)
        return total

    def visits(self, operand: NestOperand, order: str) -> Counted:
        """Times that a tile of the side is brought in."""
        visits = self.repeats(operand, order)
        for dim in self.nest.relevant(operand.side):
            visits = visits * self.trips[dim]
        return visits

    def load(self, operand: NestOperand, *, kept: bool = False) -> Transfer:
        """The transfer that brings a tile in, for every tile [r, i, o]; `kept`: without the halo that is there."""
        return self.nest.transfer(self.dram, "", operand, self.grid.at, kept=kept)

    def keeps_halo(self, order: str) -> npt.NDArray[np.bool_]:
        """`Choice.keeps_halo` of every cut."""
        keeps: npt.NDArray[np.bool_] = (self.trips["i"] == 1) | (order.index("r") > order.index("i"))
        return keeps

    def partial(self) -> Transfer:
        """The transfer of a tile's partial sums, for every tile."""
        return self.nest.partial(self.dram, "", self.grid.at)

    def store(self) -> Transfer:
        """The transfer of a tile's finished results, for every tile."""
        return self.nest.transfer(self.dram, "", self.nest.result, self.grid.at, final=True)

    def once(self, transfer: Transfer, operand: NestOperand, measure: TileMeasure) -> RealNumbers:
        """Total of moving the whole side once, for every cut."""
        return self.grid.total(measure(transfer), self.nest.relevant(operand.side))
