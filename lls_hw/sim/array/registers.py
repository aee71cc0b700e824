"""The systolic array clocked: every register of every element, each cycle.

Where a sum moves down a column (ws, is), each element adds its product to the sum coming from above; a fold's chain
starts from zero and has at most R products, k ascending. The accumulator below stores the first fold's sum and adds
each later one to it. Where sums stay (os), each element adds its products to its own sum, k ascending over the whole
of k. A product is exact; an addition whose exact result does not fit `acc_bits` saturates or wraps and counts as one
overflow.

The accumulators of a column are two banks, each of which reads one entry and writes one a cycle. Sums that fit one
bank stay there until the product has ended. Others pass through: turn by turn into one bank after the other, of which
one is emptied, an entry a cycle, while sums are added in the other; under os, whose sums are only written, fold by
fold round both.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lls_hw.models.spec.accelerator import ArraySpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.precision import Overflow
from lls_hw.models.spec.quantities import ARRAY_SIDE
from lls_hw.sim.array import dataflow_of
from lls_hw.sim.array.dataflow import ArrayAccesses, Dataflow, Fold
from lls_hw.sim.kernels import array_fields as at

Codes = NDArray[np.integer]
RegisterWords = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayCounters(ArrayAccesses):
    """The accesses that the closed form gives, counted in the registers themselves, and what only registers know.

    A toggle is one bit of a register that changes when it is written: streaming operands, partial sums,
    loading and working registers of the stationary operand, drain registers.
    """

    operand_toggles: int = 0
    sum_toggles: int = 0
    stationary_toggles: int = 0
    swap_toggles: int = 0
    drain_toggles: int = 0
    pe_updates: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayRecord:
    """State after every cycle, for drawing: arrays (cycle, row, col), `valid` where a register holds something live.

    `moving` travels right; `sums` are partial sums (os: the accumulators); `other` is the operand that stays (ws, is)
    or comes from above (os); `shifting` are the loading registers (ws, is) or the drain registers (os).
    """

    dataflow: Dataflow
    moving: RegisterWords
    moving_valid: RegisterWords
    sums: RegisterWords
    sums_valid: RegisterWords
    other: RegisterWords
    shifting: RegisterWords
    shifting_valid: RegisterWords


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayRun:
    """One product through the array: `outputs` (m, n), `cycles`, `overflows`, `counters`, `record` if asked for."""

    outputs: RegisterWords
    cycles: int
    overflows: int
    counters: ArrayCounters
    record: ArrayRecord | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WordWidths:
    """Widths of the array's words: its accumulators; `operand_bits` only bounds operands and toggles."""

    acc_bits: int = 32
    overflow: Overflow = "saturate"
    operand_bits: int = 16

    def __post_init__(self) -> None:
        for name, low, high in (("acc_bits", 2, 62), ("operand_bits", 2, 31)):
            if not low <= getattr(self, name) <= high:
                need = f"it must lie between {low} and {high}"
                raise SpecError(f"array.{name}", getattr(self, name), need, f"Use {low} to {high}.")


def run_array(
    a: Codes, b: Codes, array: ArraySpec, widths: WordWidths | None = None, *, record_cycles: int = 0,
    bank_entries: int | None = None, sums: Codes | None = None,
) -> ArrayRun:  # fmt: skip
    """Clock a @ b through the array, register by register; `record_cycles` states are kept.

    Parameters
    ----------
    bank_entries : entries of each of a column's two banks of accumulators; as many as it takes, if None.
    sums : (m, n) that stand in the accumulators already, from an earlier part of k; the product is added to them.

    Raises
    ------
    SpecError : the operands do not share k or do not fit their width, the array is too large to be clocked, or the
        accumulators too small.

    Examples
    --------
    >>> run = run_array(np.ones((3, 5), int), np.ones((5, 2), int), ArraySpec(rows=4, cols=4))
    >>> run.outputs.tolist(), run.cycles
    ([[5, 5], [5, 5], [5, 5]], 14)
    """
    flow, widths = dataflow_of(array), widths or WordWidths()
    left, right = _operands(a, b, widths)
    if flow.is_transposed:
        left, right = np.ascontiguousarray(right.T), np.ascontiguousarray(left.T)
        sums = None if sums is None else sums.T
    run = _clock(left, right, array, widths, record_cycles=record_cycles, bank_entries=bank_entries, carried=sums)
    return replace(run, outputs=np.ascontiguousarray(run.outputs.T)) if flow.is_transposed else run


