"""Levels of memory as data: what stands between the array and the outside, innermost first.

A chip's TOML lists them as `[[memory]]` tables. Their order and kinds say which part each plays:

- accumulators (at most one): between the array's columns and the scratchpad;
- scratchpad: the first `sram`; second: a further `sram` behind it (at most one);
- dram: the last entry, which is required.

The tables `[scratchpad]` and `[dram]` of older files are read as such a list.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from lls_hw.models.spec.base import Spec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.quantities import LAYER_SIZE

Size = Annotated[int, Field(**LAYER_SIZE.bounds)]
LevelName = Annotated[str, Field(min_length=1, max_length=64)]
NO_DRAM = "none"
LevelRole = Literal["accumulators", "scratchpad", "second", "dram"]


class AccumulatorSpec(Spec):
    """Partial sums beside the array: each of its columns has `entries` words of `word_bits`, or, where that is not
    given, of as many bits as the run's accumulators have: they widen with its codes, as the array's registers do.

    They are two banks of half as many, one where the chip does not double buffer; each bank of a column reads one word
    and writes one word a cycle. Capacity = columns x entries x word_bits.
    """

    name: LevelName = "accumulators"
    kind: Literal["accumulators"] = "accumulators"
    entries: Size
    word_bits: int | None = Field(default=None, ge=8, le=128)

    def bits(self, sum_bits: int) -> int:
        """Bits of a word in a run whose accumulators have `sum_bits`."""
        return sum_bits if self.word_bits is None else self.word_bits

    def capacity_bytes(self, cols: int, sum_bits: int = 32) -> int:
        """Bytes of all columns' words, rounded up.

        Examples
        --------
        >>> AccumulatorSpec(entries=1024).capacity_bytes(16)
        65536
        """
        return -(-cols * self.entries * self.bits(sum_bits) // 8)


SMALLEST_MACRO_BYTES, LARGEST_MACRO_BYTES = 1 << 11, 1 << 20
"""Macros that a description without `macro_bytes` gets: the sizes that CACTI's rows cover (docs/energy.md)."""


