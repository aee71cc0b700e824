"""The search: which phases share a loop, which maps are stored, and which are computed again.

A path through the program's phases, one group after the other. What lies behind a place on the path matters to what
comes only through the maps that are in memory there and are still wanted; so the cheapest way to each such state is
kept (dynamic programming, Bellman 1957), and the cheapest way to the end is the best schedule of those that the rules
of `_ways` allow.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

from lls_hw.models.program.ops.base import Op
from lls_hw.models.program.ops.products import Product
from lls_hw.models.program.ops.update import Update
from lls_hw.models.program.program import Program
from lls_hw.sim.schedule.drain import drained
from lls_hw.sim.schedule.group import Group
from lls_hw.sim.schedule.phases import Phase, phases_of

LONGEST = 12
"""Phases of a group that run for the first time."""
MOST_PHASES = 16
"""Phases of a group, those that run again included."""
WIDEST = 64
"""States that are kept at each place."""


@dataclass(frozen=True, slots=True)
class PathStep:
    """The next to run: a group, or an op by itself; after it the path stands before phase `end`."""

    op: Op
    cost: int
    end: int


@dataclass(frozen=True, slots=True)
class Path:
    """The cheapest way to a state: the last step to it, and the way to where that began."""

    cost: int
    step: PathStep | None = None
    before: "Path | None" = None

    @property
    def steps(self) -> tuple[PathStep, ...]:
        """From the first to the last."""
        found: list[PathStep] = []
        path: Path | None = self
        while path is not None and path.step is not None:
            found.append(path.step)
            path = path.before
        return tuple(reversed(found))


class Chain:
    """The phases of a program in order; an op that runs by itself is a place of its own.

    Attributes
    ----------
    places : phases, and ops by their number.
    floating : ops that nothing in the step waits for (updates), by the place after which each can run.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.places: list[Phase | int] = []
        self.makers: dict[str, int] = {}
        self.wanted: dict[str, list[int]] = {}
        self.floating: dict[int, list[Op]] = {}
        touched: dict[str, int] = {}
        later = _read_later(program)
        for index, op in enumerate(program.ops):
            phases = phases_of(program, index)
            if not phases and not later[index]:
                after = max(touched.get(name, -1) for name in (*op.reads, *op.writes))
                self.floating.setdefault(after, []).append(op)
                touched.update(dict.fromkeys(op.writes, after))
                continue
            for place in phases or (index,):
                self._add(place, op, touched)
        self._wanted = [self._wanted_from(at) for at in range(len(self.places) + 1)]

    def _add(self, place: Phase | int, op: Op, touched: dict[str, int]) -> None:
        at = len(self.places)
        self.places.append(place)
        maps = [read.tensor for read in place.maps] if isinstance(place, Phase) else list(op.reads)
        for name in dict.fromkeys(maps):
            self.wanted.setdefault(name, []).append(at)
        if isinstance(place, Phase) and place.out is not None:
            self.makers[place.out] = at
        touched.update(dict.fromkeys((*op.reads, *op.writes), at))

    def phase(self, at: int) -> Phase:
        """The phase at a place where there is one."""
        place = self.places[at]
        assert isinstance(place, Phase), f"op {place} runs by itself"
        return place

    def wanted_from(self, at: int) -> frozenset[str]:
        """Maps that the places from `at` on read."""
        return self._wanted[at]

    def _wanted_from(self, at: int) -> frozenset[str]:
        return frozenset(name for name, places in self.wanted.items() if places[-1] >= at)


def _read_later(program: Program) -> list[bool]:
    """Of each op, whether a later one reads what it writes."""
    read: set[str] = set()
    found = []
    for op in reversed(program.ops):
        found.append(bool(read.intersection(op.writes)))
        read.update(op.reads)
    return found[::-1]


CostOf = Callable[[Op], int | None]
"""Cost of a group or of an op by itself; None where it does not fit the scratchpad."""


