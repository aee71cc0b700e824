"""A group: phases that share one loop of tiles, as an op of its own for the planner and the event engine."""

from dataclasses import dataclass
from typing import ClassVar

from lls_hw.models.program.ops.base import Op
from lls_hw.sim.schedule.phases import Phase


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group(Op):
    """Phases in one loop over samples and bands of rows; maps between them exist as tiles only.

    Attributes
    ----------
    phases : in the order in which they run in each tile.
    stored : maps of theirs that go to memory, because a later group reads them.
    again : phases that an earlier group has run already, and that run again instead of a load.
    """

    READS: ClassVar[tuple[str, ...]] = ()
    WRITES: ClassVar[tuple[str, ...]] = ()

    phases: tuple[Phase, ...]
    stored: frozenset[str] = frozenset()
    again: frozenset[tuple[int, int]] = frozenset()

    @property
    def made(self) -> frozenset[str]:
        """Maps that the group computes."""
        return frozenset(phase.out for phase in self.phases if phase.out is not None)

    @property
    def loaded(self) -> tuple[str, ...]:
        """Maps that it reads row by row and does not compute."""
        made = self.made
        found = (read.tensor for phase in self.phases for read in phase.maps)
        return tuple(dict.fromkeys(name for name in found if name not in made))

    @property
    def per_sample_reads(self) -> tuple[str, ...]:
        """Operands of which each sample has its own, and which the group does not make."""
        made = self.per_sample_writes
        names = dict.fromkeys(name for phase in self.phases for name in phase.per_sample_reads)
        return tuple(name for name in names if name not in made)

    @property
    def held(self) -> tuple[str, ...]:
        """Operands that it needs whole, all the time."""
        return tuple(dict.fromkeys(name for phase in self.phases for name in phase.held))

    @property
    def stored_maps(self) -> tuple[str, ...]:
        """`stored`, in the order in which they are computed."""
        return tuple(phase.out for phase in self.phases if phase.out is not None and phase.out in self.stored)

    @property
    def per_sample_writes(self) -> tuple[str, ...]:
        """Results of each sample, of the phases that run for the first time."""
        return tuple(name for phase in self.fresh for name in phase.per_sample_writes)

    @property
    def results(self) -> tuple[str, ...]:
        """The maps that stand when the loop is over."""
        return tuple(name for phase in self.fresh for name in phase.results)

    @property
    def fresh(self) -> tuple[Phase, ...]:
        """Phases that run for the first time."""
        return tuple(phase for phase in self.phases if (phase.index, phase.part) not in self.again)

    @property
    def reads(self) -> tuple[str, ...]:
        """Tensors that come from memory."""
        return tuple(dict.fromkeys((*self.loaded, *self.per_sample_reads, *self.held)))

    @property
    def writes(self) -> tuple[str, ...]:
        """Tensors that go to memory."""
        return (*self.stored_maps, *self.per_sample_writes, *self.results)

    @property
    def kind(self) -> str:
        """Of how many phases."""
        return f"group of {len(self.phases)}"
