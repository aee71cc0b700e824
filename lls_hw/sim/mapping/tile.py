"""Parts of a schedule: transfers, tiles, loops of tiles, buffers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from lls_hw.models.spec.memory import DramSpec, ScratchpadSpec
from lls_hw.models.spec.storage import storage_bytes
from lls_hw.sim.array.elementwise import are_ints, least

Unit = Literal["array", "vector", "local"]
Into = Literal["read", "write"]
"""Direction of a transfer, as the chip sees it."""
EventTally = dict[str, int]


@dataclass(frozen=True, slots=True)
class Transfer:
    """One movement between DRAM and scratchpad.

    Attributes
    ----------
    elements : codes moved.
    payload_bytes : their bytes when packed, which is what the scratchpad's port sees.
    bus_bytes : bytes on the DRAM bus: every contiguous segment is rounded up to whole bursts.
    activates : DRAM rows opened: no more than the rows of the span, nor than each segment's own.
    """

    tensor: str
    elements: int
    payload_bytes: int
    bus_bytes: int
    activates: int

    def __post_init__(self) -> None:
        if are_ints(self.elements) and min(self.elements, self.payload_bytes, self.bus_bytes) < 1:
            raise AssertionError(f"a transfer moves at least one code: {self}")

    def bus_cycles(self, dram: DramSpec) -> int:
        """Cycles the data bus is busy; the latency comes on top, once."""
        return -(-self.bus_bytes // dram.bytes_per_cycle)

    def second_cycles(self, second: ScratchpadSpec) -> int:
        """Cycles at the second level, all of whose ports serve one transfer each way; no bursts."""
        return -(-self.words(second.word_bits) // second.ports)

    def words(self, word_bits: int) -> int:
        """Words of a memory on the chip that hold its packed codes."""
        return -(-self.payload_bytes * 8 // word_bits)

    def second_counts(self, pad_bits: int, second_bits: int, into: Into) -> EventTally:
        """Events where it moves between the second level and the scratchpad: words of each."""
        ports = {
            "read": ("second_read_words", "scratchpad_write_words"),
            "write": ("second_write_words", "scratchpad_read_words"),
        }[into]
        return {ports[0]: self.words(second_bits), ports[1]: self.words(pad_bits)}

    def counts(self, word_bits: int, into: Into) -> EventTally:
        """Events: it crosses the pins, the bus and the scratchpad's port of `word_bits`."""
        port = {"read": "scratchpad_write_words", "write": "scratchpad_read_words"}[into]
        return {f"dram_{into}_bytes": self.bus_bytes, "dram_activates": self.activates, port: self.words(word_bits)}


