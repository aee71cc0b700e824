"""Cycles and accesses of the systolic array for one matrix product, in closed form.

Everything here is proven equal to the register-level array of `lls_hw.sim.array.registers`, which steps
every register of every processing element each cycle. One (m, k) @ (k, n) product is cut into folds:

ws  rows hold k, columns hold n: ceil(k/R)·ceil(n/C) folds, k folds inside an n strip; m rows stream.
is  the mirror image: the transposed product (n, k) @ (k, m) on a ws array, so m and n change places.
os  rows hold m, columns hold n: ceil(m/R)·ceil(n/C) folds, n inside m; k terms stream through each.

Cycle 0 is the one in which the first element stands at the array's edge (a weight for ws, an input for is,
both operands for os); the count ends when the last output stands in the register of the bottom edge. The
accumulator buffer below takes it one cycle later, which overlaps whatever comes next.

**ws.** A fold that uses κ rows and ν columns loads κ weight rows, one per cycle, farthest first; row r
takes part in the last κ − r of those cycles only. Then m input rows enter, row r delayed by r cycles, column c by c.
Sums start at zero above the top row and leave below row R − 1, through unused rows unchanged. If the
first input row of fold f enters at cycle τ_f:

    τ_0 = κ_0
    τ_f = τ_{f−1} + max(m, κ_f)        second weight register: fold f loads from cycle τ_{f−1} on
    τ_f = τ_{f−1} + m − 1 + κ_f        one register: loading follows the last input row down the array
    end = max over f of τ_f + m + R + ν_f − 2

The end is that of the last fold, or of the last full-width fold where the last strip is narrow and short.
For one full fold: 2R + C + m − 2.

**os.** A fold with ρ rows and ν columns streams k terms. Row r of a column finishes r cycles after row 0, moves its sum
to a drain register in the next cycle and starts the next fold in that same cycle; when all ρ rows have moved, the
drain registers shift down, one row per cycle, and the next fold's sums follow in their wake:

    τ_0 = 0,  τ_f = τ_{f−1} + max(k, ρ_{f−1}),  end = max over f of τ_f + k + ρ_f + ν_f + R − 2

For one full fold: k + 2R + C − 2.

`edges="full"` charges every partial fold as if its missing rows and columns held zeros.
"""

from dataclasses import dataclass, fields
from typing import Literal

from lls_hw.models.spec.accelerator import Dataflow
from lls_hw.models.spec.errors import SpecError

Edges = Literal["exact", "full"]
Sizes = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayAccesses:
    """What one product does on the array, in elements (not bytes). Records add.

    macs : multiply-accumulates performed (zeros of full edges included).
    a_reads, b_reads : elements of the left and right operand read from the scratchpad, re-reads per fold included.
    accumulator_reads, accumulator_writes : partial sums of the buffer below the array (ws, is).
    outputs : finished elements handed on.
    operand_shifts : writes of the registers that carry a streaming operand from PE to PE.
    sum_shifts : writes of the partial-sum registers (os: of the accumulators in the PEs).
    stationary_shifts : writes of the registers through which weights (ws) or inputs (is) are loaded.
    stationary_swaps : copies from the loading to the working register (hidden preload only).
    drain_shifts : writes of the drain registers (os), loads included.
    """

    macs: int = 0
    a_reads: int = 0
    b_reads: int = 0
    accumulator_reads: int = 0
    accumulator_writes: int = 0
    outputs: int = 0
    operand_shifts: int = 0
    sum_shifts: int = 0
    stationary_shifts: int = 0
    stationary_swaps: int = 0
    drain_shifts: int = 0

    def __add__(self, other: "ArrayAccesses") -> "ArrayAccesses":
        return ArrayAccesses(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})


def array_cycles(
    m: int,
    k: int,
    n: int,
    *,
    rows: int,
    cols: int,
    dataflow: Dataflow,
    preload_hidden: bool = True,
    edges: Edges = "exact",
) -> int:
    """Cycles of (m, k) @ (k, n), fold after fold; see the module for the derivation.

    Examples
    --------
    >>> array_cycles(64, 512, 512, rows=16, cols=16, dataflow="ws")
    65582
    >>> array_cycles(64, 512, 512, rows=16, cols=16, dataflow="ws", preload_hidden=False)
    80927
    """
    sizes = _roles((m, k, n), rows, cols, dataflow, edges)
    if dataflow == "os":
        return _os_cycles(sizes, rows, cols)
    return _ws_cycles(sizes, rows, cols, preload_hidden)


def array_utilization(
    m: int,
    k: int,
    n: int,
    *,
    rows: int,
    cols: int,
    dataflow: Dataflow,
    preload_hidden: bool = True,
    edges: Edges = "exact",
) -> float:
    """Useful multiply-accumulates m·k·n over PE-cycles, from 0 to 1."""
    spent = array_cycles(m, k, n, rows=rows, cols=cols, dataflow=dataflow, preload_hidden=preload_hidden, edges=edges)
    return m * k * n / (spent * rows * cols)


