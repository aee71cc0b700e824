"""No floating point between the quantised input and the updated codes."""

import ast
from pathlib import Path

import numpy as np
import pytest

from lls_hw.sim.kernels import jit as kernel_jit
from tests.unit.functional import small

SIM = Path(__file__).parents[3] / "lls_hw" / "sim"
ENGINE = [SIM / "functional" / f"{n}.py" for n in
          ("engine", "machine", "products", "normalise", "pooling", "local", "loss", "accumulate", "update",
           "adam")]  # fmt: skip
KERNELS = sorted((SIM / "kernels").glob("*.py"))

EXACT_DIVISIONS = {
    # quotients of two Fractions, made once before a step: exact, and not floating point
    ("loss.py", "reciprocal"): 1,
    ("local.py", "inv_bits"): 1,
    ("loss.py", "targets"): 2,
    ("tables.py", "basis_increments"): 1,
    ("jit.py", "_cache_folder"): 3,  # joins of paths
}

FLOAT_WORDS = {
    # float BLAS on sums proven to be exact integers (ADR 008): its two types, and the type of its arrays; nothing else
    "blas.py": {"np.float32": 1, "np.float64": 1, "np.floating": 1}
}


def float_types(kind):
    """Names of floating types inside a numba type."""
    from numba.core import types

    parts = [kind, getattr(kind, "dtype", None), *getattr(kind, "types", ())]
    return [str(p) for p in parts if isinstance(p, (types.Float, types.Complex))]


def test_kernels__no_compiled_signature_has_a_float():
    for rule in small.RULES:
        small.train(small.engine(rule), 1)
    small.train(small.engine("lls_mxm", "w4,a8,e8,m16,acc16", overflow="wrap", scaling="two_pass"), 1)
    if not any(getattr(kernel, "signatures", ()) for kernel in kernel_jit.KERNELS.values()):
        pytest.skip("kernels are not compiled here (NUMBA_DISABLE_JIT), so they have no signatures")
    walked = 0
    for name, kernel in kernel_jit.KERNELS.items():
        for signature, overload in kernel.overloads.items():
            walked += 1
            # cached overloads keep no type annotation, but always their signature and result
            found = [f for kind in (*signature, overload.signature.return_type) for f in float_types(kind)]
            assert not found, f"{name}{signature} -> {overload.signature.return_type}: {found}"
    assert walked > 20


def test_kernels__no_variable_inside_a_kernel_is_a_float():
    """Types inferred for every local, from a fresh compile of one signature the engine used."""
    import numba

    small.train(small.engine("lls_mxm"), 1)
    compiled = {name: k for name, k in kernel_jit.KERNELS.items() if getattr(k, "signatures", ())}
    if not compiled:
        pytest.skip("kernels are not compiled here (NUMBA_DISABLE_JIT), so they have no locals")
    for name in ("shift_round", "softmax_error", "backward_value", "channel_constants", "apply_update", "modulate"):
        kernel = compiled.get(name)
        if kernel is None:
            continue
        fresh = numba.njit(kernel.py_func)
        for signature in kernel.signatures[:1]:
            fresh.compile(signature)
            kinds = fresh.overloads[signature].type_annotation.typemap
            assert not {v: k for v, k in kinds.items() if float_types(k)}, name


@pytest.mark.parametrize("rule", small.RULES)
def test_machine__every_array_is_integer(rule):
    m = small.train(small.engine(rule)).machine
    arrays = {
        **{name: value.codes for name, value in m.values.items()},
        **{f"likelihood of {r.index}": r.likelihood for r in m.records if r.likelihood is not None},
        **{name: np.asarray(value) for name, value in m.constants.items()},
    }
    assert len(arrays) > 20
    assert {name: a.dtype for name, a in arrays.items() if a.dtype.kind != "i"} == {}
    assert all(isinstance(value.frac, int) for value in m.values.values())


def floats_in(tree):
    """(function, line, what) of every float literal, true division and conversion to float."""
    where = {}
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            where.update({id(node): function.name for node in ast.walk(function)})
    for node in ast.walk(tree):
        place = (where.get(id(node), ""), getattr(node, "lineno", 0))
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield (*place, f"literal {node.value}")
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield (*place, "true division")
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in ("float", "complex") or name.startswith(
                ("np.float", "np.true_divide", "np.sqrt", "np.exp", "np.mean")
            ):
                yield (*place, name)
        elif isinstance(node, ast.Attribute) and node.attr.startswith(("float", "double")):
            yield (*place, ast.unparse(node))


@pytest.mark.parametrize("path", [*ENGINE, *KERNELS], ids=lambda p: f"{p.parent.name}/{p.name}")
def test_source__has_no_floating_point(path):
    found, allowed, words = [], dict(EXACT_DIVISIONS), dict(FLOAT_WORDS.get(path.name, {}))
    for function, line, what in floats_in(ast.parse(path.read_text())):
        key = (path.name, function)
        if what == "true division" and allowed.get(key, 0) > 0:
            allowed[key] -= 1
            continue
        if words.get(what, 0) > 0:
            words[what] -= 1
            continue
        found.append(f"{path.name}:{line} {function}: {what}")
    assert found == []


def test_floats_in__sees_what_it_looks_for():
    source = "def f(x):\n    y = 0.5\n    y /= x\n    return float(x) + np.float64(1) / 2\n"
    assert len(list(floats_in(ast.parse(source)))) >= 5
