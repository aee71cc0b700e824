"""Addresses for the buffers of a schedule, all known ahead: an offline allocator.

Buffers that are held at the same time must not overlap. To find addresses under a limit is dynamic storage allocation
(NP-hard: Garey and Johnson 1979, problem SR2), and a schedule fills the scratchpad to its last bytes. Tensors that stay
from op to op are placed first, each at the lowest or the highest place that is free for all its time; the buffers of
each op are then packed into the gaps between them, by search. Where an op's do not fit, some tensors that stay there
change sides or places in the order (hill climbing, with a generator of its own: the same buffers get the same places).
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

TRIES = {0: 200, 1: 200, 2: 8000}
"""Tries at each limit: the most bytes held at a time, halfway to the capacity, the capacity."""
ROUND = 500
MOST_STEPS = 400
"""Steps of one search for the places of an op's buffers."""


@dataclass(frozen=True, slots=True)
class PadBlock:
    """Bytes that are held from one op to another, both included.

    Attributes
    ----------
    owner : the op whose buffer it is, or -1 of a tensor that stays.
    slot : which slot of the buffer.
    """

    owner: int
    name: str
    slot: int
    size_bytes: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Blocks and their addresses.

    Attributes
    ----------
    peak_bytes : the highest address in use, and one.
    held_bytes : the most bytes held at a time: no layout has a lower peak.
    """

    blocks: tuple[PadBlock, ...]
    addresses: tuple[int, ...]
    peak_bytes: int
    held_bytes: int

    @property
    def lost_bytes(self) -> int:
        """Bytes of the peak that lie between buffers."""
        return self.peak_bytes - self.held_bytes

    def memory_map(self) -> list[dict[str, int | str]]:
        """The memory over time as records, by first op and address."""
        rows = sorted(zip(self.blocks, self.addresses, strict=True), key=lambda one: (one[0].first, one[1]))
        return [
            {
                "buffer": block.name,
                "slot": block.slot,
                "address": address,
                "bytes": block.size_bytes,
                "first_op": block.first,
                "last_op": block.last,
            }
            for block, address in rows
        ]


def lay_out(blocks: Sequence[PadBlock], capacity_bytes: int) -> Layout:
    """Addresses with a peak of at most the capacity, if they are found; else above it, as low as they were.

    Examples
    --------
    >>> blocks = [PadBlock(-1, "a", 0, 4, 0, 1), PadBlock(-1, "b", 0, 2, 1, 2), PadBlock(-1, "c", 0, 4, 2, 3)]
    >>> lay_out(blocks, 6).addresses, lay_out(blocks, 6).peak_bytes
    ((0, 4, 0), 6)
    """
    held, found = most_held(blocks), None
    limits = [held, (held + capacity_bytes) // 2, capacity_bytes] if held <= capacity_bytes else []
    for at, limit in enumerate(limits):
        found = _Search(blocks, limit).run(TRIES[at])
        if found is not None:
            break
    limit = max(held, capacity_bytes)
    while found is None:  # it is said by how much they miss
        limit += -(-limit // 64)
        found = _Search(blocks, limit).run(TRIES[0])
    peak = max((at + block.size_bytes for block, at in found.items()), default=0)
    return Layout(tuple(blocks), tuple(found[block] for block in blocks), peak, held)


def most_held(blocks: Sequence[PadBlock]) -> int:
    """The most bytes held at a time."""
    changes: dict[int, int] = {}
    for block in blocks:
        changes[block.first] = changes.get(block.first, 0) + block.size_bytes
        changes[block.last + 1] = changes.get(block.last + 1, 0) - block.size_bytes
    held = most = 0
    for time in sorted(changes):
        held += changes[time]
        most = max(most, held)
    return most


@dataclass(frozen=True, slots=True)
class _Taste:
    """A way to place the tensors that stay: which of them from above, and who first."""

    above: frozenset[PadBlock] = frozenset()
    weight: dict[PadBlock, float] = field(default_factory=dict)


class _Search:
    """Looks for places of all blocks below a limit."""

    def __init__(self, blocks: Sequence[PadBlock], limit_bytes: int) -> None:
        self.limit_bytes, self.random = limit_bytes, random.Random(0)
        self.stays = [block for block in blocks if block.owner < 0]
        self.own: dict[int, list[PadBlock]] = {}
        for block in blocks:
            if block.owner >= 0:
                assert block.first == block.last, f"{block.name} is an op's and outlives it"
                self.own.setdefault(block.first, []).append(block)

    def run(self, tries: int) -> dict[PadBlock, int] | None:
        """Places, or None where none were found; now and then it begins anew."""
        for _ in range(-(-tries // ROUND)):
            found = self._climb(min(tries, ROUND))
            if found is not None:
                return found
        return None

    def _climb(self, tries: int) -> dict[PadBlock, int] | None:
        taste = _Taste()
        places, failed = self._place(taste)
        for _ in range(tries):
            if not failed:
                return places
            other = self._changed(taste, failed)
            found, left = self._place(other)
            if found is not None and (places is None or len(left) <= len(failed)):
                taste, places, failed = other, found, left
        return None if failed else places

    def _changed(self, taste: _Taste, failed: list[int]) -> _Taste:
        """Some tensors that stay at an op whose buffers do not fit go to the other side, or sooner or later."""
        at = self.random.choice(failed)
        near = [stay for stay in self.stays if at < 0 or stay.first <= at <= stay.last] or self.stays
        above, weight = set(taste.above), dict(taste.weight)
        for stay in self.random.sample(near, min(len(near), self.random.randint(1, 3))):
            if self.random.random() < 0.6:
                above ^= {stay}
            else:
                weight[stay] = self.random.uniform(0.1, 4)
        return _Taste(frozenset(above), weight)

    def _place(self, taste: _Taste) -> tuple[dict[PadBlock, int] | None, list[int]]:
        """Places of all blocks but those of the ops that are named second; -1 names the tensors that stay."""
        found: dict[PadBlock, int] = {}
        for stay in sorted(self.stays, key=lambda one: (one.first - one.last) * taste.weight.get(one, 1)):
            near = [other for other in found if other.first <= stay.last and stay.first <= other.last]
            gaps = [gap for gap in self._gaps(found, near) if gap[1] - gap[0] >= stay.size_bytes]
            if not gaps:
                return None, [-1]
            found[stay] = gaps[-1][1] - stay.size_bytes if stay in taste.above else gaps[0][0]
        failed = []
        for at, own in self.own.items():
            near = [stay for stay in self.stays if stay.first <= at <= stay.last]
            packed = pack(own, self._gaps(found, near))
            if packed is None:
                failed.append(at)
            else:
                found.update(packed)
        return found, failed

    def _gaps(self, found: dict[PadBlock, int], near: Sequence[PadBlock]) -> list[tuple[int, int]]:
        gaps, end = [], 0
        for first, last in sorted((found[block], found[block] + block.size_bytes) for block in near):
            if first > end:
                gaps.append((end, first))
            end = max(end, last)
        return [*gaps, (end, self.limit_bytes)] if end < self.limit_bytes else gaps


def pack(blocks: Sequence[PadBlock], gaps: Sequence[tuple[int, int]]) -> dict[PadBlock, int] | None:
    """Places of blocks in gaps, largest block first into the tightest gap, with a second thought where that fails.

    Examples
    --------
    >>> a, b, c = (PadBlock(0, name, 0, size, 0, 0) for name, size in (("a", 3), ("b", 2), ("c", 2)))
    >>> found = pack([a, b, c], [(0, 4), (10, 13)])
    >>> sorted((block.name, at) for block, at in found.items())
    [('a', 10), ('b', 0), ('c', 2)]
    """
    order = sorted(blocks, key=lambda block: -block.size_bytes)
    starts, ends = [gap[0] for gap in gaps], [gap[1] for gap in gaps]
    found: dict[PadBlock, int] = {}
    steps = MOST_STEPS

    def go(at: int) -> bool:
        nonlocal steps
        if at == len(order):
            return True
        block, tried = order[at], set()
        for gap in sorted(range(len(starts)), key=lambda one: ends[one] - starts[one]):
            room = ends[gap] - starts[gap]
            if room < block.size_bytes or room in tried or steps == 0:
                continue
            steps -= 1
            tried.add(room)
            found[block], starts[gap] = starts[gap], starts[gap] + block.size_bytes
            if go(at + 1):
                return True
            starts[gap] -= block.size_bytes
        return False

    return found if go(0) else None