def make_transfer(
    dram: DramSpec, tensor: str, bits: int, *, segments: int, segment_elements: int, span_elements: int
) -> Transfer:
    """A transfer of `segments` contiguous pieces spread over `span_elements` codes.

    Examples
    --------
    >>> dram = DramSpec(bytes_per_cycle=8, latency_cycles=40)
    >>> t = make_transfer(dram, "x", 8, segments=4, segment_elements=16, span_elements=256)
    >>> t.payload_bytes, t.bus_bytes, t.activates, t.bus_cycles(dram)
    (64, 256, 1, 32)
    """
    segment_bytes = storage_bytes(segment_elements, bits)
    bus_bytes = segments * -(-segment_bytes // dram.burst_bytes) * dram.burst_bytes
    own_rows = segments * -(-segment_bytes // dram.row_bytes)
    span_rows = -(-storage_bytes(span_elements, bits) // dram.row_bytes)
    elements = segments * segment_elements
    return Transfer(
        tensor=tensor,
        elements=elements,
        payload_bytes=storage_bytes(elements, bits),
        bus_bytes=bus_bytes,
        activates=least(own_rows, span_rows),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """One scratchpad-sized piece of an op's work. Identity is the object: a repeated tile is one object.

    Attributes
    ----------
    loads : transfers into the scratchpad, in order.
    takes, gives : buffers of which a slot is taken before the loads, and is free again once the
        op's first unit has finished with the tile.
    takes_out, gives_out : whether the first unit takes an output slot before it starts, and
        whether the slot is free once the stores are done.
    cycles : work on each unit of the op's route, in order.
    conflict_cycles : those of the first unit's cycles in which it only waits for the scratchpad's banks.
    stores : transfers out of the scratchpad after the last unit.
    bank_from, bank_until : stops of the route before which the tile takes a bank of the accumulators, and after which
        one is free.
    tally : events of the units (field of `Counts` to number); transfers are counted by the engine.
    read_codes, written_codes : codes of each tensor that the tile reads and writes. Of what tiles share (a nest's rows
        and weights, an operand held for the whole op) the plan knows the whole (`Plan.touched_reads`).
    keeps : its input slots are free only when it has left the route and its stores are done.
    parts : of a tile in which several ops share a loop, the work of each.
    """

    name: str
    cycles: tuple[int, ...]
    loads: tuple[Transfer, ...] = ()
    takes: tuple[int, ...] = ()
    gives: tuple[int, ...] = ()
    takes_out: bool = False
    gives_out: bool = False
    stores: tuple[Transfer, ...] = ()
    tally: Mapping[str, int] = field(default_factory=dict)
    read_codes: Mapping[str, int] = field(default_factory=dict)
    written_codes: Mapping[str, int] = field(default_factory=dict)
    signal_macs: int = 0
    conflict_cycles: int = 0
    bank_from: tuple[int, ...] = ()
    bank_until: tuple[int, ...] = ()
    keeps: bool = False
    parts: tuple["TilePart", ...] = ()

    @property
    def goes_on(self) -> bool:
        """Whether anything happens after the first unit."""
        return self.gives_out or self.keeps or bool(self.stores)


@dataclass(frozen=True, slots=True, eq=False)
class TilePart:
    """One op's share of a tile: its events, its cycles by unit, and whether an earlier tile did the same before."""

    index: int
    tally: Mapping[str, int]
    busy_cycles: Mapping[str, int]
    signal_macs: int = 0
    again: bool = False
    read_codes: Mapping[str, int] = field(default_factory=dict)
    written_codes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """A body of tiles and loops, repeated."""

    count: int
    body: tuple["Node", ...]


Node = Tile | Loop


def walk(nodes: tuple[Node, ...], times: int = 1) -> Iterator[tuple[Tile, int]]:
    """Every place of a tile in the tree, with how often it is executed."""
    for node in nodes:
        if isinstance(node, Loop):
            yield from walk(node.body, times * node.count)
        else:
            yield node, times


def unrolled(nodes: tuple[Node, ...]) -> Iterator[Tile]:
    """The tiles in the order of their execution, one for each."""
    for node in nodes:
        if isinstance(node, Loop):
            for _ in range(node.count):
                yield from unrolled(node.body)
        else:
            yield node


def loop(count: int, body: tuple[Node, ...]) -> tuple[Node, ...]:
    """A loop, or its bare body where it turns once (or nothing where it never does)."""
    if count <= 1:
        return body if count == 1 else ()
    return (Loop(count, body),)


@dataclass(frozen=True, slots=True)
class Buffer:
    """Equal slots of scratchpad for one operand: two where it is double buffered."""

    name: str
    slot_bytes: int
    depth: int

    @property
    def total_bytes(self) -> int:
        """Bytes of all slots."""
        return self.slot_bytes * self.depth


@dataclass(frozen=True, slots=True)
class Plan:
    """Route, buffers and tiles of one op, before it is placed in a program.

    Attributes
    ----------
    route : units a tile visits, in order.
    buffers : input buffers, index by index as in `Tile.takes`.
    out : output buffer (accumulators at full width, narrowed in place).
    held_bytes : small operands and accumulators that stay for the whole op.
    fills : transfers before the first tile: held operands, and resident tensors that start in DRAM.
    touched_reads, touched_writes : codes of each tensor that the tiles touch at least once.
    note : the mapping in words.
    owners : of a loop that several ops share, the op of the program to which each tensor's movements belong.
    once : events beside the tiles', once an op, while it waits for its first loads.
    form : the decisions that the tiles follow, by which a tile's place in the maps is found again: a nest's mapping, a
        stream's cuts, a group's bands.
    """

    route: tuple[Unit, ...]
    buffers: tuple[Buffer, ...]
    out: Buffer
    held_bytes: int
    fills: tuple[Transfer, ...]
    body: tuple[Node, ...]
    touched_reads: Mapping[str, int]
    touched_writes: Mapping[str, int]
    note: str
    owners: Mapping[str, int] = field(default_factory=dict)
    once: Mapping[str, int] = field(default_factory=dict)
    form: object = None

    @property
    def working_bytes(self) -> int:
        """Scratchpad bytes the op needs beside resident tensors."""
        return self.held_bytes + self.out.total_bytes + sum(buffer.total_bytes for buffer in self.buffers)


def moves(plan: Plan) -> Iterator[tuple[Transfer, int, Into]]:
    """Every transfer of an op, how often it is made, and its direction."""
    for transfer in plan.fills:
        yield transfer, 1, "read"
    for tile, times in walk(plan.body):
        for transfer in tile.loads:
            yield transfer, times, "read"
        for transfer in tile.stores:
            yield transfer, times, "write"


def add_to(total: EventTally, part: Mapping[str, int], times: int = 1) -> None:
    """total += times x part, name by name."""
    for name, number in part.items():
        total[name] = total.get(name, 0) + times * number
