"""Operands go by name: what an op declares, what its docstring says, and that nothing else counts positions."""

import ast
import importlib
import itertools
import pkgutil
import re
from pathlib import Path

import pytest

from lls_hw.models.program import ops
from lls_hw.models.program.lower import lower
from lls_hw.models.program.ops.base import Op
from lls_hw.models.program.ops.products import Product
from lls_hw.models.registry import load_network
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.rule import OptimizerSpec
from lls_hw.sim.functional.engine import RUNNERS
from lls_hw.sim.mapping.dispatch import STREAMS
from lls_hw.sim.mapping.nest_ops import NESTS

PACKAGE = Path(ops.__file__).parents[3]
SOURCES = sorted(PACKAGE.rglob("*.py"))
RULES = ("inference", "bp", "lls", "lls_mxm", "lls_m_random", "local_losses", "dfa", "drtp")
FAMILIES = [importlib.import_module(f"{ops.__name__}.{module.name}") for module in pkgutil.iter_modules(ops.__path__)]
KINDS = sorted(
    {kind for module in FAMILIES for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, Op)}
    - {Op},
    key=lambda kind: kind.__name__,
)


def outside_ops():
    """Trees of every module but the ops' own."""
    return [(path.relative_to(PACKAGE), ast.parse(path.read_text())) for path in SOURCES if path.parent.name != "ops"]


def of_op(node):
    """Whether an expression is the reads or writes of something; a nest's operands are no op's."""
    owner = getattr(getattr(node, "value", None), "attr", "") or getattr(getattr(node, "value", None), "id", "")
    return getattr(node, "attr", "") in ("reads", "writes") and owner != "nest"


def positions_in(tree):
    """Lines that take an operand by its place: a subscript of reads or writes, or their unpacking."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and of_op(node.value):
            yield node.lineno
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
            loops = getattr(node.value, "generators", ())
            if any(of_op(n) for n in (node.value, *(loop.iter for loop in loops))):
                yield node.lineno


def suffixes_in(tree):
    """Lines that cut a tensor's name at its slash or at-sign, or look at its end."""
    cuts = {"endswith", "startswith", "removesuffix", "removeprefix", "partition", "rpartition", "split", "rsplit"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in cuts:
            texts = [n.value for arg in node.args for n in ast.walk(arg) if isinstance(getattr(n, "value", None), str)]
            if any(text.startswith(("/", "@", ".local")) and "/" not in text[1:] for text in texts):
                yield node.lineno


def names_made_in(tree):
    """Lines with a formatted text of the form `owner/short`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and re.fullmatch(r"\{\w[^}]*\}/(\w+|\{.*\})?", ast.unparse(node)[2:-1]):
            yield node.lineno


def test_positions__the_search_finds_each_form():
    code = "a = op.reads[0]\nb, c = op.writes\nd, e = (m.read(n) for n in op.reads)\nf = op.reads\n"
    assert set(positions_in(ast.parse(code))) == {1, 2, 3}
    assert list(names_made_in(ast.parse('a = f"{layer.name}/h"\nb = f"{x}, {y}"\nc = f"{layer}/{short}"'))) == [1, 3]
    assert list(suffixes_in(ast.parse('name.endswith("/modulation")\nname.endswith(".py")'))) == [1]


def test_positions__none_outside_the_ops():
    assert [(str(path), line) for path, tree in outside_ops() for line in positions_in(tree)] == []


def test_suffixes__read_in_names_alone():
    """Paths and members of archives have slashes too: data readers and file writers are no place of tensors."""
    places = [
        str(path)
        for path, tree in outside_ops()
        if path.parts[:2] != ("models", "data") and path.parts[0] != "files" and path.name != "names.py"
        if list(suffixes_in(tree))
    ]
    assert places == []


def test_names__made_in_names_alone():
    """No module of the models or the chip builds `owner/short` itself."""
    made = [
        (str(path), line)
        for path, tree in outside_ops()
        if path.parts[0] in ("models", "sim") and path.parts[1] != "data" and path.name != "names.py"
        for line in names_made_in(tree)
    ]
    assert made == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_docstring__ends_with_the_operands(kind):
    want = f"Reads: {', '.join(kind.READS)}. Writes: {', '.join(kind.WRITES)}."
    assert (kind.__doc__ or "").split("\n\n")[-1].strip() == want


@pytest.mark.parametrize(("net", "rule"), list(itertools.product(("smallconv", "mlperf_tiny_vww"), RULES)))
def test_operands__all_that_an_op_names_it_reads_or_writes(net, rule):
    """No field that holds a tensor's name is left out of the lists, and the lists hold nothing else."""
    program = lower(load_network(net), parse_rule(rule), optimizer=OptimizerSpec(name="momentum"), batch=2)
    for op in program.ops:
        held = {getattr(op, name) for cls in type(op).__mro__ for name in getattr(cls, "__slots__", ())}
        named = {value for value in held if isinstance(value, str) and value in program.tensors}
        assert named == {*op.reads, *op.writes}
        assert len(set(op.reads)) == len(op.reads)
        assert len(set(op.writes)) == len(op.writes)
        assert op.result == op.writes[0]


@pytest.mark.parametrize("rule", RULES)
def test_tables__know_every_op(rule):
    """Every op has one recipe; a rule's ops have runners, or the engine refuses the rule before any work."""
    program = lower(load_network("mlperf_tiny_vww"), parse_rule(rule), batch=2)
    for op in program.ops:
        assert (type(op) in NESTS) != (type(op) in STREAMS), op.kind
    assert set(RUNNERS) <= {*NESTS, *STREAMS} == {*KINDS} - {Product}


def test_product__operands_say_the_direction():
    program = lower(load_network("mlperf_tiny_vww"), parse_rule("bp"), batch=2)
    products = [op for op in program.ops if isinstance(op, Product)]
    for op in products:
        left, right = op.factors
        want = {"forward": (op.source, op.weight), "weight_grad": (op.source, op.error)}
        assert (left, right) == want.get(op.direction, (op.error, op.weight))
        stage = op.stage if op.stage != "local_error" else op.direction
        assert op.direction == stage
    assert {op.direction for op in products} == {"forward", "weight_grad", "input_grad"}
