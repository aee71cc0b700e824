"""Words of a chain of layers from two tools, side by side, as tables. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MARGIN = 1.02
"""Our words over AccelForge's up to which nothing is to be explained."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One tool's answer for one scratchpad.

    Attributes
    ----------
    words : of 8 bits, that cross the pins.
    moved : the same by tensor and direction; empty where AccelForge cannot write its mapping down as one.
    how : the mapping in the tool's own notation.
    """

    words: int
    moved: Mapping[str, int]
    how: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """A chain with one scratchpad; None where nothing fits.

    Attributes
    ----------
    free, other : AccelForge's, where unfinished sums may leave the chip at 8 bits, and where only finished ones leave.
    mine, doubled : ours without and with double buffers.
    """

    chain: str
    capacity_bytes: int
    once_words: int
    free: Side | None
    other: Side | None
    mine: Side | None
    doubled: Side | None
    other_seconds: float
    mine_seconds: float

    @property
    def kib(self) -> str:
        """The scratchpad's size."""
        return f"{self.capacity_bytes / 1024:g}"


@dataclass(frozen=True, kw_only=True)
class Least:
    """Bytes of the smallest scratchpad in which a chain moves every tensor once; None where AccelForge never does.

    Attributes
    ----------
    weights, rows : of ours: all the chain's weights, and a row of each map (the rows under a window).
    """

    chain: str
    other: int | None
    mine: int
    doubled: int
    weights: int
    rows: int


def ratio(mine: Side | None, other: Side | None) -> float | None:
    """Our words over AccelForge's."""
    return None if mine is None or other is None else mine.words / other.words


def is_told(row: Row) -> bool:
    """Whether a row is to be explained: ours are more than 2 % above one of AccelForge's figures, or below it."""
    found = (ratio(row.mine, row.free), ratio(row.mine, row.other))
    return any(share is not None and not 1 <= share <= MARGIN for share in found)


def words_table(rows: Sequence[Row]) -> list[str]:
    """Words that cross the pins, and seconds."""
    head = (
        "| chain | KiB | AccelForge | finished sums | ours | ours / AccelForge | ours / finished | double buffered "
        "| each tensor once | AccelForge, s | ours, s |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    )
    lines = []
    for row in rows:
        sides = [f"{side.words:,}" if side else "nothing fits" for side in (row.free, row.other, row.mine)]
        shares = [_share(ratio(row.mine, side)) for side in (row.free, row.other)]
        doubled = f"{row.doubled.words:,}" if row.doubled else "nothing fits"
        cells = (row.chain, row.kib, *sides, *shares, doubled, f"{row.once_words:,}")
        lines.append(f"| {' | '.join(cells)} | {row.other_seconds:.0f} | {row.mine_seconds:.2f} |")
    return [*head, *lines]


def _share(share: float | None) -> str:
    if share is None:
        return ""
    return f"{share:.3f}" if 1 <= share <= MARGIN else f"{share:.3f} *"


def tensors_table(rows: Sequence[Row]) -> list[str]:
    """Of the starred rows: the tensors of which the tools move other numbers of words."""
    head = ("| chain | KiB | tensor | finished sums | ours | difference |", "|---|--:|---|--:|--:|--:|")
    lines = []
    for row in (row for row in rows if is_told(row)):
        if row.other is None or row.mine is None:
            continue
        if not row.other.moved:
            lines.append(f"| {row.chain} | {row.kib} | all | {row.other.words:,} | {row.mine.words:,} | not told |")
            continue
        for name in sorted({*row.other.moved, *row.mine.moved}):
            theirs, mine = (side.moved.get(name, 0) for side in (row.other, row.mine))
            if theirs != mine:
                lines.append(f"| {row.chain} | {row.kib} | {name} | {theirs:,} | {mine:,} | {mine - theirs:+,} |")
    return [*head, *lines]


def least_table(found: Sequence[Least]) -> list[str]:
    """Smallest scratchpads in which everything moves once."""
    head = (
        "| chain | AccelForge | ours | double buffered | weights of the chain | rows of its maps |",
        "|---|--:|--:|--:|--:|--:|",
    )
    lines = [
        f"| {one.chain} | {'never' if one.other is None else f'{one.other:,}'} | {one.mine:,} | {one.doubled:,} "
        f"| {one.weights:,} | {one.rows:,} |"
        for one in found
    ]
    return [*head, *lines]


def page(chains: Mapping[str, str], rows: Sequence[Row], leasts: Sequence[Least], versions: Mapping[str, str]) -> str:
    """The chains, the tables, and the versions that made them."""
    named = [f"- `{name}`: {text}" for name, text in chains.items()]
    made = f"Made with {', '.join(f'{name} {found}' for name, found in versions.items())}."
    parts = (named, words_table(rows), least_table(leasts), tensors_table(rows))
    return "\n\n".join((made, *("\n".join(part) for part in parts)))


def mappings(rows: Sequence[Row]) -> str:
    """Both tools' mappings of every row."""
    parts = []
    for row in rows:
        named = (("AccelForge", row.free), ("AccelForge, finished sums", row.other), ("ours", row.mine))
        for tool, side in named:
            if side is not None:
                moved = ", ".join(f"{name} {words:,}" for name, words in sorted(side.moved.items()))
                parts.append(f"{row.chain}, {row.kib} KiB, {tool}: {side.words:,} words: {moved}\n{side.how}")
    return "\n\n".join(parts)
