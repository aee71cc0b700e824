"""Scratchpad bytes of a group: what it holds all the time, what each of its tiles takes, and ways to cut its loop."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lls_hw.models.spec.storage import storage_bytes
from lls_hw.sim.mapping.context import Context, Place
from lls_hw.sim.schedule.bands import Bands, cut
from lls_hw.sim.schedule.group import Group
from lls_hw.sim.schedule.phases import rows_of
from lls_hw.sim.schedule.work import Worker

INSIDE = Place(resident=True, load=False, store=False)


@dataclass(frozen=True, slots=True)
class LoopCut:
    """Samples a tile, and bands of a sample where it is one."""

    images: int
    bands: Bands


class GroupMemory:
    """The scratchpad of one group, beside the tensors that are resident.

    Parameters
    ----------
    workers : of the group's phases, in their order.

    Attributes
    ----------
    heights : rows of a sample of each map.
    whole_bytes : of operands and results that stay for the whole loop, where they are not resident anyway.
    sample_bytes : of what each sample has of its own.
    map_row_bytes : of a row of each map.
    """

    def __init__(self, ctx: Context, group: Group, workers: Sequence[Worker]) -> None:
        self.ctx, self.group, self.workers = ctx, group, workers
        self.heights = {name: rows_of(ctx.tensor(name)) for name in (*group.loaded, *group.made)}
        whole = (*group.held, *(name for phase in group.phases for name in phase.results))
        own = (*group.per_sample_reads, *(name for phase in group.phases for name in phase.per_sample_writes))
        self.whole_bytes = {name: ctx.tensor(name).size_bytes for name in self._not_resident(whole)}
        self.sample_bytes = {name: -(-ctx.tensor(name).size_bytes // group.batch) for name in self._not_resident(own)}
        self.map_row_bytes = {name: self._row_bytes(name) for name in self._not_resident(self.heights)}

    def cuts(self) -> Iterator[LoopCut]:
        """Ways to cut the loop, fewest tiles first."""
        batch = self.group.batch
        for images in sorted({-(-batch // parts) for parts in range(1, batch + 1)}, reverse=True):
            yield LoopCut(images, cut(self.group.phases, 1, self.heights))
        most = max(phase.rows for phase in self.group.phases)
        for parts in sorted({-(-most // rows) for rows in row_counts(most)} - {1}):
            yield LoopCut(1, cut(self.group.phases, parts, self.heights))

    def held_bytes(self, one: LoopCut) -> int:
        """Operands, accumulators, results and line buffers of the whole loop."""
        bands = one.bands
        total = sum(self.whole_bytes.values()) + sum(worker.scratch_bytes for worker in self.workers)
        total += sum(w.waiting_bytes(done) for w, done in zip(self.workers, bands.phases, strict=True))
        return total + sum((bands.rows[name] - bands.fresh[name]) * size for name, size in self.map_row_bytes.items())

    def slot_bytes(self, one: LoopCut) -> int:
        """Maps and operands of one tile."""
        rows = sum(one.bands.fresh[name] * size for name, size in self.map_row_bytes.items())
        return one.images * (rows + sum(self.sample_bytes.values()))

    def need_bytes(self, one: LoopCut, slots: int) -> int:
        """Scratchpad bytes of a cut."""
        return self.held_bytes(one) + slots * self.slot_bytes(one)

    def least_bytes(self) -> int:
        """The smallest working set: a row of a sample at a time."""
        most = max(phase.rows for phase in self.group.phases)
        return self.need_bytes(LoopCut(1, cut(self.group.phases, most, self.heights)), self.ctx.depth)

    def _not_resident(self, names: Iterable[str]) -> list[str]:
        """Those, each once, that do not lie in the scratchpad anyway while the group runs."""
        places = self.ctx.places
        return [
            name
            for name in dict.fromkeys(names)
            if not (name in places and places[name].resident and places[name] is not INSIDE)
        ]

    def _row_bytes(self, name: str) -> int:
        """Bytes of a row of a sample's map; where it is computed as sums, of those."""
        tensor = self.ctx.tensor(name)
        wide = max((w.sum_bits for w in self.workers if w.phase.out == name), default=0)
        return storage_bytes(self.row_codes(name), max(tensor.bits, wide))

    def row_codes(self, name: str) -> int:
        """Codes of a row of a sample's map."""
        return self.ctx.tensor(name).elements // (self.group.batch * self.heights[name])


def row_counts(most: int) -> tuple[int, ...]:
    """Rows a band worth trying: few ones all, then about half as many more each.

    Examples
    --------
    >>> row_counts(24)
    (1, 2, 3, 4, 6, 8, 12, 16)
    """
    sizes = [1, 2, 3]
    while sizes[-1] < most:
        sizes.append(sizes[-2] * 2)
    return tuple(size for size in sizes if size < most)
