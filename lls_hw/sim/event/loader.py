"""The one program of loads: walks the schedule in order, and skips what repeats itself exactly.

Why skipping is exact
---------------------
Between two snapshots at the turn of the same loop, taken when nothing more happens in the current cycle, the
machine's future depends only on: what each actor does and how long it still takes, the order of works that
end in the same cycle, the tiles in the lines, free slots and free space, the DRAM's state, and the tiles still to
come. All of that is in the snapshot, in relative time; the tiles to come are the same objects while the loop
turns. If two snapshots are equal, the turns between them repeat for ever, each repetition taking the same cycles
and executing the same tiles. So whole repetitions are added to the clock and to the counts, and only the rest of
the turns are simulated. A test runs programs both ways and compares every number.
"""

from collections.abc import Hashable, Sequence

from lls_hw.sim.event.actors import after, move, reserve_slot, take
from lls_hw.sim.event.machine import EventMachine, Item, Process
from lls_hw.sim.event.op_run import OpRun
from lls_hw.sim.mapping.tile import Loop, Node, Tile

UNITS = ("array", "vector", "local")
Past = tuple[int, int, dict[Tile, int], tuple[dict[str, int], ...], int]
"""Turn, cycle, executed tiles, the op's sums and number of spans at an earlier snapshot."""


class Loader:
    """Issues every tile of every op in program order."""

    def __init__(self, m: EventMachine, runs: Sequence[OpRun], *, batched: bool) -> None:
        self.m, self.runs, self.batched = m, runs, batched
        self.actor = m.actors["dma_read"]
        self.waited_cycles = 0
        self.simulated_tiles = 0
        self.started = False

    def process(self) -> Process:
        """The whole program."""
        for run in self.runs:
            yield from self._op(run)

    def _op(self, run: OpRun) -> Process:
        scheduled, m = run.scheduled, self.m
        run.start_cycle, run.start_machine = m.now, int(m.env.now)
        self.waited_cycles = 0
        self.actor.op = run
        begun = int(m.env.now)
        for stay in scheduled.arrives:
            self.actor.phase = "space"
            yield from m.reserve(stay.tensor, stay.size_bytes)
        yield from m.reserve(f"{run.label}: held", scheduled.plan.held_bytes)
        self.waited_cycles += int(m.env.now) - begun
        for transfer in scheduled.plan.fills:
            yield from self._load_after(run, transfer.tensor)
            yield from move(m, self.actor, transfer)
        self.started = False
        yield from self._walk(run, scheduled.plan.body)
        for slots in run.buffers:
            m.seal(run, slots)
        m.lines[scheduled.plan.route[0]].put(Item(run, None, 0))

    def _load_after(self, run: OpRun, tensor: str) -> Process:
        writer = run.scheduled.load_after.get(tensor)
        if writer is not None and not self.runs[writer].done.processed:
            begun = int(self.m.env.now)
            yield from after(self.m, self.actor, self.runs[writer])
            self.waited_cycles += int(self.m.env.now) - begun

    def _walk(self, run: OpRun, nodes: tuple[Node, ...]) -> Process:
        for node in nodes:
            if isinstance(node, Loop):
                yield from self._loop(run, node)
            else:
                yield from self._tile(run, node)

    def _tile(self, run: OpRun, tile: Tile) -> Process:
        m, actor = self.m, self.actor
        self.simulated_tiles += 1
        actor.tile = tile
        yield from take(actor, run.issue)
        for slots in (*(run.buffers[index] for index in tile.takes), *((run.out,) if tile.takes_out else ())):
            if slots.free == 0 or slots is run.out:
                begun = int(m.env.now)
                yield from reserve_slot(m, actor, run, slots)
                self.waited_cycles += int(m.env.now) - begun
            if slots is not run.out:
                yield from take(actor, slots)
        for transfer in tile.loads:
            yield from self._load_after(run, transfer.tensor)
            yield from move(m, actor, transfer)
        if not self.started:
            yield from self._start(run)
        m.lines[run.scheduled.plan.route[0]].put(Item(run, tile, 0, self.waited_cycles))
        self.waited_cycles = 0
        actor.tile = None

    def _start(self, run: OpRun) -> Process:
        """Everything the op's first tile must wait for."""
        begun = int(self.m.env.now)
        for earlier in run.scheduled.start_after:
            yield from after(self.m, self.actor, self.runs[earlier])
        self.waited_cycles += int(self.m.env.now) - begun
        self.started = True

    def _loop(self, run: OpRun, node: Loop) -> Process:
        seen: dict[Hashable, Past] = {}
        turn = 0
        while turn < node.count:
            while self.m.env.peek() == self.m.env.now:  # let this cycle finish: then only works are pending
                yield self.m.env.timeout(0)
            if self.batched and node.count > 2 and node.count - turn > 1:
                turn += self._skip(run, node.count - turn, turn, seen)
            yield from self._walk(run, node.body)
            turn += 1

    def _skip(self, run: OpRun, left: int, turn: int, seen: dict[Hashable, Past]) -> int:
        """Turns that need no simulation, because the machine has been in this state before."""
        m = self.m
        if m.due[0] is not run:
            return 0  # the cycles of this loop are another op's
        m.book()
        state = self._snapshot(run)
        if state not in seen:
            spans = len(m.record.spans)
            seen[state] = (turn, m.now, dict(run.executed), tuple(map(dict, run.sums)), spans)
            return 0
        then, cycle, executed, sums, spans = seen.pop(state)
        period = turn - then
        times = (left - 1) // period
        if times == 0:
            return 0
        cycles = m.now - cycle
        self._repeat_spans(spans, cycles, times)
        for tile, count in list(run.executed.items()):
            run.executed[tile] += times * (count - executed.get(tile, 0))
        for now, before in zip(run.sums, sums, strict=True):
            for name, count in now.items():
                now[name] = count + times * (count - before.get(name, 0))
        m.skipped += times * cycles
        seen.clear()
        return times * period

    def _repeat_spans(self, first: int, cycles: int, times: int) -> None:
        record = self.m.record
        if record.trace:
            period = record.spans[first:]
            for turn in range(1, times + 1):
                shift = turn * cycles
                record.spans += [(unit, name, start + shift, end + shift) for unit, name, start, end in period]

    def _snapshot(self, run: OpRun) -> Hashable:
        """The machine's state in relative time; see the module."""
        m = self.m
        now = int(m.env.now)
        actors = []
        for actor in m.actors.values():
            busy = actor.until > now
            since = now - actor.since if actor.op is run and not busy and actor.name in UNITS else -1
            turn = actor.turn if busy else 0
            actors.append((actor.phase, id(actor.tile), actor.step, actor.until - now if busy else 0, since, turn))
        order = tuple(sorted((left, turn, at) for at, (_, _, _, left, _, turn) in enumerate(actors) if left))
        return (
            tuple(state[:5] for state in actors),
            tuple(at for _, _, at in order),
            tuple(
                tuple((id(item.run), id(item.tile), item.at, item.waited_cycles) for item in line.items)
                for line in m.lines.values()
            ),
            tuple((slots.free, slots.reserved) for slots in (*run.buffers, run.out, run.issue, m.banks)),
            m.space.level,
            self.waited_cycles,
            m.dram.snapshot(now),
        )
