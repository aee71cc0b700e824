"""A clocked systolic array in plain Python integers: slow, exact, and it imports nothing of ours.

Each processing element is an object with registers; a cycle first computes every next value from
the present ones, then commits them all. The control only says when a row of operands stands at the
edge; a wrong time gives wrong numbers, because values travel through the registers and nowhere else.
"""

from dataclasses import dataclass, field


@dataclass
class Clip:
    """Two's-complement register of `bits` that saturates or wraps and counts."""

    bits: int
    wraps: bool
    count: int = 0

    def __call__(self, exact: int) -> int:
        low, high = -(2 ** (self.bits - 1)), 2 ** (self.bits - 1) - 1
        if low <= exact <= high:
            return exact
        self.count += 1
        if self.wraps:
            return (exact - low) % 2**self.bits + low
        return low if exact < low else high


@dataclass
class Result:
    """Outputs, cycles, overflows and the multiplications really made."""

    outputs: list
    cycles: int
    overflows: int
    macs: int = 0


@dataclass
class Element:
    """Registers of one weight-stationary element; None is an empty register."""

    moving: tuple | None = None  # (value, swap)
    total: int | None = None
    loading: int | None = None
    working: int | None = None
    enable: bool = False


def weight_stationary(a, b, rows, cols, bits, wraps, hidden=True):
    """Outputs and cycles of a @ b (lists of rows) on a rows x cols weight-stationary array."""
    m, k, n = len(a), len(b), len(b[0])
    folds = [
        (list(range(k0, min(k0 + rows, k))), list(range(n0, min(n0 + cols, n))))
        for n0 in range(0, n, cols)
        for k0 in range(0, k, rows)
    ]
    enter, loads, port, free = [], [], 0, 0
    for ks, _ in folds:  # the loading port, the loading registers and the rows are taken in turn
        start = max(port, free)
        port = start + len(ks)
        loads.append(start)
        enter.append(max(port, enter[-1] + m if enter else 0))
        free = enter[-1] if hidden else enter[-1] + m - 1
    clip = Clip(bits, wraps)
    grid = [[Element() for _ in range(cols)] for _ in range(rows)]
    buffers = [[None] * n for _ in range(m)]
    due = [[(f, i) for f, (_, ns) in enumerate(folds) if c < len(ns) for i in range(m)] for c in range(cols)]
    cycle, macs = 0, 0
    while any(due):
        for c in range(cols):  # what stands in the bottom registers goes to the accumulators
            total = grid[rows - 1][c].total
            if total is not None:
                fold, i = due[c].pop(0)
                j = folds[fold][1][c]
                buffers[i][j] = total if buffers[i][j] is None else clip(buffers[i][j] + total)
        if not any(due):
            break
        macs += _step_weight(grid, a, b, folds, enter, loads, cycle, clip, hidden)
        cycle += 1
    return Result(buffers, cycle, clip.count, macs)


