"""The search: which phases share a loop, which maps are stored, and which are computed again.

A path through the program's phases, one group after the other. What lies behind a place on the path matters to what
comes only through the maps that are in memory there and are still wanted; so the cheapest way to each such state is
kept (dynamic programming, Bellman 1957), and the cheapest way to the end is the best schedule of those that the rules
of `_ways` allow.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import combinations

from lls_hw.models.program.ops.base import Op
from lls_hw.models.program.ops.products import Product
from lls_hw.models.program.ops.update import Update
from lls_hw.sim.schedule.chain import Chain
from lls_hw.sim.schedule.drain import drained
from lls_hw.sim.schedule.group import Group
from lls_hw.sim.schedule.phases import Phase

LONGEST = 12
"""Phases of a group that run for the first time."""
MOST_PHASES = 16
"""Phases of a group, those that run again included."""
FREE_MAPS = 6
"""Maps of a group that may be stored or not, each by itself."""
WIDEST = 192
"""States that are kept at each place."""
CREDITS = (0, 1, 2)
"""Halves of its store that a map in memory is worth: states are compared by each, since the cheap ones have stored too
little so far."""


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


CostOf = Callable[[Op], int | None]
"""Cost of a group or of an op by itself; None where it does not fit the scratchpad."""
Continuation = tuple[Op, int, int, frozenset[str]]
"""A group or op that may run next, its cost, the place after it, and the maps that it stores."""


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
        to_the_end = chain.wanted_from(len(chain.places))  # by floating ops: in memory, since they are in no group
        self.always = frozenset(
            name for name in chain.makers if not again or name in to_the_end or tensors[name].size_bytes <= small_bytes
        )
        self.maps = frozenset(chain.makers)
        self.kept_from = chain.wanted_from if small_bytes else chain.of_use_from  # of long programs, fewer states
        self.known: dict[tuple[tuple[int, ...], frozenset[str], int], tuple[Continuation, ...]] = {}

    def run(self) -> Path | None:
        """Place by place; None if no path was found."""
        chain = self.chain
        start: frozenset[str] = frozenset()
        states: list[dict[frozenset[str], Path]] = [{} for _ in range(len(chain.places) + 1)]
        states[0][start] = Path(0)
        for at in range(len(chain.places)):
            for there, path in self._best(states[at], chain.wanted_from(at)):
                for op, cost, end, stored in self.ways(at, there):
                    new = (there | stored) & self.kept_from(end)
                    total = path.cost + cost
                    if new not in states[end] or states[end][new].cost > total:
                        states[end][new] = Path(total, PathStep(op, cost, end), path)
        return min(states[-1].values(), key=lambda path: path.cost, default=None)

    def _best(self, states: dict[frozenset[str], Path], wanted: frozenset[str]) -> list[tuple[frozenset[str], Path]]:
        """The cheapest states, with as much credit as each of `CREDITS` gives for the maps that they have stored."""
        stores = {name: self.keeping(name) for name in wanted & self.maps}
        worth = {there: sum(stores.get(name, 0) for name in there) for there in states}
        kept: dict[frozenset[str], Path] = {}
        for credit in CREDITS:
            value = {there: 2 * path.cost - credit * worth[there] for there, path in states.items()}
            kept.update(
                (there, states[there]) for there in nsmallest(WIDEST // len(CREDITS), states, key=value.__getitem__)
            )
        return list(kept.items())

    def ways(self, at: int, there: frozenset[str]) -> Iterator[Continuation]:
        """All that may run next."""
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
        sampled: set[str] = set()
        for end in range(at + 1, min(at + LONGEST, len(chain.places)) + 1):
            last = chain.places[end - 1]
            if not isinstance(last, Phase) or summed.intersection((*last.held, *last.per_sample_reads)):
                return  # it needs whole what the others sum or make row by row
            if sampled.intersection(last.held):
                return  # and that of all samples
            summed.update((*last.results, *((last.out,) if last.out is not None else ())))
            sampled.update(last.per_sample_writes)
            yield from self._groups(at, end, there)

    def _groups(self, at: int, end: int, there: frozenset[str]) -> Sequence[Continuation]:
        chain = self.chain
        members = self._with_makers(range(at, end), there)
        if not members:
            return ()
        made = {out for m in members if (out := chain.phase(m).out) is not None}
        wanted = frozenset((made - there) & chain.wanted_from(end))
        key = members, wanted, at
        if key not in self.known:
            self.known[key] = tuple(self._storing(members, wanted, at, end))
        return self.known[key]

    def _storing(self, members: tuple[int, ...], wanted: frozenset[str], at: int, end: int) -> Iterator[Continuation]:
        """The group that stores those of `always` that are wanted later and some of the others.

        In every way; of more than `FREE_MAPS`, whose ways are too many, none, all, one, or all but one: what lies
        between two shorter groups can do.
        """
        free = sorted(wanted - self.always)
        few = range(len(free) + 1) if len(free) <= FREE_MAPS else (0, 1, len(free) - 1, len(free))
        for size in few:
            for chosen in combinations(free, size):
                stored = frozenset((wanted & self.always).union(chosen))
                group = self._group(members, stored, at)
                cost = self.cost(group)
                if cost is None:
                    return
                yield group, cost, end, stored

    def _with_makers(self, fresh: range, there: frozenset[str]) -> tuple[int, ...]:
        """Places of a group: the new ones, and those that compute again what is not in memory; none if too many."""
        found, open_places = set(fresh), list(fresh)
        while open_places:
            if len(found) > MOST_PHASES:
                return ()
            phase = self.chain.phase(open_places.pop())
            if any(name in self.maps and name not in there for name in phase.per_sample_reads):
                return ()  # it is needed whole at a sample's first row, and is not in memory
            for read in phase.maps:
                maker = self.chain.makers.get(read.tensor)
                if maker is not None and read.tensor not in there and maker not in found:
                    if not self.again:
                        return ()
                    found.add(maker)
                    open_places.append(maker)
        return tuple(sorted(found))

    def _group(self, members: tuple[int, ...], stored: frozenset[str], at: int) -> Group:
        phases = tuple(self.chain.phase(m) for m in members)
        head = self.chain.phase(at).op
        return Group(
            layer=head.layer,
            stage=head.stage,
            batch=self.chain.program.batch,
            phases=phases,
            stored=stored,
            again=frozenset((p.index, p.part) for m, p in zip(members, phases, strict=True) if m < at),
        )


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
