"""Recipe of the sum of gradients: a stream on the vector unit."""

from lls_hw.models.program.ops.accumulate import Accumulate
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.stream import Flow, Pass, Stream
from lls_hw.sim.mapping.stream_ops import Grouped, Recipe, Streams
from lls_hw.sim.mapping.work import times


def accumulate(ctx: Context, op: Accumulate) -> Grouped:
    """One pass over the parameter: this gradient and the sum so far in, the new sum or the mean out."""
    mean = (("accumulate_mean", 1),) if op.multiplies else ()
    one = Pass(
        f"{op.parameter} accumulate",
        (Flow(op.gradient, 1), Flow(op.total, 1)),
        writes=(Flow(op.out, 1),),
        work=times(("accumulate", 1), *mean),
    )
    return Grouped(((Recipe(Stream("vector", 1, op.elements, (one,))), 1),), "element by element")


STREAMS: Streams = {Accumulate: accumulate}