def mapping_efficiency(m: int, k: int, n: int, *, rows: int, cols: int, dataflow: Dataflow) -> float:
    """Mean share of PEs that hold work in a fold, from 0 to 1: partial folds leave the rest idle."""
    _, down, across = _roles((m, k, n), rows, cols, dataflow, "exact")
    return down * across / (_folds(down, rows) * rows * _folds(across, cols) * cols)


def array_accesses(
    m: int,
    k: int,
    n: int,
    *,
    rows: int,
    cols: int,
    dataflow: Dataflow,
    preload_hidden: bool = True,
    edges: Edges = "exact",
) -> ArrayAccesses:
    """Accesses of (m, k) @ (k, n), by class.

    ws, with F_k and F_n folds and κ_i rows in k fold i: left operand m·k·F_n, right k·n; each sum crosses R
    registers per k fold; weight rows of a fold move Σ_r (κ − r) = κ(κ+1)/2 registers per column.
    os: left m·k·F_n, right k·n·F_m; the sum of row r moves R − r drain registers.

    Examples
    --------
    >>> array_accesses(4, 6, 5, rows=4, cols=4, dataflow="ws").a_reads  # two strips of columns
    48
    """
    stream, down, across = _roles((m, k, n), rows, cols, dataflow, edges)
    macs = stream * down * across
    folds_down, folds_across = _folds(down, rows), _folds(across, cols)
    spans = _spans(down, rows)
    if dataflow == "os":
        return ArrayAccesses(
            macs=macs,
            a_reads=down * stream * folds_across,
            b_reads=stream * across * folds_down,
            outputs=down * across,
            operand_shifts=2 * macs,
            sum_shifts=macs,
            drain_shifts=across * sum(used * rows - used * (used - 1) // 2 for used in spans),
        )
    streamed, held = stream * down * folds_across, down * across
    return ArrayAccesses(
        macs=macs,
        a_reads=streamed if dataflow == "ws" else held,
        b_reads=held if dataflow == "ws" else streamed,
        accumulator_reads=stream * across * (folds_down - 1),
        accumulator_writes=stream * across * folds_down,
        outputs=stream * across,
        operand_shifts=macs,
        sum_shifts=stream * across * rows * folds_down,
        stationary_shifts=across * sum(used * (used + 1) // 2 for used in spans),
        stationary_swaps=held if preload_hidden else 0,
    )


def _roles(sizes: Sizes, rows: int, cols: int, dataflow: Dataflow, edges: Edges) -> Sizes:
    """Sizes (streamed, along the rows, along the columns), padded to whole folds for full edges."""
    m, k, n = sizes
    for name, size in (("m", m), ("k", k), ("n", n), ("rows", rows), ("cols", cols)):
        if size < 1:
            raise SpecError(f"array.{name}", size, "every size must be positive", "Use 1 or more.")
    stream, down, across = {"ws": (m, k, n), "os": (k, m, n), "is": (n, k, m)}[dataflow]
    if edges == "full":
        return stream, _folds(down, rows) * rows, _folds(across, cols) * cols
    return stream, down, across


def _folds(size: int, side: int) -> int:
    """Folds that cover `size` on an array of that side."""
    return -(-size // side)


def _spans(size: int, side: int) -> list[int]:
    """Rows or columns used by each fold: `side` but for the last."""
    return [min(side, size - start) for start in range(0, size, side)]


def _ws_cycles(sizes: Sizes, rows: int, cols: int, hidden: bool) -> int:
    """Weight-stationary count; only k folds differ in period, only the last strip in width."""
    m, k, n = sizes
    folds, strips = _folds(k, rows), _folds(n, cols)
    first, last = min(rows, k), k - (folds - 1) * rows
    period = max(m, rows) if hidden else m - 1 + rows
    period_last = max(m, last) if hidden else m - 1 + last
    strip = (folds - 1) * period + period_last  # from a strip's end to the next one's
    enter = first + strip * strips - (period_last if folds == 1 else period)
    width = n - (strips - 1) * cols
    edge = width if strips == 1 else max(width, cols - strip)
    return enter + m + rows + edge - 2


def _os_cycles(sizes: Sizes, rows: int, cols: int) -> int:
    """Output-stationary count; only the last row of folds is low, only the last column narrow."""
    k, m, n = sizes
    folds, strips = _folds(m, rows), _folds(n, cols)
    low = m - (folds - 1) * rows
    period_low = max(k, low)
    enter = (folds - 1) * strips * max(k, rows) + (strips - 1) * period_low
    width = n - (strips - 1) * cols
    edge = width if strips == 1 else max(width, cols - period_low)
    return enter + k + low + edge + rows - 2
