"""Cycles and accesses of the systolic array for one matrix product, in closed form.

Everything here is proven equal to the register-level array of `lls_hw.sim.array.registers`, which steps
every register of every processing element each cycle. The derivations stand with the dataflows.

Cycle 0 is the one in which the first element stands at the array's edge (a weight for ws, an input for is,
both operands for os); the count ends when the last output stands in the register of the bottom edge. The
accumulator buffer below takes it one cycle later, which overlaps whatever comes next.

`edges="full"` charges every partial fold as if its missing rows and columns held zeros.
"""

from dataclasses import replace
from typing import Literal

from lls_hw.models.spec.accelerator import ArraySpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.sim.array import dataflow_of
from lls_hw.sim.array.dataflow import ArrayAccesses, fold_count
from lls_hw.sim.array.elementwise import any_below

Edges = Literal["exact", "full"]


def array_cycles(m: int, k: int, n: int, array: ArraySpec, *, edges: Edges = "exact", turns: int = 1) -> int:
    """Cycles of (m, k) @ (k, n), fold after fold, where what streams does so in `turns` turns (`array_turns`).

    Raises
    ------
    SpecError : a size is not positive, or there is no such dataflow.

    Examples
    --------
    >>> array_cycles(64, 512, 512, ArraySpec(rows=16, cols=16, dataflow="ws"))
    65582
    >>> array_cycles(64, 512, 512, ArraySpec(rows=16, cols=16, dataflow="ws", preload_hidden=False))
    80927
    >>> array_cycles(64, 512, 512, ArraySpec(rows=16, cols=16, dataflow="ws"), turns=8)  # 8 rows wait for 16 weights
    131110
    """
    return dataflow_of(array).cycles(*_roles(m, k, n, array, edges), array, turns)


def array_utilization(m: int, k: int, n: int, array: ArraySpec, *, edges: Edges = "exact") -> float:
    """Useful multiply-accumulates m·k·n over PE-cycles, from 0 to 1."""
    return m * k * n / (array_cycles(m, k, n, array, edges=edges) * array.rows * array.cols)


def mapping_efficiency(m: int, k: int, n: int, array: ArraySpec) -> float:
    """Mean share of PEs that hold work in a fold, from 0 to 1: partial folds leave the rest idle."""
    _, down, across = _roles(m, k, n, array, "exact")
    _, whole_down, whole_across = _roles(m, k, n, array, "full")
    return down * across / (whole_down * whole_across)


def array_turns(m: int, k: int, n: int, array: ArraySpec, bank_entries: int) -> int:
    """Fewest turns in which (m, k) @ (k, n) finishes its sums in accumulators of so many entries a column and bank.

    Examples
    --------
    >>> array_turns(1000, 9, 9, ArraySpec(rows=4, cols=4, dataflow="ws"), 256)
    4
    """
    flow = dataflow_of(array)
    return flow.turns(flow.roles(m, k, n)[0], bank_entries)


def array_accesses(
    m: int, k: int, n: int, array: ArraySpec, *, edges: Edges = "exact", turns: int = 1
) -> ArrayAccesses:
    """Accesses of (m, k) @ (k, n), by class; raises as `array_cycles`.

    Examples
    --------
    >>> array_accesses(4, 6, 5, ArraySpec(rows=4, cols=4, dataflow="ws")).a_reads  # two strips of columns
    48
    """
    flow = dataflow_of(array)
    found = flow.accesses(*_roles(m, k, n, array, edges), array, turns)
    return replace(found, a_reads=found.b_reads, b_reads=found.a_reads) if flow.is_transposed else found


def _roles(m: int, k: int, n: int, array: ArraySpec, edges: Edges) -> tuple[int, int, int]:
    """Sizes (streamed, along the rows, along the columns), padded to whole folds for full edges."""
    for name, size in (("m", m), ("k", k), ("n", n)):
        if any_below(size, 1):
            raise SpecError(f"array.{name}", size, "every size must be positive", "Use 1 or more.")
    stream, down, across = dataflow_of(array).roles(m, k, n)
    if edges == "full":
        return stream, fold_count(down, array.rows) * array.rows, fold_count(across, array.cols) * array.cols
    return stream, down, across