def run_groups(a: Codes, b: Codes, array: ArraySpec, widths: WordWidths | None = None, *, pack: int = 1) -> ArrayRun:
    """Clock a[g] @ b[g] of all groups back to back: (groups, m, k) and (groups, k, n) give (groups, m, n).

    What stays is one block-diagonal operand of which only the patches on the diagonal are visited: `pack`
    consecutive groups share a patch, with zeros outside their blocks.
    """
    if a.ndim != 3 or b.ndim != 3 or a.shape[::2] != b.shape[:2] or 0 in (*a.shape, *b.shape):
        raise SpecError("array.groups", (a.shape, b.shape), "groups are (g, m, k) and (g, k, n)", "Stack the groups.")
    if pack < 1:
        raise SpecError("array.pack", pack, "a patch holds at least one group", "Use 1 or more.")
    flow, widths = dataflow_of(array), widths or WordWidths()
    if flow.is_transposed:
        a, b = b.transpose(0, 2, 1), a.transpose(0, 2, 1)
    (groups, streamed, inner), outer = a.shape, b.shape[2]
    diagonal = np.zeros((groups * inner, groups * outer), np.int64)
    for g, block in enumerate(b):
        diagonal[g * inner : (g + 1) * inner, g * outer : (g + 1) * outer] = block
    left, right = _operands(a.transpose(1, 0, 2).reshape(streamed, -1), diagonal, widths)
    run = _clock(left, right, array, widths, groups=groups, pack=pack)
    outputs = run.outputs.reshape(streamed, groups, outer).transpose((1, 2, 0) if flow.is_transposed else (1, 0, 2))
    return replace(run, outputs=np.ascontiguousarray(outputs))


