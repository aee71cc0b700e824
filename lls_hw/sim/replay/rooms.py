"""The scratchpad of a group, divided: what each map, operand and sum of its loop takes of the bytes that are kept.

A map's rows lie in a ring: as many rows as the plan keeps for those that wait and for its tiles under way together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from lls_hw.sim.mapping.tile import Plan
from lls_hw.sim.schedule.memory import GroupMemory, LoopCut


@dataclass(frozen=True, slots=True)
class Rooms:
    """Bytes by what they are for.

    Attributes
    ----------
    whole : operands and results that stay for the whole loop.
    maps : rows of a map's ring.
    own : of one slot of what each sample has of its own; there are `slots`.
    scratch, waiting : sums of a phase, by its place in the group: of the op, and of rows that are not finished.
    """

    whole: Mapping[str, int]
    maps: Mapping[str, int]
    own: Mapping[str, int]
    slots: int
    scratch: Mapping[int, int]
    waiting: Mapping[int, int]

    def sizes(self, memory: GroupMemory) -> dict[str, list[int]]:
        """Bytes of every block, slot by slot, by its name."""
        found = {f"{name} (whole)": [size] for name, size in self.whole.items()}
        found.update({f"{name} (rows)": [rows * memory.map_row_bytes[name]] for name, rows in self.maps.items()})
        found.update({f"{name} (sample)": [size] * self.slots for name, size in self.own.items()})
        found.update({f"{at} (scratch)": [size] for at, size in self.scratch.items()})
        found.update({f"{at} (waiting)": [size] for at, size in self.waiting.items()})
        return found


def rooms_of(memory: GroupMemory, plan: Plan) -> Rooms:
    """The division of a group's bytes, which the plan has kept: no more and no less."""
    one, slots = cast("LoopCut", plan.form), plan.buffers[0].depth
    bands = one.bands
    rooms = Rooms(
        whole=memory.whole_bytes,
        maps={name: bands.rows[name] + (slots * one.images - 1) * bands.fresh[name] for name in memory.map_row_bytes},
        own={name: one.images * size for name, size in memory.sample_bytes.items()},
        slots=slots,
        scratch={at: w.scratch_bytes for at, w in enumerate(memory.workers) if w.scratch_bytes},
        waiting={
            at: size
            for at, (w, done) in enumerate(zip(memory.workers, bands.phases, strict=True))
            if (size := w.waiting_bytes(done))
        },
    )
    total = sum(sum(sizes) for sizes in rooms.sizes(memory).values())
    kept = plan.held_bytes + plan.buffers[0].total_bytes
    assert total == kept, f"{memory.group.layer}: {total} bytes divided, {kept} kept"
    return rooms
