"""One step in integers beside the same step in real numbers, tensor by tensor."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lls_hw.config import RunSpec
from lls_hw.models.program.program import Program
from lls_hw.models.reference.initial import parameter_shapes
from lls_hw.models.rules.registry import find_rule
from lls_hw.sim.functional.readback import Value, real, real_parameter, real_tensor

SQNR_CAP_DB = 200.0
PIECE = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainstFloat:
    """One tensor of the first step beside the reference: signal to error ratio, and angle."""

    tensor: str
    sqnr_db: float
    cosine: float


def compare_step(
    run: RunSpec,
    program: Program,
    before: Mapping[str, Value],
    x: Value,
    labels: NDArray[Any],
    *,
    after: Mapping[str, Value],
) -> tuple[AgainstFloat, ...]:
    """The reference's step from the same grid points, and every tensor both have."""
    expected = reference_tensors(run, reference_parameters(run, program, before), x, labels)
    return compare_tensors(program, expected, after)


def reference_parameters(run: RunSpec, program: Program, values: Mapping[str, Value]) -> dict[str, NDArray[np.float32]]:
    """The chip's factors (compute copies, masters of small parameters) in the reference's layout."""
    return {
        name: real_parameter(program, name, values).astype(np.float32)
        for name in parameter_shapes(run.network, run.rule)
    }


def reference_tensors(
    run: RunSpec, parameters: Mapping[str, NDArray[np.float32]], x: Value, labels: NDArray[Any]
) -> dict[str, NDArray[Any]]:
    """The step in real numbers; of a rule that learns nothing, the forward pass with fresh running statistics."""
    from lls_hw.models.reference.step import forward_tensors, training_step

    pictures = real(x).astype(np.float32)
    if not find_rule(run.rule.name).learns:
        return forward_tensors(run.network, run.rule, parameters, pictures)
    return training_step(run.network, run.rule, run.optimizer, parameters, {}, pictures, labels).tensors


def compare_tensors(
    program: Program, expected: Mapping[str, NDArray[Any]], after: Mapping[str, Value]
) -> tuple[AgainstFloat, ...]:
    """Every tensor that both sides have, in the reference's order."""

    def one(name: str) -> AgainstFloat:
        return against(name, expected[name], real_tensor(program, name, after[name]))

    with ThreadPoolExecutor(2) as pool:  # NumPy works on large tensors without the interpreter's lock
        return tuple(pool.map(one, [name for name in expected if name in after]))


def against(name: str, expected: NDArray[Any], found: NDArray[Any]) -> AgainstFloat:
    """SQNR = 10 log10(sum r^2 / sum (r - x)^2), capped; cosine of the two tensors."""
    r, x = np.asarray(expected, np.float32).ravel(), found.astype(np.float32, copy=False).ravel()
    rest = r - x
    signal, error, own = dot(r, r), dot(rest, rest), dot(x, x)
    norm = np.sqrt(signal * own)
    sqnr = 10 * np.log10(signal / error) if signal > 0 and error > 0 else (SQNR_CAP_DB if error == 0 else -SQNR_CAP_DB)
    cosine = min(dot(r, x) / norm, 1.0) if norm > 0 else float(error == 0)
    return AgainstFloat(tensor=name, sqnr_db=float(np.clip(sqnr, -SQNR_CAP_DB, SQNR_CAP_DB)), cosine=float(cosine))


def dot(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Sum of products: float32 within pieces of `PIECE`, float64 over them."""
    whole = a.size // PIECE * PIECE
    pieces = np.einsum("ij,ij->i", a[:whole].reshape(-1, PIECE), b[:whole].reshape(-1, PIECE))
    return float(pieces.sum(dtype=np.float64)) + float(a[whole:].astype(np.float64) @ b[whole:])
