"""The same step gives the same bits however it is run."""

import dataclasses
import os
from pathlib import Path

import pytest

from lls_hw.models.registry import load
from lls_hw.models.spec.accelerator import AcceleratorSpec
from tests.children import python
from tests.unit.functional import small


def elsewhere(*cases: int, **environment: str) -> list[str]:
    """`small.digests` in a process of its own."""
    out, _ = python("-m", "tests.unit.functional.small", *map(str, cases), **environment)
    return out.split()


def test_step__same_bits_without_jit():
    assert elsewhere(NUMBA_DISABLE_JIT="1") == small.digests()


def test_step__same_bits_with_bounds_checks():
    cache = Path(os.environ.get("LLS_HW_CACHE") or Path.home() / ".cache") / "lls-hw-bounds"
    # a folder of its own: numba's disk cache does not know whether bounds were checked
    assert elsewhere(0, 2, NUMBA_BOUNDSCHECK="1", LLS_HW_CACHE=str(cache)) == small.digests(0, 2)


@pytest.mark.parametrize("rule", small.LEARNING)
def test_step__same_seed_same_values(rule):
    first, second = (small.digest(small.train(small.engine(rule, seed=7))) for _ in range(2))
    assert first == second
    assert small.digest(small.train(small.engine(rule, seed=8))) != first


@pytest.mark.parametrize("case", small.CASES, ids=lambda case: case[0])
def test_step__threads_change_no_bit(case, monkeypatch):
    rule, bits, widths = case
    found = set()
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("LLS_HW_THREADS", threads)
        found.add(small.digest(small.train(small.engine(rule, bits, **widths))))
    assert len(found) == 1


@pytest.mark.parametrize("rule", small.RULES)
def test_step__fold_and_guard_change_no_bit_where_nothing_overflows(rule):
    want = small.train(small.engine(rule, "8"))
    assert sum(r.tally.overflows for r in want.machine.records) == 0
    for chain_terms, prove in ((1, True), (64, True), (16, False), (3, False), (None, False)):
        other = small.engine(rule, "8")
        other.machine.sums = dataclasses.replace(other.machine.sums, chain_terms=chain_terms, prove=prove)
        assert small.digest(small.train(other)) == small.digest(want)
        guarded = sum(r.tally.guarded for r in other.machine.records)
        assert guarded == (0 if prove else sum(r.tally.macs for r in other.machine.records if r.tally.macs))


@pytest.mark.parametrize("overflow", ["saturate", "wrap"])
@pytest.mark.parametrize("depthwise_on", ["vector", "array"])
def test_step__dataflow_decides_bits_where_sums_saturate(depthwise_on, overflow):
    """ws and is add the same products in the same order; os another; and wrapped sums have no order."""
    edge = load("chips", "edge_16x16", AcceleratorSpec, "--chip").model_copy(update={"depthwise_on": depthwise_on})
    found, overflows = {}, {}
    for flow in ("ws", "is", "os"):
        chip = edge.changed("array", rows=4, dataflow=flow)
        run = small.train(small.engine("lls", "w16,a16,e16,m32,acc24", chip=chip, overflow=overflow))
        found[flow] = {name: (value.codes.tobytes(), value.frac) for name, value in run.machine.values.items()}
        overflows[flow] = sum(r.tally.overflows for r in run.machine.records)
    assert (found["is"], overflows["is"]) == (found["ws"], overflows["ws"])
    assert (found["os"] == found["ws"]) == (overflow == "wrap")
    assert min(overflows.values()) > 0


def test_step__overflow_is_counted_not_silent():
    found = small.train(small.engine("lls", "w16,a16,e16,m32,acc24"))
    assert sum(r.tally.overflows for r in found.machine.records) > 0


@pytest.mark.parametrize("optimizer", ["sgd", "momentum"])
@pytest.mark.parametrize("bits", ["2", "4", "16", "w16,a16,e16,m32,acc48", "w2,a2,e2,m8,acc16"])
@pytest.mark.parametrize("temperature", [1 / 64, 64.0])
def test_step__runs_at_every_width(bits, optimizer, temperature):
    found = small.train(small.engine("lls_mxm", bits, optimizer=optimizer, constants={"temperature": temperature}), 3)
    assert all(record.saturated >= 0 for record in found.machine.records)
    for name, value in found.machine.values.items():
        bits_of = found.machine.program.tensors[name].bits
        assert abs(value.codes.astype(object)).max(initial=0) <= 1 << (bits_of - 1), name
