"""Bands: how far each phase of a group gets in each tile of a sample.

A group's tiles cut a sample into bands of rows. Every map is loaded or computed once, row after row; what a later tile
still needs of it (the halo under the next rows' windows) waits in a line buffer. So no row is computed twice, and the
work of a group is that of its phases, whatever the bands.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from lls_hw.sim.schedule.phases import Phase


@dataclass(frozen=True, slots=True)
class Bands:
    """Rows of a sample done by the end of each tile.

    Attributes
    ----------
    phases : `phases[p][t]` rows that phase p has done after tile t (`[p][0]` is 0).
    maps : the same of each map that is loaded or computed: `maps[name][t]` rows are there.
    rows : rows of each map that its buffer must hold: from the first that a later row of some phase needs.
    fresh : the most rows of each map that one tile adds.
    """

    phases: tuple[tuple[int, ...], ...]
    maps: dict[str, tuple[int, ...]]
    rows: dict[str, int]
    fresh: dict[str, int]

    @property
    def tiles(self) -> int:
        """Tiles of a sample."""
        return len(self.phases[0]) - 1


def cut(phases: tuple[Phase, ...], tiles: int, heights: Mapping[str, int]) -> Bands:
    """Bands of a sample in so many tiles: each phase does no more in a tile than later ones, or an even cut, ask for.

    What a phase makes of a whole sample is there when the first row of a phase that reads it is.

    Parameters
    ----------
    phases : in order; a phase reads maps of earlier ones, or loaded maps.
    heights : rows of each map that they read or write.
    """
    need: dict[str, list[int]] = {name: [0] * (tiles + 1) for name in heights}
    done: list[tuple[int, ...]] = []
    readers: dict[str, list[tuple[int, ...]]] = {}
    for phase in reversed(phases):
        asked = [-(-phase.rows * at // tiles) for at in range(tiles + 1)]
        if phase.out is not None and any(need[phase.out]):
            asked = [*need[phase.out][:-1], phase.rows]
        later = [begun for name in phase.per_sample_writes for begun in readers.get(name, ())]
        asked = [phase.rows if any(begun[at] for begun in later) else row for at, row in enumerate(asked)]
        rows = tuple(phase.reach[row] for row in asked)
        for name in phase.per_sample_reads:
            readers.setdefault(name, []).append(rows)
        done.append(rows)
        for read in phase.maps:
            wanted = need[read.tensor]
            for at, row in enumerate(rows):
                wanted[at] = max(wanted[at], read.ends[row])
    done.reverse()
    maps = {name: tuple(there) for name, there in need.items()}
    maps.update((phase.out, rows) for phase, rows in zip(phases, done, strict=True) if phase.out is not None)
    return Bands(tuple(done), maps, _buffers(phases, done, maps), {n: _most(rows) for n, rows in maps.items()})


def _most(rows: tuple[int, ...]) -> int:
    return max(b - a for a, b in pairwise(rows))


def _buffers(
    phases: tuple[Phase, ...], done: list[tuple[int, ...]], maps: dict[str, tuple[int, ...]]
) -> dict[str, int]:
    """Most rows of each map between the first still needed in a tile and the last that is there at its end."""
    first: dict[str, list[int]] = {}
    for phase, rows in zip(phases, done, strict=True):
        for read in phase.maps:
            starts = [read.begins[row] for row in rows]
            known = first.setdefault(read.tensor, starts)
            first[read.tensor] = [min(a, b) for a, b in zip(known, starts, strict=True)]
    most = {}
    for name, there in maps.items():
        starts = first.get(name, list(there))
        most[name] = max(there[at] - min(starts[at - 1], there[at - 1]) for at in range(1, len(there)))
    return most
