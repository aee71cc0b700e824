"""A program of one op, and plans made by hand for it."""

import pytest

from lls_hw.models.program.lower import lower
from lls_hw.models.program.ops.update import Update
from lls_hw.models.program.program import Program
from lls_hw.models.registry import load, load_network
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.sim.mapping.residency import Residency
from lls_hw.sim.mapping.schedule import Schedule, ScheduledOp
from lls_hw.sim.mapping.tile import Buffer, Plan, Transfer


@pytest.fixture(scope="session")
def chip():
    return load("chips", "edge_16x16_flat", AcceleratorSpec, "--chip")


@pytest.fixture(scope="session")
def one_op_program():
    whole = lower(load_network("smallconv"), parse_rule("lls"), batch=2)
    op = next(op for op in whole.ops if isinstance(op, Update))
    names = (*op.reads, *op.writes)
    return Program(
        network=whole.network,
        rule=whole.rule,
        precision=whole.precision,
        optimizer=whole.optimizer,
        batch=whole.batch,
        ops=(op,),
        tensors={name: whole.tensors[name] for name in names},
    )


@pytest.fixture(scope="session")
def scheduled(one_op_program):
    """Schedule of one op whose plan is given."""

    def make(chip, body, *, route=("array",), slot_bytes=64, depth=2):
        plan = Plan(
            route=route,
            buffers=(Buffer("in", slot_bytes, depth),),
            out=Buffer("out", slot_bytes, depth),
            held_bytes=0,
            fills=(),
            body=tuple(body),
            touched_reads={},
            touched_writes={},
            note="by hand",
        )
        op = ScheduledOp(
            index=0, op=one_op_program.ops[0], plan=plan, arrives=(), uses=(), load_after={}, start_after=()
        )
        return Schedule(one_op_program, chip, Residency((), ({},), (0,)), (op,))

    return make


@pytest.fixture(scope="session")
def transfer():
    def make(size_bytes, tensor="x"):
        return Transfer(tensor, size_bytes, size_bytes, size_bytes, 1)

    return make