def _clock(
    left: RegisterWords, right: RegisterWords, array: ArraySpec, widths: WordWidths, *, groups: int = 1, pack: int = 1,
    record_cycles: int = 0, bank_entries: int | None = None, carried: Codes | None = None,
) -> ArrayRun:  # fmt: skip
    """Clock the patches on the diagonal until the last sum has left; outputs are those of the product that runs."""
    for name in ("rows", "cols"):
        ARRAY_SIDE.check(f"array.{name}", getattr(array, name))
    flow = dataflow_of(array)
    grid = flow.registers(array)
    sizes = (len(left), left.shape[1] // groups, right.shape[1] // groups)
    one = _diagonal_folds(sizes, groups, pack, array)
    waits, turns = _passage(one, sizes[0], array, bank_entries)
    folds = np.array(one if turns == 1 else _diagonal_folds(sizes, groups, pack, array, turns), np.int64)
    ring = _most_sums(one, array) if waits else 2 * (bank_entries or 0)
    sums = np.zeros((array.cols, ring), np.int64)
    if carried is not None:
        _carry(carried, sums, one, array, waits=waits)
    regs = np.zeros((grid.fields, array.rows, array.cols), np.int64)
    film = np.zeros((record_cycles, *regs.shape), np.int64)
    out, counts = np.zeros((len(left), right.shape[1]), np.int64), np.zeros(at.N_COUNTERS, np.int64)
    plan = np.full((4, int(folds[:, at.USED].sum() + folds[:, at.LENGTH].sum()) + array.rows), -1, np.int64)
    filled = int(grid.schedule(folds, plan))
    form = np.array([widths.acc_bits, widths.overflow == "wrap", _mask(widths.operand_bits), _mask(widths.acc_bits),
                     array.preload_hidden, carried is not None, waits, ring,
                     0 if waits or flow.sums_stay else ring // 2], np.int64)  # fmt: skip
    cycles = int(grid.clock(left, right, folds, plan, filled, regs, sums, form, out, counts, film))
    return ArrayRun(
        outputs=out,
        cycles=cycles,
        overflows=int(counts[at.OVERFLOWS]),
        counters=_counters(counts, swapped=flow.is_transposed),
        record=_record(film[:cycles], flow, array) if record_cycles else None,
    )


def _most_sums(folds: Sequence[Fold], array: ArraySpec) -> int:
    """Sums that gather below the busiest column, the first, until all have finished."""
    return sum(fold.used if dataflow_of(array).sums_stay else fold.length for fold in folds if fold.ends)


def _passage(folds: Sequence[Fold], streamed: int, array: ArraySpec, bank_entries: int | None) -> tuple[bool, int]:
    """(whether all sums stay in a bank until the product has ended, turns)."""
    if bank_entries is None or _most_sums(folds, array) <= bank_entries:
        return True, 1
    least = max(fold.used for fold in folds) if dataflow_of(array).sums_stay else 1
    if bank_entries < least:
        raise SpecError("accumulators.entries", bank_entries, f"a fold finishes {least} sums a column", "Use as many.")
    return False, dataflow_of(array).turns(streamed, bank_entries)


def _carry(carried: Codes, sums: RegisterWords, folds: Sequence[Fold], array: ArraySpec, *, waits: bool) -> None:
    """Fill the accumulators with sums of an earlier part of k, where this part will look for them."""
    if not waits:
        need = f"{_most_sums(folds, array)} sums a column must stay for the next part of k"
        raise SpecError("accumulators.entries", sums.shape[1] // 2, need, "Use as many.")
    base = np.zeros(array.cols, np.int64)
    for fold in (fold for fold in folds if fold.ends):
        first, size = (fold.down, fold.used) if dataflow_of(array).sums_stay else (fold.stream, fold.length)
        for c in range(fold.width):
            sums[c, base[c] : base[c] + size] = carried[first : first + size, fold.across + c]
        base[: fold.width] += size


def _diagonal_folds(
    sizes: tuple[int, int, int], groups: int, pack: int, array: ArraySpec, turns: int = 1
) -> list[Fold]:
    """The folds of the patches on the diagonal, patch after patch.

    `sizes` are (m, k, n) of one group's product as the grid runs it; one group is a plain product.
    """
    flow, (m, k, n) = dataflow_of(array), sizes
    found: list[Fold] = []
    for first in range(0, groups, pack):
        members = min(pack, groups - first)
        rows, inner, columns = (0, m), (first * k, members * k), (first * n, members * n)
        axes = (columns, inner, rows) if flow.is_transposed else (rows, inner, columns)
        found += flow.folds(*flow.roles(*axes), array, turns)
    return found


def _operands(a: Codes, b: Codes, widths: WordWidths) -> tuple[RegisterWords, RegisterWords]:
    """Both operands contiguous and checked against each other and the operand width."""
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0] or 0 in (*a.shape, *b.shape):
        raise SpecError("array.operands", (a.shape, b.shape), "the product needs non-empty (m, k) and (k, n)",
                        "Give two matrices that share k.")  # fmt: skip
    for name, matrix in (("a", a), ("b", b)):
        if int(matrix.max()) > _mask(widths.operand_bits - 1) or int(matrix.min()) < -1 - _mask(
            widths.operand_bits - 1
        ):
            raise SpecError(f"array.{name}", _peak(matrix), f"an operand has {widths.operand_bits} bits",
                            "Raise operand_bits or narrow the operand.")  # fmt: skip
    return np.ascontiguousarray(a, np.int64), np.ascontiguousarray(b, np.int64)


def _peak(matrix: Codes) -> int:
    """Largest magnitude."""
    return max(int(matrix.max()), -int(matrix.min()))


def _mask(bits: int) -> int:
    """`bits` ones."""
    return (1 << bits) - 1


def _counters(counts: RegisterWords, *, swapped: bool) -> ArrayCounters:
    """Named counters; for is the streaming operand is the right one."""
    c = [int(value) for value in counts]
    streaming, stationary = c[at.STREAM_READS], c[at.SIDE_READS]
    return ArrayCounters(
        macs=c[at.MACS],
        a_reads=stationary if swapped else streaming,
        b_reads=streaming if swapped else stationary,
        accumulator_reads=c[at.ACC_READS],
        accumulator_writes=c[at.ACC_WRITES],
        outputs=c[at.OUTPUTS],
        operand_shifts=c[at.OPERAND_SHIFTS],
        sum_shifts=c[at.SUM_SHIFTS],
        stationary_shifts=c[at.SIDE_SHIFTS],
        stationary_swaps=c[at.SWAPS],
        drain_shifts=c[at.DRAIN_SHIFTS],
        operand_toggles=c[at.OPERAND_TOGGLES],
        sum_toggles=c[at.SUM_TOGGLES],
        stationary_toggles=c[at.SIDE_TOGGLES],
        swap_toggles=c[at.SWAP_TOGGLES],
        drain_toggles=c[at.DRAIN_TOGGLES],
        pe_updates=c[at.STEPS],
    )


def _record(film: RegisterWords, flow: Dataflow, array: ArraySpec) -> ArrayRecord:
    """Named views of the recorded registers."""
    grid = flow.registers(array)
    shifting, shifting_valid = grid.shifting
    return ArrayRecord(
        dataflow=flow,
        moving=film[:, at.A],
        moving_valid=film[:, at.A_VALID],
        sums=film[:, at.SUM],
        sums_valid=film[:, at.SUM_VALID],
        other=film[:, grid.other],
        shifting=film[:, shifting],
        shifting_valid=film[:, shifting_valid],
    )