class ScratchpadSpec(Spec):
    """The shared SRAM: macros of `macro_bytes`, as many as `capacity_bytes` needs, shared out over `banks`.

    An access switches one macro; a bank reads one word and writes one word a cycle (`ports` of them at
    once: no more than there are macros). `macro_bytes` is the capacity of a bank where it is not given, and
    stays what it is when the capacity changes. `double_buffered`: a tile loads or stores while another computes.
    `idle_leak_share`: leakage of a macro that holds nothing, beside one that does (1: no power gating).
    """

    name: LevelName = "scratchpad"
    kind: Literal["sram"] = "sram"
    capacity_bytes: Size
    word_bits: int = Field(default=64, ge=8, le=1024, multiple_of=8)
    banks: Size = 16
    macro_bytes: Size
    double_buffered: bool = True
    idle_leak_share: float = Field(default=1.0, ge=0, le=1)

    @model_validator(mode="before")
    @classmethod
    def _fill_macro(cls, data: object) -> object:
        """Macros of a bank's capacity, no smaller and no larger than CACTI prices them."""
        if not isinstance(data, Mapping) or data.get("macro_bytes") is not None:
            return data
        capacity, banks = data.get("capacity_bytes", 1), data.get("banks", 16)
        whole = all(isinstance(number, int) and number > 0 for number in (capacity, banks))
        size = -(-capacity // banks) if whole else 1
        return {**data, "macro_bytes": min(max(size, SMALLEST_MACRO_BYTES), LARGEST_MACRO_BYTES)}

    @property
    def macros(self) -> int:
        """Macros that hold the capacity.

        Examples
        --------
        >>> pad = ScratchpadSpec(capacity_bytes=65_536, banks=16, macro_bytes=16_384)
        >>> pad.macros, pad.ports
        (4, 4)
        """
        return -(-self.capacity_bytes // self.macro_bytes)

    @property
    def ports(self) -> int:
        """Words read, and words written, in one cycle."""
        return min(self.banks, self.macros)


class DramSpec(Spec):
    """Off-chip memory behind the DMA queues; `device` says of which kind: a shipped one, a TOML file, or `none`.

    With `none` everything lives on the chip, and the other keys mean nothing.
    `latency_cycles` pass between a request and its first data; leaving power-down is among them. `power_down`: a
    device that has nothing to do closes its rows and powers down. After `self_refresh_after_cycles` without a
    request it refreshes itself (0: never; not given: a hundred times as long as it takes to wake, so that
    waking never costs more than 1 % of the time).
    """

    name: LevelName = "dram"
    kind: Literal["dram"] = "dram"
    device: str = Field(default="lpddr3", min_length=1)
    bytes_per_cycle: Size
    latency_cycles: int = Field(ge=0, le=1 << 20)
    burst_bytes: Size = 64
    row_bytes: Size = 2048
    dma_queues: Literal["shared", "per_direction"] = "per_direction"
    power_down: bool = True
    self_refresh_after_cycles: int | None = Field(default=None, ge=0, le=1 << 40)

    @field_validator("burst_bytes", "row_bytes")
    @classmethod
    def _powers_of_two(cls, size: int, field: ValidationInfo) -> int:
        """Bursts and rows are cut from addresses by their leading bits."""
        if size & (size - 1):
            lower = 1 << size.bit_length() - 1
            need = "sizes of bursts and rows are powers of two"
            raise SpecError(str(field.field_name), size, need, f"Use {lower} or {2 * lower}.")
        return size

    @model_validator(mode="before")
    @classmethod
    def _need_no_speed(cls, data: object) -> object:
        """A memory that is not there has no speed to be given."""
        if not isinstance(data, Mapping) or data.get("device") != NO_DRAM:
            return data
        return {"bytes_per_cycle": 1, "latency_cycles": 0, **data}


MemorySpec = AccumulatorSpec | ScratchpadSpec | DramSpec
KINDS: dict[str, type[MemorySpec]] = {"accumulators": AccumulatorSpec, "sram": ScratchpadSpec, "dram": DramSpec}
"""Kinds of memory, in the order from the array outwards."""
_MOST = {"accumulators": 1, "sram": 2, "dram": 1}
_OLD_TABLES: dict[str, type[MemorySpec]] = {"scratchpad": ScratchpadSpec, "dram": DramSpec}
_EXAMPLE = "List them innermost first: accumulators (if any), sram, a second sram (if any), dram."


def roles(levels: Iterable[MemorySpec]) -> dict[LevelRole, MemorySpec]:
    """The part that each level plays.

    Examples
    --------
    >>> list(roles([ScratchpadSpec(capacity_bytes=4096), DramSpec(bytes_per_cycle=8, latency_cycles=0)]))
    ['scratchpad', 'dram']
    """
    found: dict[LevelRole, MemorySpec] = {}
    for level in levels:
        role: LevelRole = ("second" if "scratchpad" in found else "scratchpad") if level.kind == "sram" else level.kind
        found[role] = level
    return found


def read_levels(data: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A chip's data with its levels read and checked, as `memory`; older tables become the list.

    Raises
    ------
    SpecError : a level cannot be, or the levels do not fit together; with the path of the key.
    """
    old = {part: data[part] for part in _OLD_TABLES if part in data}
    rest = {key: value for key, value in data.items() if key not in old}
    if "memory" not in data:
        if not old:
            raise SpecError(f"{where}.memory", "nothing", "this key is required", "Add it.")
        levels = [_read(_OLD_TABLES[part], table, f"{where}.{part}") for part, table in old.items()]
        paths = [f"{where}.{part}" for part in old]
    elif old:
        part = next(iter(old))
        raise SpecError(f"{where}.{part}", old[part], "the file lists its levels as memory", "Move it into that list.")
    else:
        listed = data["memory"]
        if not isinstance(listed, list | tuple):
            raise SpecError(f"{where}.memory", listed, "it takes a list of levels", _EXAMPLE)
        paths = [f"{where}.memory.{index}" for index in range(len(listed))]
        levels = [_read_entry(entry, path) for entry, path in zip(listed, paths, strict=True)]
    _check(levels, paths, where)
    return {**rest, "memory": tuple(levels)}


def _read_entry(entry: object, where: str) -> MemorySpec:
    """One entry of the list, by its kind."""
    if isinstance(entry, MemorySpec):
        return entry
    kind = entry.get("kind") if isinstance(entry, Mapping) else None
    if not isinstance(kind, str) or kind not in KINDS:
        found = "nothing" if kind is None else kind
        raise SpecError(f"{where}.kind", found, f"a level is one of {', '.join(KINDS)}", "Give it one of these kinds.")
    return _read(KINDS[kind], entry, where)


def _read(spec: type[MemorySpec], table: object, where: str) -> MemorySpec:
    if isinstance(table, MemorySpec):
        return table
    if not isinstance(table, Mapping):
        raise SpecError(where, table, "it takes a table of keys", "Write its keys below its heading.")
    return spec.from_mapping(table, where)


def _check(levels: list[MemorySpec], paths: list[str], where: str) -> None:
    """Order, number, names and sizes of the levels."""
    ranks = list(KINDS)
    for at, (level, path) in enumerate(zip(levels, paths, strict=True)):
        before = levels[:at]
        if before and ranks.index(level.kind) < ranks.index(before[-1].kind):
            raise SpecError(f"{path}.kind", level.kind, f"it follows {before[-1].kind}, which is further out", _EXAMPLE)
        same = [other for other in before if other.kind == level.kind]
        if len(same) == _MOST[level.kind]:
            need = f"a chip has at most {_MOST[level.kind]} of this kind"
            raise SpecError(f"{path}.kind", level.kind, need, "Remove one.")
        if level.name in [other.name for other in before]:
            raise SpecError(f"{path}.name", level.name, "another level has this name", "Give each its own.")
        if isinstance(level, ScratchpadSpec) and same:
            inner = same[0]
            assert isinstance(inner, ScratchpadSpec)
            if level.capacity_bytes < inner.capacity_bytes:
                need = f"it lies behind '{inner.name}', which has {inner.capacity_bytes}"
                raise SpecError(f"{path}.capacity_bytes", level.capacity_bytes, need, "Make it at least as large.")
    for kind in ("sram", "dram"):
        if not any(level.kind == kind for level in levels):
            found = [level.kind for level in levels]
            raise SpecError(f"{where}.memory", found, f"a chip has a level of kind {kind}", _EXAMPLE)


def with_level(
    levels: tuple[MemorySpec, ...], role: LevelRole, values: Mapping[str, object], where: str
) -> list[MemorySpec]:
    """The levels with one of them changed, or added where the chip has none that plays this part.

    Raises
    ------
    SpecError : a key of the level is unknown, missing, or holds an impossible value.
    """
    known = roles(levels)
    old = known.get(role)
    kind = old.kind if old is not None else {"scratchpad": "sram", "second": "sram"}.get(role, role)
    kept = {"name": role} if old is None else old.model_dump()
    new = KINDS[kind].from_mapping({**kept, **values}, f"{where}.{role}")
    parts: dict[LevelRole, MemorySpec] = {**known, role: new}
    order: tuple[LevelRole, ...] = ("accumulators", "scratchpad", "second", "dram")
    return [parts[part] for part in order if part in parts]
