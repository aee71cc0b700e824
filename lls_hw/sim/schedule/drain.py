"""A weight gradient that is taken for its update while it drains: it never leaves the chip.

The tile that finishes a piece of the gradient loads that piece of the master and the optimiser's state, the vector
unit updates it, and the new state goes out instead of 32-bit sums that would come back at once. The weights change
under way: so the op takes the place of the update, when nothing reads the old weights any more.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from lls_hw.models.program.ops.base import Op
from lls_hw.models.program.ops.products import Product
from lls_hw.models.program.ops.update import Update
from lls_hw.models.program.program import Program
from lls_hw.sim.mapping.axes import Step
from lls_hw.sim.mapping.context import Context, Place, partial_of
from lls_hw.sim.mapping.dispatch import recipe_of
from lls_hw.sim.mapping.nest import Dim, Nest, NestOperand
from lls_hw.sim.mapping.nest_ops import NESTS, fewest_bytes
from lls_hw.sim.mapping.nest_plan import NestBuilder, Pieces
from lls_hw.sim.mapping.pinned import pin_of
from lls_hw.sim.mapping.search import least_bytes as smallest_need
from lls_hw.sim.mapping.stream import Pass, lanes_of, pass_tally
from lls_hw.sim.mapping.tile import Buffer, EventTally, Plan, Tile, TilePart, Transfer, add_to
from lls_hw.sim.mapping.work import lane_cycles


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrainedUpdate(Op):
    """A layer's weight gradient and its update, `at` their places in the program."""

    READS: ClassVar[tuple[str, ...]] = ()
    WRITES: ClassVar[tuple[str, ...]] = ()

    product: Product
    update: Update
    at: tuple[int, int]

    @property
    def state(self) -> tuple[str, ...]:
        """The update's reads beside the gradient."""
        return tuple(name for name in self.update.reads if name != self.update.gradient)

    @property
    def reads(self) -> tuple[str, ...]:
        """Operands of the product, and the optimiser's state."""
        return (*self.product.reads, *self.state)

    @property
    def writes(self) -> tuple[str, ...]:
        """The new state and the copy."""
        return self.update.writes

    @property
    def kind(self) -> str:
        """Both kinds."""
        return f"{self.product.kind} + Update"


def drained(program: Program, product: Product, update: Update) -> DrainedUpdate:
    """The two as one op."""
    numbers = {id(op): index for index, op in enumerate(program.ops)}
    return DrainedUpdate(
        layer=product.layer,
        stage=product.stage,
        batch=product.batch,
        product=product,
        update=update,
        at=(numbers[id(product)], numbers[id(update)]),
    )


def can_drain(ctx: Context, product: Product, update: Update) -> bool:
    """Whether the update takes one pass, and room is likely: a quarter of the scratchpad holds the smallest tiles.

    The scale of Adam's second moment follows from the peak of the whole gradient, so it waits for the last of it.
    """
    passes = recipe_of(ctx, update).parts[0][0].stream.passes
    if (
        len(passes) > 1
        or update.second is not None
        or type(product) not in NESTS
        or pin_of(ctx.chip, product) is not None
    ):
        return False
    return 4 * _least(ctx, product, update) <= ctx.chip.scratchpad.capacity_bytes


def least_bytes(ctx: Context, op: DrainedUpdate) -> int:
    """The smallest working set."""
    return _least(inside(ctx, op), op.product, op.update)


def _least(ctx: Context, product: Product, update: Update) -> int:
    return smallest_need(_scored(ctx, product, update), ctx.chip.dram, ctx.depth)


def _scored(ctx: Context, product: Product, update: Update) -> Nest:
    """The product as the mapper should see it: its result comes with the optimiser's state, and leaves as that."""
    nest = NESTS[type(product)].nest(ctx, product)
    names = dict.fromkeys((*update.reads, *update.writes))
    bits = [ctx.tensor(name).bits for name in names if name != update.gradient]
    state = tuple(NestOperand("w", width, in_dram=True) for width in bits)
    out = sum(ctx.tensor(name).bits for name in update.writes if name in update.reads)
    return replace(nest, reads=(*nest.reads, *state), result=NestOperand("w", out, in_dram=True))


