"""Choice of a mapping by what the whole op costs on this chip: by bounds first, then by running the best few.

Every candidate has a cost below which it cannot fall, and a likely one (`bounds`). Candidates are run, alone on an
empty chip, the likely ones first, until none is left that could fall below the best cost found: then that one is the
best of all, proven. After `MOST_RUNS` the best so far is taken. The mapping of fewest DRAM bytes is always among those
that are run, so in the objective the choice is never worse than it. Of equals the first run stays: fewest bytes, then
by likely cost, bytes, tiles and place in the table.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import combinations

import numpy as np

from lls_hw.models.program.ops.base import Op
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.sim.cost.counts import Counts
from lls_hw.sim.mapping.bounds import Bounds, bounds_of
from lls_hw.sim.mapping.choice import Choice
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.grid import Counted
from lls_hw.sim.mapping.nest import Nest
from lls_hw.sim.mapping.nest_plan import NestBuilder, TileWorker
from lls_hw.sim.mapping.objective import Objective
from lls_hw.sim.mapping.search import IMPOSSIBLE_BYTES, Candidates, candidates_of
from lls_hw.sim.mapping.tile import Plan, Unit
from lls_hw.sim.mapping.traffic import Traffic

MOST_RUNS = 16
"""Candidates of an op that are run, beside the one of fewest bytes."""

ROUNDING = 1e-12
"""By so much a bound, a sum of floats, may exceed what it bounds."""

Alone = Callable[[Op, Plan, AcceleratorSpec], tuple[Counts, int]]
"""Events and cycles of an op by itself on an empty chip."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A nest on a chip, without what does not change its cost: tensors' names, room beside it, technology.

    Loads of resident tensors before the first tile, and operands held for the whole op, are the same for
    every mapping and left out.
    """

    op: Op
    nest: Nest
    worker: TileWorker
    ctx: Context
    alone: Alone
    key: Hashable

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trial) and self.key == other.key

    def run(self, choice: Choice) -> tuple[Counts, int]:
        """Events and cycles of a mapping."""
        return _run(self, choice)


def trial_of(ctx: Context, nest: Nest, op: Op, worker: TileWorker, alone: Alone) -> Trial:
    """The trial of an op's nest."""
    work = worker.work
    what = tuple(getattr(work, f.name) for f in fields(work) if f.name != "ctx")  # type: ignore[arg-type]
    return Trial(op, nest, worker, ctx, alone, (type(work), what, nest, worker.route, _machine(ctx.chip, worker.route)))


@lru_cache(maxsize=64)
def _machine(chip: AcceleratorSpec, route: tuple[Unit, ...]) -> Hashable:
    """The parts of a chip on which the cost of an op depends that fits into its scratchpad."""
    pad = chip.scratchpad
    units = tuple(getattr(chip, unit) for unit in route)
    levels = tuple(level for role, level in chip.levels.items() if role != "scratchpad")
    return (*units, *levels, pad.word_bits, pad.ports, pad.double_buffered)


@lru_cache(maxsize=16384)
def _run(trial: Trial, choice: Choice) -> tuple[Counts, int]:
    names = tuple(f"{operand.side}{at}" for at, operand in enumerate((*trial.nest.reads, trial.nest.result)))
    work = trial.worker.work_for(choice)
    plan = NestBuilder(trial.ctx, trial.nest, names, choice, work).plan(trial.worker.route, 0, ())
    return trial.alone(trial.op, plan, trial.ctx.chip)


def least_cost(objective: Objective, trial: Trial, budget_bytes: int, fewest_bytes: Choice) -> Choice:
    """The mapping of least cost among those that fit, as far as `MOST_RUNS` runs tell."""
    table, bounds, flat = _fitting(objective, trial, budget_bytes)
    floor = bounds.least(objective, table.dram_bytes).ravel()[flat] * (1 - ROUNDING)
    best, least = fewest_bytes, objective.of(*trial.run(fewest_bytes))
    for at in _ranked(objective, table, bounds, flat):
        if floor.min() >= least:
            break
        if floor[at] < least:
            choice = table.choice(int(flat[at]))
            cost = objective.of(*trial.run(choice))
            if cost < least:
                best, least = choice, cost
        floor[at] = np.inf
    return best


def promising(objective: Objective, trial: Trial, budget_bytes: int) -> Iterator[Choice]:
    """The candidates that are looked at first, by their likely cost."""
    table, bounds, flat = _fitting(objective, trial, budget_bytes)
    return (table.choice(int(flat[at])) for at in _ranked(objective, table, bounds, flat))


def _fitting(objective: Objective, trial: Trial, budget_bytes: int) -> tuple[Candidates, Bounds, Counted]:
    """The table, its bounds, and the flat indices of those that fit."""
    table, bounds, apart = _bounds(objective, trial)
    return table, bounds, apart[table.need_bytes.ravel()[apart] <= budget_bytes]


@lru_cache(maxsize=192)
def _bounds(objective: Objective, trial: Trial) -> tuple[Candidates, Bounds, Counted]:
    """Candidates, their bounds, and the flat indices of those that no earlier one equals."""
    dram, depth = trial.ctx.chip.dram, trial.ctx.depth
    traffic = Traffic(trial.nest, dram, depth)
    table = candidates_of(trial.nest, dram, depth)
    return table, bounds_of(traffic, trial.ctx.chip, objective, trial.worker, table.held), distinct(table, traffic)


def distinct(table: Candidates, traffic: Traffic) -> Counted:
    """Flat indices of the candidates that are not an earlier one again: loops of one turn may stand anywhere."""
    possible = table.need_bytes < IMPOSSIBLE_BYTES
    shape = table.dram_bytes.shape[1:]
    turning = {dim: np.broadcast_to(traffic.trips[dim] > 1, shape) for dim in traffic.nest.dims}
    apart = possible.copy()
    for row, order in enumerate(table.orders):
        for earlier, before in enumerate(table.orders[:row]):
            same = np.ones(shape, bool)
            for a, b in combinations(turning, 2):
                if (order.index(a) < order.index(b)) != (before.index(a) < before.index(b)):
                    same &= ~(turning[a] & turning[b])  # the two loops are exchanged: one of them must not turn
            apart[row] &= ~(same & possible[earlier])
    return np.flatnonzero(apart)


def _ranked(objective: Objective, table: Candidates, bounds: Bounds, flat: Counted) -> Counted:
    """Places in `flat` of the `MOST_RUNS` candidates to run, in their order."""
    likely = bounds.likely(objective, table.dram_bytes).ravel()[flat]
    rank = np.rint(likely * (1e9 / likely.min()))  # sums of floats may differ in their last bits between machines
    most = min(MOST_RUNS, len(rank))
    few = np.flatnonzero(rank <= np.partition(rank, most - 1)[most - 1])
    order = np.lexsort((flat[few], _tiles(table, flat[few]), table.dram_bytes.ravel()[flat[few]], rank[few]))
    return few[order[:most]]


def _tiles(table: Candidates, flat: Counted) -> Counted:
    _, *at = np.unravel_index(flat, table.dram_bytes.shape)
    tiles = np.ones(len(flat), np.int64)
    for dim, index in zip(table.axes, at, strict=True):
        tiles = tiles * np.array([axis.trips for axis in table.axes[dim]])[index]
    return tiles
