"""A schedule in words: its groups, and what each of them loads, stores, keeps in tiles and computes again."""

from collections.abc import Sequence
from dataclasses import dataclass

from lls_hw.models.program.ops.base import Op
from lls_hw.models.program.program import Program
from lls_hw.sim.schedule.group import Group


@dataclass(frozen=True, slots=True)
class GroupNote:
    """One group, or an op by itself.

    Attributes
    ----------
    runs, again : phases that run for the first time, and those that compute again what is not in memory.
    loaded, stored, inside : maps that it reads from memory, writes there, and that live in its tiles only.
    inside_bytes : bytes of those that never leave its tiles.
    """

    layer: str
    runs: tuple[str, ...]
    again: tuple[str, ...]
    loaded: tuple[str, ...]
    stored: tuple[str, ...]
    inside: tuple[str, ...]
    inside_bytes: int

    def text(self) -> str:
        """A line or two."""
        lines = [" + ".join(self.runs)]
        if self.again:
            lines.append(f"    again:  {' + '.join(self.again)}")
        if self.loaded or self.stored:
            lines.append(
                f"    loads:  {', '.join(self.loaded) or 'no map'}; stores: {', '.join(self.stored) or 'no map'}"
            )
        if self.inside:
            lines.append(f"    inside: {', '.join(self.inside)} ({self.inside_bytes / 1024:,.1f} KiB)")
        return "\n".join(lines)


def describe(program: Program, ops: Sequence[Op]) -> tuple[GroupNote, ...]:
    """Every group of a schedule, in order; updates and other ops by themselves are named too."""
    return tuple(_note(program, op) for op in ops)


def _note(program: Program, op: Op) -> GroupNote:
    if not isinstance(op, Group):
        return GroupNote(op.layer, (f"{op.layer} {op.stage} {op.kind}",), (), (), (), (), 0)
    first = op.fresh
    inside = tuple(name for name in sorted(op.made) if name not in op.stored)
    return GroupNote(
        layer=op.layer,
        runs=tuple(phase.name for phase in first),
        again=tuple(phase.name for phase in op.phases if phase not in first),
        loaded=op.loaded,
        stored=op.stored_maps,
        inside=inside,
        inside_bytes=sum(program.tensors[name].size_bytes for name in inside),
    )


def schedule_text(program: Program, ops: Sequence[Op]) -> str:
    """The schedule, group by group; one line where the program runs op by op."""
    if not ops:
        return f"op by op: {len(program.ops)} ops, each by itself"
    return "\n".join(f"{at:>3} {note.text()}" for at, note in enumerate(describe(program, ops)))