def plan(ctx: Context, op: DrainedUpdate) -> Plan:
    """Tiles of the product, the last of each piece with the update behind it: fewest DRAM bytes."""
    inner = inside(ctx, op)
    nest = NESTS[type(op.product)].nest(inner, op.product)
    worker = NESTS[type(op.product)].work(inner, nest, op.product)
    scored = _scored(inner, op.product, op.update)
    choice = fewest_bytes(inner, scored, op.product, worker, ctx.budget_bytes)
    builder = DrainBuilder(inner, nest, (*op.product.factors, op.product.out), choice, worker.work_for(choice))
    builder.drain(op)
    found = builder.plan(("array", "vector"), 0, inner.fills(op.reads))
    sizes = {name: ctx.tensor(name).elements for name in (*op.state, *op.writes)}
    return replace(
        found,
        touched_reads={**found.touched_reads, **{name: sizes[name] for name in op.state}},
        touched_writes={name: sizes[name] for name in op.writes},
        note=f"{found.note}, updated as it drains",
        owners={
            partial_of(op.product.out): op.at[0],
            **{name: op.at[name not in op.product.reads] for name in (*op.reads, *op.writes)},
        },
    )


def inside(ctx: Context, op: DrainedUpdate) -> Context:
    """The op's context: the gradient itself goes nowhere."""
    own = {op.product.out: Place(resident=False, load=False, store=False)}
    return replace(ctx, places={**ctx.places, **own})


class DrainBuilder(NestBuilder):
    """Tiles of a weight gradient, with the update in those that finish a piece."""

    def drain(self, op: DrainedUpdate) -> None:
        """Make room for the optimiser's state."""
        self.op = op
        self.one: Pass = recipe_of(self.ctx, op.update).parts[0][0].stream.passes[0]
        streamed = [name for name in op.state if self.ctx.streams_in(name)]
        names = dict.fromkeys((*streamed, *self._sent()))
        size = sum(self._largest("w", self.ctx.tensor(name).bits) for name in names)
        self.buffers.insert(len(self.streamed), Buffer("state", size, self.out.depth))

    def _sent(self) -> list[str]:
        return [name for name in self.op.writes if self.ctx.streams_out(name)]

    def _make(self, at: dict[Dim, Step]) -> Tile:
        tile = super()._make(at)
        pieces: Pieces = {dim: step.piece for dim, step in at.items()}
        first, second = self.op.at
        route = ("array", "vector")
        busy = dict(zip(route, tile.cycles, strict=False))
        parts = (TilePart(first, tile.tally, busy),)
        if not self._finishes(at):
            return replace(tile, cycles=(*tile.cycles, 0), parts=parts)
        codes = self.nest.elements("w", pieces)
        work = pass_tally(self.ctx, self.one, units=codes, samples=1, last=True)
        cycles = self.ctx.served(lane_cycles(lanes_of(work), self.ctx.chip.vector.lanes), work)
        tally: EventTally = dict(tile.tally)
        add_to(tally, work)
        index = len(self.streamed)
        return replace(
            tile,
            cycles=(*tile.cycles, cycles),
            loads=(*tile.loads, *(self._slice(n, pieces) for n in self.op.state if self.ctx.streams_in(n))),
            takes=(*tile.takes, index),
            gives=(*tile.gives, index),
            stores=tuple(self._slice(name, pieces) for name in self._sent()),
            tally=tally,
            keeps=True,
            parts=(*parts, TilePart(second, work, {"vector": cycles})),
        )

    def _finishes(self, at: dict[Dim, Step]) -> bool:
        kept = [dim for dim in self.nest.ignored("w") if dim not in self.spills]
        return all(at[dim].last for dim in (*kept, *self.spills))

    def _slice(self, name: str, pieces: Pieces) -> Transfer:
        """The piece's part of a tensor that lies like the weights."""
        operand = NestOperand("w", self.ctx.tensor(name).bits, in_dram=True)
        return self.nest.transfer(self.ctx.chip.dram, name, operand, pieces)
