"""The typed door to the systolic array: every register each cycle, or the same sums tile by tile.

What a sum means, in both:

ws, is  each element adds its product to the sum coming from above, at `acc_bits`; a fold's chain starts from
        zero and has at most R products, k ascending. The accumulator below stores the first fold's sum and
        adds each later one to it, again at `acc_bits`.
os      each element adds its products to its own sum at `acc_bits`, k ascending over the whole of k.

A product is exact; an addition whose exact result does not fit saturates or wraps and counts as one overflow.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lls_hw.models.spec.accelerator import Dataflow
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.precision import Overflow
from lls_hw.sim.kernels import array_os, array_tiled, array_ws
from lls_hw.sim.kernels.array_plan import diagonal_folds, schedule

Codes = NDArray[np.integer]
Sums = NDArray[np.int64]
INT32_MAX = (1 << 31) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayCounters:
    """Events counted in the registers themselves.

    The first eleven are the fields of `lls_hw.sim.array.closed_form.ArrayAccesses`, same names, same meaning.
    A toggle is one bit of a register that changes when it is written: streaming operands, partial sums,
    loading and working registers of the stationary operand, drain registers.
    """

    macs: int
    a_reads: int
    b_reads: int
    accumulator_reads: int
    accumulator_writes: int
    outputs: int
    operand_shifts: int
    sum_shifts: int
    stationary_shifts: int
    stationary_swaps: int
    drain_shifts: int
    operand_toggles: int
    sum_toggles: int
    stationary_toggles: int
    swap_toggles: int
    drain_toggles: int
    pe_updates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayRecord:
    """State after every cycle, for drawing: arrays (cycle, row, col), `valid` where a register holds something live.

    `moving` travels right; `sums` are partial sums (os: the accumulators); `other` is the operand that stays (ws, is)
    or comes from above (os); `shifting` are the loading registers (ws, is) or the drain registers (os).
    """

    dataflow: Dataflow
    moving: Sums
    moving_valid: Sums
    sums: Sums
    sums_valid: Sums
    other: Sums
    shifting: Sums
    shifting_valid: Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayRun:
    """One product through the array: `outputs` (m, n), `cycles`, `overflows`, `counters`, `record` if asked for."""

    outputs: Sums
    cycles: int
    overflows: int
    counters: ArrayCounters
    record: ArrayRecord | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayForm:
    """The array that runs: sides, dataflow, accumulator; `operand_bits` only bounds operands and toggles."""

    rows: int
    cols: int
    dataflow: Dataflow = "ws"
    acc_bits: int = 32
    overflow: Overflow = "saturate"
    preload_hidden: bool = True
    operand_bits: int = 16

    def __post_init__(self) -> None:
        for name, low, high in (("rows", 1, 1024), ("cols", 1, 1024), ("acc_bits", 2, 62), ("operand_bits", 2, 31)):
            if not low <= getattr(self, name) <= high:
                need = f"it must lie between {low} and {high}"
                raise SpecError(f"array.{name}", getattr(self, name), need, f"Use {low} to {high}.")


def run_array(a: Codes, b: Codes, form: ArrayForm, *, record_cycles: int = 0) -> ArrayRun:
    """Clock a @ b through the array, register by register; `record_cycles` states are kept.

    Examples
    --------
    >>> run = run_array(np.ones((3, 5), int), np.ones((5, 2), int), ArrayForm(rows=4, cols=4))
    >>> run.outputs.tolist(), run.cycles
    ([[5, 5], [5, 5], [5, 5]], 14)
    """
    left, right = _operands(a, b, form)
    if form.dataflow == "is":
        left, right = np.ascontiguousarray(right.T), np.ascontiguousarray(left.T)
    run = _clock(left, right, form, record_cycles=record_cycles)
    return replace(run, outputs=np.ascontiguousarray(run.outputs.T)) if form.dataflow == "is" else run


def run_groups(a: Codes, b: Codes, form: ArrayForm, *, pack: int = 1) -> ArrayRun:
    """Clock a[g] @ b[g] of all groups back to back: (groups, m, k) and (groups, k, n) give (groups, m, n).

    What stays is one block-diagonal operand of which only the patches on the diagonal are visited: `pack`
    consecutive groups share a patch, with zeros outside their blocks.
    """
    if a.ndim != 3 or b.ndim != 3 or a.shape[::2] != b.shape[:2] or 0 in (*a.shape, *b.shape):
        raise SpecError("array.groups", (a.shape, b.shape), "groups are (g, m, k) and (g, k, n)", "Stack the groups.")
    if pack < 1:
        raise SpecError("array.pack", pack, "a patch holds at least one group", "Use 1 or more.")
    if form.dataflow == "is":
        a, b = b.transpose(0, 2, 1), a.transpose(0, 2, 1)
    (groups, streamed, inner), outer = a.shape, b.shape[2]
    diagonal = np.zeros((groups * inner, groups * outer), np.int64)
    for g, block in enumerate(b):
        diagonal[g * inner : (g + 1) * inner, g * outer : (g + 1) * outer] = block
    left, right = _operands(a.transpose(1, 0, 2).reshape(streamed, -1), diagonal, form)
    run = _clock(left, right, form, groups=groups, pack=pack)
    outputs = run.outputs.reshape(streamed, groups, outer).transpose((1, 2, 0) if form.dataflow == "is" else (1, 0, 2))
    return replace(run, outputs=np.ascontiguousarray(outputs))


def _clock(
    left: Sums, right: Sums, form: ArrayForm, *, groups: int = 1, pack: int = 1, record_cycles: int = 0
) -> ArrayRun:
    """Clock the patches on the diagonal until the last sum has left; outputs are those of the product that runs."""
    output_stationary = form.dataflow == "os"
    sizes = (len(left), left.shape[1] // groups, right.shape[1] // groups)
    folds = diagonal_folds(sizes, groups, pack, form.rows, form.cols, output_stationary=output_stationary)
    fields = array_ws.OS_FIELDS if output_stationary else array_ws.WS_FIELDS
    regs = np.zeros((fields, form.rows, form.cols), np.int64)
    film = np.zeros((record_cycles, *regs.shape), np.int64)
    out, counts = np.zeros((len(left), right.shape[1]), np.int64), np.zeros(array_ws.N_COUNTERS, np.int64)
    plan, filled = schedule(folds, form.rows, output_stationary=output_stationary, hidden=form.preload_hidden)
    words = np.array([form.acc_bits, form.overflow == "wrap", _mask(form.operand_bits), _mask(form.acc_bits),
                      form.preload_hidden], np.int64)  # fmt: skip
    clock = array_os.run_os if output_stationary else array_ws.run_ws
    cycles = int(clock(left, right, folds, plan, filled, regs, words, out, counts, film))
    return ArrayRun(
        outputs=out,
        cycles=cycles,
        overflows=int(counts[array_ws.OVERFLOWS]),
        counters=_counters(counts, swapped=form.dataflow == "is"),
        record=_record(film[:cycles], form) if record_cycles else None,
    )


def tiled_matmul(
    a: Codes, b: Codes, *, rows: int, cols: int, dataflow: Dataflow, acc_bits: int, overflow: Overflow = "saturate"
) -> tuple[Sums, int]:
    """(a @ b, overflows) with the bits of the register-level array; `cols` changes none of them.

    Without a possible overflow, proven from max|a|, max|b| and k, no addition is checked.
    """
    form = ArrayForm(rows=rows, cols=cols, dataflow=dataflow, acc_bits=acc_bits, overflow=overflow, operand_bits=31)
    left, right = _operands(a, b, form, widen=False)
    out = np.empty((left.shape[0], right.shape[1]), np.int64)
    bound = _peak(left) * _peak(right) * left.shape[1]
    if bound > _mask(acc_bits - 1):
        depth = left.shape[1] if dataflow == "os" else rows
        return out, int(array_tiled.guarded(left, right, depth, acc_bits, overflow == "wrap", out))
    (array_tiled.exact_narrow if bound <= INT32_MAX else array_tiled.exact_wide)(left, right, out)
    return out, 0


def _operands(a: Codes, b: Codes, form: ArrayForm, *, widen: bool = True) -> tuple[Sums, Sums]:
    """Both operands contiguous and checked against each other and the operand width."""
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0] or 0 in (*a.shape, *b.shape):
        raise SpecError("array.operands", (a.shape, b.shape), "the product needs non-empty (m, k) and (k, n)",
                        "Give two matrices that share k.")  # fmt: skip
    for name, matrix in (("a", a), ("b", b)):
        if int(matrix.max()) > _mask(form.operand_bits - 1) or int(matrix.min()) < -1 - _mask(form.operand_bits - 1):
            raise SpecError(f"array.{name}", _peak(matrix), f"an operand has {form.operand_bits} bits",
                            "Raise operand_bits or narrow the operand.")  # fmt: skip
    if widen:
        return np.ascontiguousarray(a, np.int64), np.ascontiguousarray(b, np.int64)
    return np.ascontiguousarray(a), np.ascontiguousarray(b)


def _peak(matrix: Codes) -> int:
    """Largest magnitude."""
    return max(int(matrix.max()), -int(matrix.min()))


def _mask(bits: int) -> int:
    """`bits` ones."""
    return (1 << bits) - 1


def _counters(counts: Sums, *, swapped: bool) -> ArrayCounters:
    """Named counters; for is the streaming operand is the right one."""
    c = [int(value) for value in counts]
    streaming, stationary = c[array_ws.STREAM_READS], c[array_ws.SIDE_READS]
    return ArrayCounters(
        macs=c[array_ws.MACS],
        a_reads=stationary if swapped else streaming,
        b_reads=streaming if swapped else stationary,
        accumulator_reads=c[array_ws.ACC_READS],
        accumulator_writes=c[array_ws.ACC_WRITES],
        outputs=c[array_ws.OUTPUTS],
        operand_shifts=c[array_ws.OPERAND_SHIFTS],
        sum_shifts=c[array_ws.SUM_SHIFTS],
        stationary_shifts=c[array_ws.SIDE_SHIFTS],
        stationary_swaps=c[array_ws.SWAPS],
        drain_shifts=c[array_ws.DRAIN_SHIFTS],
        operand_toggles=c[array_ws.OPERAND_TOGGLES],
        sum_toggles=c[array_ws.SUM_TOGGLES],
        stationary_toggles=c[array_ws.SIDE_TOGGLES],
        swap_toggles=c[array_ws.SWAP_TOGGLES],
        drain_toggles=c[array_ws.DRAIN_TOGGLES],
        pe_updates=c[array_ws.STEPS],
    )


def _record(film: Sums, form: ArrayForm) -> ArrayRecord:
    """Named views of the recorded registers."""
    os = form.dataflow == "os"
    stationary = array_ws.WORK if form.preload_hidden else array_ws.LOAD
    shifting = (array_ws.DRAIN, array_ws.DRAIN_VALID) if os else (array_ws.LOAD, array_ws.LOAD_VALID)
    return ArrayRecord(
        dataflow=form.dataflow,
        moving=film[:, array_ws.A],
        moving_valid=film[:, array_ws.A_VALID],
        sums=film[:, array_ws.SUM],
        sums_valid=film[:, array_ws.SUM_VALID],
        other=film[:, array_ws.B if os else stationary],
        shifting=film[:, shifting[0]],
        shifting_valid=film[:, shifting[1]],
    )
