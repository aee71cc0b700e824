"""Recipe of the optimiser's step: a stream on the vector unit."""

from lls_hw.models.program.ops.base import Operand
from lls_hw.models.program.ops.update import Update
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.stream import Flow, Pass, Stream
from lls_hw.sim.mapping.stream_ops import Grouped, Recipe, Streams
from lls_hw.sim.mapping.work import times


def update(ctx: Context, op: Update) -> Grouped:
    """One pass over the parameter: gradient, momentum and master in; momentum, master and copy out.

    Where scales are measured first, the step's peak takes a pass before it, and the copy one behind it.
    """
    wide = (("update_momentum", 1),) if op.momentum is not None else ()
    draws = ("draw",) if ctx.program.precision.update_rounding == "stochastic" else ()
    square = (
        ("peak", "update_second", "update_step", *draws, "peak", "update_quotient") if op.second is not None else ()
    )
    main = (*wide, *_each("update_step", *draws, *ctx.peak(), *square, "update_master", *draws))
    apart = ctx.measures and op.copy is not None
    copy = _each("update_copy") if op.copy is not None else ()
    name = f"{op.parameter} update"
    sources = (op.gradient, op.momentum)
    passes = (
        *((Pass(f"{name}: peak", _flows(sources), work=times(*wide, ("peak", 1))),) if ctx.measures else ()),
        Pass(
            name,
            _flows(op.reads),
            writes=_flows((op.momentum, op.second, op.master, None if apart else op.copy)),
            work=times(*main, *(() if apart else copy)),
        ),
        *(
            (Pass(f"{name}: copy", _flows((op.master,)), writes=_flows((op.copy,)), work=times(*copy)),)
            if apart
            else ()
        ),
    )
    return Grouped(((Recipe(Stream("vector", 1, op.elements, passes)), 1),), "element by element")


def _each(*entries: str) -> tuple[tuple[str, int], ...]:
    return tuple((entry, 1) for entry in entries)


def _flows(names: tuple[Operand, ...]) -> tuple[Flow, ...]:
    return tuple(Flow(name, 1) for name in names if name is not None)


STREAMS: Streams = {Update: update}
