"""Laws of every registered dataflow, of one that only this file knows, and where dataflows may be told apart."""

import ast
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lls_hw.cli import main
from lls_hw.models.registry import load
from lls_hw.models.spec.accelerator import AcceleratorSpec, ArraySpec
from lls_hw.report.array_drawing import draw_product
from lls_hw.sim.array import DATAFLOWS, dataflow_of
from lls_hw.sim.array.closed_form import array_accesses, array_cycles
from lls_hw.sim.array.dataflow import Legend
from lls_hw.sim.array.grouped import Groups, grouped_cycles
from lls_hw.sim.array.output_stationary import OUTPUT_STATIONARY
from lls_hw.sim.array.registers import WordWidths, run_array, run_groups
from tests.oracles import array as oracle
from tests.unit.functional import small

PACKAGE = Path(__file__).parents[3] / "lls_hw"
MIRRORED = replace(
    OUTPUT_STATIONARY,
    name="mirrored",
    rows_hold="n",
    columns_hold="m",
    legend=Legend("weight, moving right", "input, moving down", "sum, staying", "finished, moving down"),
)
"""Output-stationary with rows of outputs in the columns: a new dataflow on a grid that exists is this record."""
ARRAYS = st.builds(ArraySpec, rows=st.integers(1, 6), cols=st.integers(1, 6), preload_hidden=st.booleans())
SIZES = st.tuples(*[st.integers(1, 11)] * 3)
WORDS = st.builds(WordWidths, acc_bits=st.integers(8, 20), overflow=st.sampled_from(["saturate", "wrap"]),
                  operand_bits=st.just(8))  # fmt: skip
TRIES = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=[*DATAFLOWS, MIRRORED.name])
def flow(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(DATAFLOWS, MIRRORED.name, MIRRORED)
    return DATAFLOWS[request.param]


def on(flow, array):
    return array.model_copy(update={"dataflow": flow.name})


def operands(sizes, seed):
    (m, k, n), rng = sizes, np.random.default_rng(seed)
    return rng.integers(-128, 128, (m, k)), rng.integers(-128, 128, (k, n))


def clocked(flow, a, b, array, words):
    """a @ b on the clocked array in plain Python that this dataflow runs on."""
    given = (a.tolist(), b.tolist(), array.rows, array.cols, words.acc_bits, words.overflow == "wrap")
    return oracle.clocked(*given, array.preload_hidden, sums_stay=flow.sums_stay, transposed=flow.is_transposed)


@given(SIZES, ARRAYS, WORDS, st.integers(0, 999))
@TRIES
def test_dataflow__closed_form_registers_and_oracle_agree(flow, sizes, array, words, seed):
    array, (a, b) = on(flow, array), operands(sizes, seed)
    run = run_array(a, b, array, words)
    wanted = clocked(flow, a, b, array, words)
    assert run.outputs.tolist() == wanted.outputs
    assert (run.cycles, run.overflows, run.counters.macs) == (wanted.cycles, wanted.overflows, wanted.macs)
    assert run.cycles == array_cycles(*sizes, array)
    counted, accesses = asdict(run.counters), asdict(array_accesses(*sizes, array))
    assert accesses == {name: counted[name] for name in accesses}


@given(SIZES, ARRAYS, st.integers(1, 5), st.integers(1, 4), st.integers(0, 999))
@TRIES
def test_dataflow__groups_cost_what_their_registers_take(flow, sizes, array, groups, pack, seed):
    array, (m, k, n) = on(flow, array), sizes
    a, b = (np.stack([operands(sizes, seed + g)[side] for g in range(groups)]) for side in (0, 1))
    run = run_groups(a, b, array, WordWidths(acc_bits=40), pack=pack)
    assert (run.outputs == a @ b).all()
    assert run.cycles == grouped_cycles(Groups(groups=groups, m=m, k=k, n=n), array, pack=pack)


def test_dataflow__axes_are_the_inverse_of_roles(flow):
    assert flow.axes(*flow.roles("m", "k", "n")) == ("m", "k", "n")
    assert sorted(flow.roles("m", "k", "n")) == ["k", "m", "n"]


def test_dataflow__its_picture_is_drawn_in_its_own_words(flow):
    picture = draw_product("layer", (9, 9, 9), ArraySpec(rows=3, cols=4, dataflow=flow.name))
    assert all(words in picture for words in flow.legend)


def test_a_new_dataflow__costs_and_trains_like_any_other(monkeypatch, capsys):
    """Mirrored costs what os costs with m and n exchanged, and adds as os does."""
    monkeypatch.setitem(DATAFLOWS, MIRRORED.name, MIRRORED)
    mirrored, plain = (ArraySpec(rows=5, cols=5, dataflow=name) for name in ("mirrored", "os"))
    assert array_cycles(30, 4, 12, mirrored) == array_cycles(12, 4, 30, plain)
    assert array_cycles(30, 4, 12, mirrored) != array_cycles(30, 4, 12, plain)
    line = ["simulate", "--net", "smallconv", "--rule", "lls", "--no-numerics", "--baseline", "none", "--batch", "2"]
    spent = {}
    for name in ("mirrored", "os"):
        assert main([*line, "--dataflow", name, "--json", "-"]) == 0
        spent[name] = json.loads(capsys.readouterr().out)["totals"]
    assert spent["mirrored"]["macs"] == spent["os"]["macs"]
    assert spent["mirrored"]["cycles"] != spent["os"]["cycles"]
    edge, found = load("chips", "edge_16x16", AcceleratorSpec, "--chip"), {}
    for name in ("mirrored", "os", "ws"):
        chip = edge.changed("array", rows=4, dataflow=name)
        found[name] = small.digest(small.train(small.engine("lls", "w16,a16,e16,m32,acc24", chip=chip), 1))
    assert found["mirrored"] == found["os"] != found["ws"]


def test_every_dataflow_knows_its_name():
    assert all(name == flow.name for name, flow in DATAFLOWS.items())
    assert dataflow_of(ArraySpec(rows=1, cols=1)) is DATAFLOWS["ws"]


def told_apart(tree):
    """Names of dataflows in comparisons, patterns, lists, and keys of tables or look-ups."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, comparators=others):
                held = [left, *others]
            case ast.Dict(keys=held):
                pass
            case ast.Tuple(elts=held) | ast.List(elts=held) | ast.Set(elts=held):
                pass
            case ast.Subscript(slice=value) | ast.MatchValue(value=value):
                held = [value]
            case _:
                continue
        yield from (each for each in held if isinstance(each, ast.Constant) and each.value in DATAFLOWS)


def test_nothing_tells_dataflows_apart_by_name():
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in told_apart(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert found == []


@pytest.mark.parametrize("text", ['x == "ws"', '{"os": 1}', 'x in ("ws", "is")', 'table["is"]'])
def test_what_tells_dataflows_apart_is_found(text):
    assert list(told_apart(ast.parse(text)))
