"""Figures of one layer from two tools, side by side, and a difference of energy in words. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MARGIN = 0.10
READS, WRITES = ("rd_out_to_low", "rd_out_to_high"), ("wr_in_by_low", "wr_in_by_high")
OPERANDS = {"W": "weights", "I": "inputs", "O": "outputs"}
WORDS = ("pad_read_words", "pad_write_words", "sum_reads", "sum_writes")


@dataclass(frozen=True, kw_only=True)
class Side:
    """One tool's figures of a layer: energies in pJ, DRAM bytes by operand, words of the scratchpad, entries of the
    accumulators.
    """

    mac_pj: float
    sram_pj: float
    operand_bytes: Mapping[str, int]
    pad_read_words: int
    pad_write_words: int
    sum_reads: int
    sum_writes: int

    @property
    def dram_bytes(self) -> int:
        """Bytes of all operands."""
        return sum(self.operand_bytes.values())


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A layer's figures in both tools, and the bytes of its operands moved once each."""

    name: str
    other: Side
    mine: Side
    once_bytes: Mapping[str, int]


def theirs(answer: Mapping[str, Any], word_bits: int, *, sums_in_lanes: bool = False) -> Side:
    """ZigZag's figures. Memories of an operand stand from the array outwards; the last is DRAM, before it the pad.

    Parameters
    ----------
    sums_in_lanes : its innermost memory of sums is a register of the lane, not the accumulators.
    """
    words, energy = answer["words"], answer["memory_pj"]

    def number(operand: str, level: int, keys: tuple[str, ...]) -> int:
        return sum(int(words[operand][level][key]) for key in keys)

    return Side(
        mac_pj=answer["mac_pj"],
        sram_pj=sum(energy[operand][-2] for operand in energy) + (0.0 if sums_in_lanes else energy["O"][0]),
        operand_bytes={
            name: number(operand, -1, READS + WRITES) * word_bits // 8 for operand, name in OPERANDS.items()
        },
        pad_read_words=sum(number(operand, -2, READS) for operand in words),
        pad_write_words=sum(number(operand, -2, WRITES) for operand in words),
        sum_reads=0 if sums_in_lanes else number("O", 0, READS),
        sum_writes=0 if sums_in_lanes else number("O", 0, WRITES),
    )


def differences_pj(other: Side, mine: Side, prices_pj: Mapping[str, float]) -> dict[str, float]:
    """Ours less theirs, by what is read or written: each a difference in words times our price; they sum to the
    difference in SRAM energy, for both tools are told the same prices.

    Raises
    ------
    AssertionError : they do not; one of the tools prices something else.
    """
    found = {name: (getattr(mine, name) - getattr(other, name)) * prices_pj[name] for name in WORDS}
    due = mine.sram_pj - other.sram_pj
    assert abs(sum(found.values()) - due) <= 1e-6 * mine.sram_pj, f"{due} pJ of SRAM, of which {found} are explained"
    return found


def is_off(pair: Pair, figure: str) -> bool:
    """Whether ours is more than 10 % from theirs."""
    return abs(getattr(pair.mine, figure) / getattr(pair.other, figure) - 1) > MARGIN


def energies(pairs: Sequence[Pair]) -> list[str]:
    """Figures of both, and ours over theirs; a star marks those that are off."""
    lines = [
        "| layer | MAC uJ, ZigZag | ours | | SRAM uJ, ZigZag | ours | | DRAM MB, ZigZag | ours | |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for pair in pairs:
        cells = [pair.name]
        for figure in ("mac_pj", "sram_pj", "dram_bytes"):
            other, mine = getattr(pair.other, figure), getattr(pair.mine, figure)
            star = " *" if is_off(pair, figure) else ""
            cells += [f"{other / 1e6:.3f}", f"{mine / 1e6:.3f}", f"{mine / other:.3f}{star}"]
        lines.append(_row(cells))
    return lines


def words(pairs: Sequence[Pair]) -> list[str]:
    """Words and entries behind the energies."""
    lines = [
        "| layer | | scratchpad words read | written | accumulator entries read | written |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for pair in pairs:
        for tool, side in (("ZigZag", pair.other), ("ours", pair.mine)):
            lines.append(_row([pair.name, tool, *(f"{getattr(side, name):,}" for name in WORDS)]))
    return lines


def traffic(pairs: Sequence[Pair]) -> list[str]:
    """DRAM bytes by operand, and how often each of them moves."""
    lines = ["| layer | | weights, bias | | inputs | | outputs | |", "|---|---|--:|--:|--:|--:|--:|--:|"]
    for pair in pairs:
        for tool, side in (("ZigZag", pair.other), ("ours", pair.mine)):
            cells = [pair.name, tool]
            for name in OPERANDS.values():
                moved, once = side.operand_bytes[name], pair.once_bytes[name]
                cells += [f"{moved:,}", f"{moved / once:.3g} x"]
            lines.append(_row(cells))
    return lines


def causes(pairs: Sequence[Pair], prices_pj: Mapping[str, float]) -> list[str]:
    """SRAM energy, ours less theirs, by what is read or written."""
    heads = ("scratchpad reads", "writes", "accumulator reads", "writes", "sum")
    lines = [f"| layer, uJ | {' | '.join(heads)} |", f"|---|{'--:|' * len(heads)}"]
    for pair in pairs:
        parts = differences_pj(pair.other, pair.mine, prices_pj)
        figures = [*parts.values(), sum(parts.values())]
        lines.append(_row([pair.name, *(f"{pj / 1e6:+.3f}" for pj in figures)]))
    return lines


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
