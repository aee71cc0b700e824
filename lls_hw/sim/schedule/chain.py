"""A program as a chain of places: its phases in order, who makes each map, and until when it is wanted."""

from lls_hw.models.program.ops.base import Op
from lls_hw.models.program.program import Program
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.sim.mapping.pinned import pin_of
from lls_hw.sim.schedule.phases import Phase, phases_of


class Chain:
    """The phases of a program in order; an op that runs by itself is a place of its own.

    Attributes
    ----------
    places : phases, and ops by their number: those that have no phases, and those whose mapping the user has pinned.
    floating : ops that nothing in the step waits for (updates), by the place after which each can run.
    """

    def __init__(self, program: Program, chip: AcceleratorSpec) -> None:
        self.program = program
        self.places: list[Phase | int] = []
        self.makers: dict[str, int] = {}
        self.wanted: dict[str, list[int]] = {}
        self.floating: dict[int, list[Op]] = {}
        touched: dict[str, int] = {}
        later = _read_later(program)
        for index, op in enumerate(program.ops):
            phases = phases_of(program, index) if pin_of(chip, op) is None else ()
            if not phases and not later[index]:
                after = max(touched.get(name, -1) for name in (*op.reads, *op.writes))
                self.floating.setdefault(after, []).append(op)
                for name in op.reads:  # they are to be there until it runs, and it may run last
                    self.wanted.setdefault(name, []).append(2 * len(program.ops))
                touched.update(dict.fromkeys(op.writes, after))
                continue
            for place in phases or (index,):
                self._add(place, op, touched)
        self._wanted = [self._wanted_from(at) for at in range(len(self.places) + 1)]
        self._of_use = [self._with_sources(names) for names in self._wanted]

    def _add(self, place: Phase | int, op: Op, touched: dict[str, int]) -> None:
        at = len(self.places)
        self.places.append(place)
        for name in dict.fromkeys(place.streamed if isinstance(place, Phase) else op.reads):
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
        """Maps that the places from `at` on read, or floating ops, which may run after the last place."""
        return self._wanted[at]

    def of_use_from(self, at: int) -> frozenset[str]:
        """Those, and maps from which they can be computed again."""
        return self._of_use[at]

    def _with_sources(self, names: frozenset[str]) -> frozenset[str]:
        found, open_names = set(names), list(names)
        while open_names:
            maker = self.makers.get(open_names.pop())
            sources = () if maker is None else self.phase(maker).streamed
            open_names += [name for name in sources if name not in found]
            found.update(sources)
        return frozenset(found)

    def _wanted_from(self, at: int) -> frozenset[str]:
        return frozenset(name for name, places in self.wanted.items() if max(places) >= at)


def _read_later(program: Program) -> list[bool]:
    """Of each op, whether a later one reads what it writes."""
    read: set[str] = set()
    found = []
    for op in reversed(program.ops):
        found.append(bool(read.intersection(op.writes)))
        read.update(op.reads)
    return found[::-1]