def _step_weight(grid, a, b, folds, enter, loads, cycle, clip, hidden):
    """One clock edge of the weight-stationary grid; multiplications made."""
    rows, cols, m, macs = len(grid), len(grid[0]), len(a), 0
    after = []
    for r in range(rows):
        for c in range(cols):
            now = grid[r][c]
            left = grid[r][c - 1].moving if c else _left(a, folds, enter, cycle - r, r, m)
            enable = grid[r][c - 1].enable if c else _enabled(folds, loads, cycle, r)
            above_total = grid[r - 1][c].total if r else _chain_start(folds, enter, cycle - c, c, m)
            above_weight = grid[r - 1][c].loading if r else _weight(b, folds, loads, cycle - c, c)
            new = Element(None, above_total, above_weight if enable else now.loading, now.working, enable)
            if left is not None and above_total is not None:
                value, swap = left
                if swap and hidden:
                    new.working = now.loading
                weight = new.working if hidden else now.loading
                new.moving, new.total, macs = left, clip(above_total + value * weight), macs + 1
            after.append(new)
    for index, element in enumerate(after):
        grid[index // cols][index % cols] = element
    return macs


def _at(folds, starts, cycle, length):
    """(fold, index) whose `length(fold)` items from its start include this cycle, or None."""
    for f, start in enumerate(starts):
        if start <= cycle < start + length(f):
            return f, cycle - start
    return None


def _left(a, folds, enter, cycle, r, m):
    """Element at the left edge of row r, already delayed by r."""
    hit = _at(folds, enter, cycle, lambda f: m)
    if hit is None or r >= len(folds[hit[0]][0]):
        return None
    return a[hit[1]][folds[hit[0]][0][r]], hit[1] == 0


def _chain_start(folds, enter, cycle, c, m):
    """Zero at the top of a used column, once per streamed row."""
    hit = _at(folds, enter, cycle, lambda f: m)
    return None if hit is None or c >= len(folds[hit[0]][1]) else 0


def _enabled(folds, loads, cycle, r):
    """Row r captures in the last (rows used - r) cycles of a load."""
    hit = _at(folds, loads, cycle, lambda f: len(folds[f][0]))
    return hit is not None and hit[1] >= r


def _weight(b, folds, loads, cycle, c):
    """Weight at the top of column c, farthest row first."""
    hit = _at(folds, loads, cycle, lambda f: len(folds[f][0]))
    if hit is None or c >= len(folds[hit[0]][1]):
        return None
    ks, ns = folds[hit[0]]
    return b[ks[len(ks) - 1 - hit[1]]][ns[c]]


def _transpose(matrix):
    return [list(column) for column in zip(*matrix, strict=True)]


@dataclass
class Cell:
    """Registers of one output-stationary element."""

    across: tuple | None = None  # (value, first)
    down: int | None = None
    total: int | None = None
    drain: int | None = None
    tags: str = "shift"


@dataclass
class Plan:
    """Folds of an output-stationary product and the cycle in which each enters."""

    folds: list
    enter: list = field(default_factory=list)


def output_stationary(a, b, rows, cols, bits, wraps, hidden=True):
    """Outputs and cycles of a @ b on a rows x cols output-stationary array."""
    m, k, n = len(a), len(b), len(b[0])
    plan = Plan(
        [
            (list(range(m0, min(m0 + rows, m))), list(range(n0, min(n0 + cols, n))))
            for m0 in range(0, m, rows)
            for n0 in range(0, n, cols)
        ]
    )
    port = drain = 0
    for ms, _ in plan.folds:
        plan.enter.append(max(port, drain - k))
        port = plan.enter[-1] + k
        drain = port + len(ms)  # the drain must end before the next one begins
    clip = Clip(bits, wraps)
    grid = [[Cell() for _ in range(cols)] for _ in range(rows)]
    outputs = [[None] * n for _ in range(m)]
    due = [[(i, ns[c]) for ms, ns in plan.folds if c < len(ns) for i in reversed(ms)] for c in range(cols)]
    cycle, macs = 0, 0
    while any(due):
        for c in range(cols):
            if grid[rows - 1][c].drain is not None:
                i, j = due[c].pop(0)
                outputs[i][j] = grid[rows - 1][c].drain
        if not any(due):
            break
        macs += _step_output(grid, a, b, plan, cycle, clip)
        cycle += 1
    return Result(outputs, cycle, clip.count, macs)


def _step_output(grid, a, b, plan, cycle, clip):
    """One clock edge of the output-stationary grid; multiplications made."""
    rows, cols, k, macs = len(grid), len(grid[0]), len(b), 0
    after = []
    for r in range(rows):
        for c in range(cols):
            now = grid[r][c]
            hit = _at(plan.folds, plan.enter, cycle - r - c, lambda f: k)  # for the two edges only
            left = grid[r][c - 1].across if c else None
            above = grid[r - 1][c].down if r else None
            if c == 0 and hit is not None and r < len(plan.folds[hit[0]][0]):
                left = (a[plan.folds[hit[0]][0][r]][hit[1]], hit[1] == 0)
            if r == 0 and hit is not None and c < len(plan.folds[hit[0]][1]):
                above = b[hit[1]][plan.folds[hit[0]][1][c]]
            tag = grid[r][c - 1].tags if c else _tag(plan, cycle, r, k)
            new = Cell(None, None, now.total, now.drain, tag)
            if tag == "take":
                new.drain, new.total = now.total, None
            elif tag == "shift":
                new.drain = grid[r - 1][c].drain if r else None
            if left is not None and above is not None:
                new.across, new.down, macs = left, above, macs + 1
                new.total = clip((0 if left[1] else new.total) + left[0] * above)
            after.append(new)
    for index, cell in enumerate(after):
        grid[index // cols][index % cols] = cell
    return macs


def _tag(plan, cycle, r, k):
    """What the drain registers of row r do: rows already taken hold, row by row the next takes."""
    ends = [start + k for start in plan.enter]
    hit = _at(plan.folds, ends, cycle, lambda f: len(plan.folds[f][0]))
    if hit is None or hit[1] < r:
        return "shift"
    return "take" if hit[1] == r else "hold"


def clocked(a, b, rows, cols, bits, wraps, hidden, *, sums_stay, transposed):
    """a @ b on the grid whose sums stay or move down, as the product itself or as its transpose."""
    left, right = (_transpose(b), _transpose(a)) if transposed else (a, b)
    if sums_stay:
        run = output_stationary(left, right, rows, cols, bits, wraps)
    else:
        run = weight_stationary(left, right, rows, cols, bits, wraps, hidden)
    return Result(_transpose(run.outputs), run.cycles, run.overflows, run.macs) if transposed else run