class OrderSearch:
    """The cheapest path through a chain.

    Parameters
    ----------
    cost : of a group or an op.
    keeping : the least cost of storing a map, by which states are compared that have stored different ones.
    small_bytes : maps up to this size are stored whenever they are wanted later; the choice is between larger ones.
    again : whether a group may compute maps again; else all that is wanted later is stored.
    """

    def __init__(
        self, chain: Chain, cost: CostOf, keeping: Callable[[str], int], *, small_bytes: int = 0, again: bool = True
    ) -> None:
        self.chain, self.cost, self.keeping, self.again = chain, cost, keeping, again
        tensors = chain.program.tensors
        self.small = frozenset(name for name in chain.makers if not again or tensors[name].size_bytes <= small_bytes)
        self.maps = frozenset(chain.makers)
        self.known: dict[tuple[tuple[int, ...], frozenset[str], int], tuple[Op, int | None]] = {}

    def run(self) -> Path | None:
        """Place by place; None if no path was found."""
        chain = self.chain
        start: frozenset[str] = frozenset()
        states: list[dict[frozenset[str], Path]] = [{} for _ in range(len(chain.places) + 1)]
        states[0][start] = Path(0)
        for at in range(len(chain.places)):
            for there, path in self._best(states[at], chain.wanted_from(at)):
                for op, cost, end, stored in self.ways(at, there):
                    new = (there | stored) & chain.wanted_from(end)
                    total = path.cost + cost
                    if new not in states[end] or states[end][new].cost > total:
                        states[end][new] = Path(total, PathStep(op, cost, end), path)
        return min(states[-1].values(), key=lambda path: path.cost, default=None)

    def _best(self, states: dict[frozenset[str], Path], wanted: frozenset[str]) -> list[tuple[frozenset[str], Path]]:
        """The cheapest states so far, and the cheapest when each map that is missing is charged as a store."""
        missing = {name: self.keeping(name) for name in wanted & self.maps}

        def promise(item: tuple[frozenset[str], Path]) -> int:
            return item[1].cost + sum(cost for name, cost in missing.items() if name not in item[0])

        cheap = sorted(states.items(), key=lambda item: item[1].cost)[: WIDEST // 2]
        promising = sorted(states.items(), key=promise)[: WIDEST // 2]
        return list(dict([*cheap, *promising]).items())

    def ways(self, at: int, there: frozenset[str]) -> Iterator[tuple[Op, int, int, frozenset[str]]]:
        """Those that may run next: (op or group, cost, the place after it, maps that it stores)."""
        chain, place = self.chain, self.chain.places[at]
        index = place if isinstance(place, int) else place.index
        op = chain.program.ops[index]
        begins = isinstance(place, int) or place.part == 0
        if begins and all(name in there for name in op.reads if name in self.maps):
            cost = self.cost(op)
            if cost is not None:
                count = sum(1 for p in chain.places[at : at + 2] if isinstance(p, Phase) and p.index == index) or 1
                yield op, cost, at + count, frozenset(op.writes) & self.maps
        if isinstance(place, int):
            return
        summed: set[str] = set()
        for end in range(at + 1, min(at + LONGEST, len(chain.places)) + 1):
            last = chain.places[end - 1]
            if not isinstance(last, Phase) or summed.intersection((*last.held, *last.per_sample_reads)):
                return  # it needs what the others only sum
            summed.update((*last.results, *last.per_sample_writes))
            yield from self._groups(at, end, there)

    def _groups(self, at: int, end: int, there: frozenset[str]) -> Iterator[tuple[Op, int, int, frozenset[str]]]:
        chain = self.chain
        members = self._with_makers(range(at, end), there)
        if not members:
            return
        made = {out for m in members if (out := chain.phase(m).out) is not None}
        wanted = (made - there) & chain.wanted_from(end)
        free = sorted(wanted - self.small)
        for size in range(len(free) + 1):
            for chosen in combinations(free, size):
                stored = frozenset((wanted & self.small).union(chosen))
                group, cost = self._group(members, stored, at)
                if cost is None:
                    return
                yield group, cost, end, stored

    def _with_makers(self, fresh: range, there: frozenset[str]) -> tuple[int, ...]:
        """Places of a group: the new ones, and those that compute again what is not in memory; none if too many."""
        found, open_places = set(fresh), list(fresh)
        while open_places:
            if len(found) > MOST_PHASES:
                return ()
            for read in self.chain.phase(open_places.pop()).maps:
                maker = self.chain.makers.get(read.tensor)
                if maker is not None and read.tensor not in there and maker not in found:
                    if not self.again:
                        return ()
                    found.add(maker)
                    open_places.append(maker)
        return tuple(sorted(found))

    def _group(self, members: tuple[int, ...], stored: frozenset[str], at: int) -> tuple[Op, int | None]:
        key = members, stored, at
        if key not in self.known:
            phases = tuple(self.chain.phase(m) for m in members)
            again = frozenset((p.index, p.part) for m, p in zip(members, phases, strict=True) if m < at)
            head = self.chain.phase(at).op
            group = Group(
                layer=head.layer,
                stage=head.stage,
                batch=self.chain.program.batch,
                phases=phases,
                stored=stored,
                again=again,
            )
            self.known[key] = group, self.cost(group)
        return self.known[key]


def in_order(chain: Chain, path: Path, drains: Callable[[Product, Update], bool]) -> tuple[Op, ...]:
    """The path's groups and ops, and each update as soon as nothing that follows reads what it writes.

    A group may compute a map again long after its layer's gradient is known: until then its weights stay as they are.
    A gradient that runs by itself waits for its update, if that can take it while it drains (`drains`).
    """
    steps: list[Op] = [step.op for step in path.steps]
    ends = [0, *(step.end for step in path.steps)]
    last_read = {name: at for at, op in enumerate(steps) for name in op.reads}
    alone = {op.out: at for at, op in enumerate(steps) if isinstance(op, Product) and op.direction == "weight_grad"}
    due: dict[int, list[Op]] = {}
    taken: set[int] = set()
    for place, floating in chain.floating.items():
        step = bisect_right(ends, place) - 1 if place >= 0 else -1
        for op in floating:
            after = max((step, *(last_read.get(name, -1) for name in op.writes)))
            at = alone.get(op.gradient) if isinstance(op, Update) else None
            drain = at is not None and drains(steps[at], op)  # type: ignore[arg-type]
            if drain:
                taken.add(at)  # type: ignore[arg-type]
            due.setdefault(after, []).append(drained(chain.program, steps[at], op) if drain else op)  # type: ignore[arg-type,index]
    runs = ((op,) if at not in taken else () for at, op in enumerate(steps))
    return (*due.get(-1, ()), *(op for at, run in enumerate(runs) for op in (*run, *due.get(at, ()))))
