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


class Buffer:
    """The accumulators under one column: two banks of entries, None where empty; a set that has ended leaves in order.

    `sets` are the outputs (i, j) of each set of sums, in the order in which they come. Sets of a product that fits one
    bank lie behind each other and leave when all have ended. Others take the banks in turn, so that a sum is never
    added in the bank that is emptied; or, if sums come finished, lie behind each other round both banks.
    """

    def __init__(self, sets, bank, carried, ring=False):
        total = sum(len(one) for one in sets)
        self.sets, self.waits, self.ring = sets, bank is None or total <= bank, ring
        self.banks = [[None] * (total if self.waits else bank), [None] * (0 if self.waits else bank)]
        self.done = self.gone = self.next = 0  # sets that ended, sets that left, entry that leaves next
        if carried is not None:
            assert self.waits
            self.banks[0] = [carried[i][j] for one in sets for i, j in one]

    def place(self, number, index):
        """(bank, entry) of a set's entry."""
        behind = sum(len(one) for one in self.sets[:number]) + index
        if self.waits:
            return self.banks[0], behind
        size = len(self.banks[0])
        return (self.banks[behind // size % 2], behind % size) if self.ring else (self.banks[number % 2], index)

    def take(self, index, total, adds, clip):
        """A sum of the set that is due arrives."""
        bank, at = self.place(self.done, index)
        assert (bank[at] is not None) == adds, "stored over a sum that has not left"
        bank[at] = clip(bank[at] + total) if adds else total

    def leave(self, outputs):
        """One finished sum goes, a cycle after its set has ended."""
        if self.gone < (self.done if not self.waits or self.done == len(self.sets) else 0):
            bank, at = self.place(self.gone, self.next)
            i, j = self.sets[self.gone][self.next]
            outputs[i][j], bank[at] = bank[at], None
            self.next += 1
            if self.next == len(self.sets[self.gone]):
                self.gone, self.next = self.gone + 1, 0


def _turns(m, sets, bank):
    """Rows 0 to m - 1 in as few even turns as a bank holds, if all `sets` of m sums do not fit it together."""
    number = 1 if bank is None or m * sets <= bank else -(-m // bank)
    rows = list(range(m))
    sizes = [m // number + (turn < m % number) for turn in range(number)]
    return [rows[sum(sizes[:turn]) : sum(sizes[: turn + 1])] for turn in range(number)]


def weight_stationary(a, b, rows, cols, bits, wraps, hidden=True, bank=None, carried=None):
    """Outputs and cycles of a @ b (lists of rows) on a rows x cols weight-stationary array.

    `bank` entries in each of two banks below a column; `carried` sums that stand there already.
    """
    m, k, n = len(a), len(b), len(b[0])
    folds = [
        (list(range(k0, min(k0 + rows, k))), list(range(n0, min(n0 + cols, n))), turn)
        for n0 in range(0, n, cols)
        for turn in _turns(m, -(-n // cols), bank)
        for k0 in range(0, k, rows)
    ]
    enter, loads, port, free = [], [], 0, 0
    for f, (ks, _, turn) in enumerate(folds):  # the loading port, the loading registers and the rows are taken in turn
        start = max(port, free)
        port = start + len(ks)
        loads.append(start)
        enter.append(max(port, enter[-1] + len(folds[f - 1][2]) if enter else 0))
        free = enter[-1] if hidden else enter[-1] + len(turn) - 1
    clip = Clip(bits, wraps)
    grid = [[Element() for _ in range(cols)] for _ in range(rows)]
    outputs = [[None] * n for _ in range(m)]
    due = [[(f, at) for f, (_, ns, turn) in enumerate(folds) if c < len(ns) for at in range(len(turn))]
           for c in range(cols)]  # fmt: skip
    buffers = [
        Buffer([[(i, ns[c]) for i in turn] for ks, ns, turn in folds if c < len(ns) and ks[-1] == k - 1], bank, carried)
        for c in range(cols)
    ]
    cycle, macs = 0, 0
    while any(due):
        for c in range(cols):  # what stands in the bottom registers goes to the accumulators
            buffers[c].leave(outputs)
            total = grid[rows - 1][c].total
            if total is not None:
                fold, at = due[c].pop(0)
                ks, _, turn = folds[fold]
                buffers[c].take(at, total, ks[0] > 0 or carried is not None, clip)
                buffers[c].done += ks[-1] == k - 1 and at == len(turn) - 1
        if not any(due):
            break
        macs += _step_weight(grid, a, b, folds, enter, loads, cycle, clip, hidden)
        cycle += 1
    _empty(buffers, outputs)
    return Result(outputs, cycle, clip.count, macs)


def _empty(buffers, outputs):
    """What is left in the accumulators when the last sum has come."""
    for buffer in buffers:
        for _ in range(sum(len(one) for one in buffer.sets)):
            buffer.leave(outputs)
        assert buffer.gone == len(buffer.sets)


def _step_weight(grid, a, b, folds, enter, loads, cycle, clip, hidden):
    """One clock edge of the weight-stationary grid; multiplications made."""
    rows, cols, macs = len(grid), len(grid[0]), 0
    after = []
    for r in range(rows):
        for c in range(cols):
            now = grid[r][c]
            left = grid[r][c - 1].moving if c else _left(a, folds, enter, cycle - r, r)
            enable = grid[r][c - 1].enable if c else _enabled(folds, loads, cycle, r)
            above_total = grid[r - 1][c].total if r else _chain_start(folds, enter, cycle - c, c)
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


def _left(a, folds, enter, cycle, r):
    """Element at the left edge of row r, already delayed by r."""
    hit = _at(folds, enter, cycle, lambda f: len(folds[f][2]))
    if hit is None or r >= len(folds[hit[0]][0]):
        return None
    ks, _, turn = folds[hit[0]]
    return a[turn[hit[1]]][ks[r]], hit[1] == 0


def _chain_start(folds, enter, cycle, c):
    """Zero at the top of a used column, once per streamed row."""
    hit = _at(folds, enter, cycle, lambda f: len(folds[f][2]))
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
    ks, ns, _ = folds[hit[0]]
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


def output_stationary(a, b, rows, cols, bits, wraps, bank=None, carried=None):
    """Outputs and cycles of a @ b on a rows x cols output-stationary array; `bank` and `carried` as above."""
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
    due = [[at for ms, ns in plan.folds if c < len(ns) for at in reversed(range(len(ms)))] for c in range(cols)]
    buffers = [Buffer([[(i, ns[c]) for i in ms] for ms, ns in plan.folds if c < len(ns)], bank, carried, ring=True)
               for c in range(cols)]  # fmt: skip
    cycle, macs = 0, 0
    while any(due):
        for c in range(cols):
            buffers[c].leave(outputs)
            if grid[rows - 1][c].drain is not None:
                at = due[c].pop(0)
                buffers[c].take(at, grid[rows - 1][c].drain, carried is not None, clip)
                buffers[c].done += at == 0
        if not any(due):
            break
        macs += _step_output(grid, a, b, plan, cycle, clip)
        cycle += 1
    _empty(buffers, outputs)
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


def clocked(a, b, rows, cols, bits, wraps, hidden, *, sums_stay, transposed, bank=None, carried=None):
    """a @ b on the grid whose sums stay or move down, as the product itself or as its transpose."""
    left, right = (_transpose(b), _transpose(a)) if transposed else (a, b)
    carried = _transpose(carried) if transposed and carried is not None else carried
    if sums_stay:
        run = output_stationary(left, right, rows, cols, bits, wraps, bank, carried)
    else:
        run = weight_stationary(left, right, rows, cols, bits, wraps, hidden, bank, carried)
    return Result(_transpose(run.outputs), run.cycles, run.overflows, run.macs) if transposed else run
