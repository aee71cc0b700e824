"""A small network whose ops have every kind of nest, and its ops by themselves."""

from lls_hw.models.program.lower import lower
from lls_hw.models.program.ops.pooling import Pool, PoolBackward
from lls_hw.models.program.ops.products import DepthwiseConv, Gemm
from lls_hw.models.registry import load
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.sim.mapping.context import Context, Place

CHIP = load("chips", "edge_16x16_flat", AcceleratorSpec, "--chip")
NESTS = (Gemm, DepthwiseConv, Pool, PoolBackward)


def small_program(rule="bp", *, channels=(20, 18), shape=(3, 9, 7), batch=3):
    """Two convolutions and two poolings; the second convolution is separable."""
    net = {
        "name": "small",
        "input": list(shape),
        "classes": 3,
        "layers": [
            {
                "kind": "conv",
                "name": "a",
                "out_channels": channels[0],
                "kernel": 3,
                "stride": 2,
                "padding": 1,
                "pool": 2,
            },
            {
                "kind": "separable",
                "name": "b",
                "out_channels": channels[1],
                "kernel": 3,
                "stride": 1,
                "padding": 1,
                "pool": 2,
            },
            {"kind": "max_pool", "size": 2},
            {"kind": "adaptive_avg_pool", "size": 2},
        ],
    }
    return lower(NetworkSpec.from_mapping(net, "small"), parse_rule(rule), batch=batch)


PROGRAM = small_program()
OPS = [index for index, op in enumerate(PROGRAM.ops) if isinstance(op, NESTS)]
TINY = small_program(channels=(5, 6), shape=(2, 6, 5), batch=2)
"""The same ops in the same order, so small that every candidate of every op can be run."""


def op_name(index):
    """The op as the name of a test."""
    return f"{PROGRAM.ops[index].layer}-{PROGRAM.ops[index].stage}-{PROGRAM.ops[index].kind}"


def context(index, budget, chip=CHIP, program=PROGRAM):
    """An op with nothing resident."""
    op = program.ops[index]
    names = dict.fromkeys((*op.reads, *op.writes))
    return Context(program, chip, {n: Place(False, n in op.reads, n in op.writes) for n in names}, budget)
