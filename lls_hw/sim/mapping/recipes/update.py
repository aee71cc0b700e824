"""Recipe of the optimiser's step: a stream on the vector unit."""

from lls_hw.models.program.ops.update import Update
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.stream import Flow, Pass, Stream
from lls_hw.sim.mapping.stream_ops import Grouped, Recipe, Streams
from lls_hw.sim.mapping.work import times


def update(ctx: Context, op: Update) -> Grouped:
    """One pass over the parameter: gradient, momentum and master in; momentum, master and copy out."""
    flows_in = tuple(Flow(name, 1) for name in op.reads)
    flows_out = tuple(Flow(name, 1) for name in op.writes)
    parts = (("update_momentum", 1),) if op.momentum is not None else ()
    copies = (("update_copy", 1),) if op.copy is not None else ()
    draws = (("draw", 1),) if ctx.program.precision.update_rounding == "stochastic" else ()
    work = times(*parts, ("update_master", 1), *draws, *copies)
    one = Pass(f"{op.parameter} update", flows_in, writes=flows_out, work=work)
    return Grouped(((Recipe(Stream("vector", 1, op.elements, (one,))), 1),), "element by element")


STREAMS: Streams = {Update: update}
