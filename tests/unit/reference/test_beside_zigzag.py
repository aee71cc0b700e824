"""The comparison with ZigZag: what each tool is told, what is made of the answers, and the reasons on its page."""

import re
import sys
from pathlib import Path

import pytest

from lls_hw.models.registry import load
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.technology import TechnologySpec
from scripts.reproduce import beside_zigzag as script
from scripts.reproduce import zigzag_figures as figures
from tests.children import python

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "zigzag.md"


def a_level(low: int = 0, high: int = 0, *, by_low: int = 0, by_high: int = 0) -> dict[str, int]:
    return {"rd_out_to_low": low, "rd_out_to_high": high, "wr_in_by_low": by_low, "wr_in_by_high": by_high}


ANSWER = {
    "mac_pj": 10.0,
    "words": {
        "W": [a_level(9, by_high=9), a_level(7, by_high=3), a_level(3)],
        "I": [a_level(40, by_high=5), a_level(5)],
        "O": [a_level(100, 50, by_low=60), a_level(0, 8, by_low=8), a_level(by_low=8)],
    },
    "memory_pj": {
        "W": [0.0, 7 * 2 + 3 * 3, 1e9], "I": [40 * 2 + 5 * 3, 1e9], "O": [150 * 0.5 + 60.0, 8 * 2 + 8 * 3, 1e9],
    },
}  # fmt: skip
PRICES = {"pad_read_words": 2.0, "pad_write_words": 3.0, "sum_reads": 0.5, "sum_writes": 1.0}


def test_theirs__each_operand_from_its_own_memories() -> None:
    side = figures.theirs(ANSWER, 64)
    assert (side.pad_read_words, side.pad_write_words) == (7 + 40 + 8, 3 + 5 + 8)
    assert (side.sum_reads, side.sum_writes) == (150, 60)
    assert side.operand_bytes == {"weights": 3 * 8, "inputs": 5 * 8, "outputs": 8 * 8}
    assert side.dram_bytes == 128
    assert side.sram_pj == 55 * 2 + 16 * 3 + 150 * 0.5 + 60


def test_theirs__sums_of_lanes_are_no_accumulators() -> None:
    side = figures.theirs(ANSWER, 64, sums_in_lanes=True)
    assert (side.sum_reads, side.sum_writes, side.sram_pj) == (0, 0, 55 * 2 + 16 * 3)


def test_differences__sum_to_the_difference_and_what_is_unexplained_is_refused() -> None:
    other = figures.theirs(ANSWER, 64)
    mine = figures.Side(
        mac_pj=10.0, sram_pj=60 * 2 + 10 * 3 + 100 * 0.5 + 60, operand_bytes=other.operand_bytes,
        pad_read_words=60, pad_write_words=10, sum_reads=100, sum_writes=60,
    )  # fmt: skip
    found = figures.differences_pj(other, mine, PRICES)
    assert found == {"pad_read_words": 10.0, "pad_write_words": -18.0, "sum_reads": -25.0, "sum_writes": 0.0}
    with pytest.raises(AssertionError, match="are explained"):
        figures.differences_pj(other, mine, {**PRICES, "sum_reads": 0.6})


@pytest.mark.parametrize(("ratio", "off"), [(0.89, True), (0.91, False), (1.0, False), (1.09, False), (1.11, True)])
def test_star__more_than_ten_percent_to_either_side(ratio, off) -> None:
    other = figures.theirs(ANSWER, 64)
    values = {name: getattr(other, name) for name in other.__dataclass_fields__}
    mine = figures.Side(**{**values, "mac_pj": ratio * 10.0})
    pair = figures.Pair(name="it", other=other, mine=mine, once_bytes=other.operand_bytes)
    assert figures.is_off(pair, "mac_pj") is off
    assert (" *" in figures.energies([pair])[2]) is off


MACS = {  # by hand: batch x places x taps x channels in x channels out
    ("vww_cnn", "conv1"): 8 * 64 * 64 * 9 * 3 * 32,
    ("vww_cnn", "block2.dw"): 8 * 64 * 64 * 9 * 32,
    ("vww_cnn", "block2.pw"): 8 * 64 * 64 * 32 * 64,
    ("vww_cnn", "block8.pw"): 8 * 8 * 8 * 512 * 512,
    ("vgg8", "conv2"): 8 * 32 * 32 * 9 * 128 * 256,
    ("vgg8", "conv6"): 8 * 4 * 4 * 9 * 512 * 512,
    ("vgg8", "linear7"): 8 * 2048 * 1024,
}


@pytest.mark.parametrize("layer", script.LAYERS, ids=".".join)
def test_layer__both_tools_are_told_the_same_product(layer) -> None:
    program = script.product_alone(*layer)
    told = script.layer_of(program)
    pixels, taps = told["batch"] * told["out_rows"] * told["out_cols"], told["kernel"] ** 2
    macs = pixels * taps * told["out"] * (1 if told["depthwise"] else told["in"])
    assert macs == MACS[layer] == program.ops[0].macs
    once = script.once_bytes(program)
    assert once["inputs"] == told["batch"] * told["in_rows"] * told["in_cols"] * told["in"]
    assert once["weights"] == taps * told["out"] * (1 if told["depthwise"] else told["in"])
    assert once["outputs"] == pixels * told["out"] * told["out_bits"] // 8


def test_machine__prices_are_those_of_the_energy_lines() -> None:
    chip = load("chips", "edge_16x16", AcceleratorSpec, "--chip")
    technology = load("technology", chip.technology, TechnologySpec, "--technology")
    told = script.machine_of(chip, technology)
    assert (told["rows"], told["cols"], told["lanes"], told["sums"]["entries"]) == (16, 16, 64, 256)
    assert told["pad"]["capacity_bytes"] == 256 * 1024
    mine = script.ours(script.product_alone("vww_cnn", "block2.pw"), chip, technology)
    assert mine.mac_pj == pytest.approx(MACS["vww_cnn", "block2.pw"] * told["mac_pj"], rel=1e-12)
    assert mine.sram_pj == pytest.approx(
        mine.pad_read_words * told["pad"]["read_pj"] + mine.pad_write_words * told["pad"]["write_pj"]
        + mine.sum_reads * told["sums"]["read_pj"] + mine.sum_writes * told["sums"]["write_pj"], rel=1e-12,
    )  # fmt: skip


def test_python_without_zigzag__one_helpful_line(tmp_path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')  # no site-packages: no ZigZag, whatever is here
    bare.chmod(0o755)
    for given, says in ((bare, "pip install zigzag-dse six"), (tmp_path / "nothing", "cannot be started")):
        _, err = python("scripts/reproduce/beside_zigzag.py", "--zigzag-python", str(given), status=1)
        assert len(err.strip().splitlines()) == 1
        assert err.startswith(f"--zigzag-python = {given}: ")
        assert says in err


def numbers(text: str, heading: str) -> dict[tuple[str, str], list[float]]:
    """(layer, tool) -> the figures of its row in the table under a heading."""
    rows = text[text.index(heading) :].split("\n\n", maxsplit=1)[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("| ").split("|")] for row in rows]
    return {(one[0], one[1]): [float(cell.replace(",", "").removesuffix(" x")) for cell in one[2:]] for one in cells}


def test_page__the_reasons_hold_to_the_word() -> None:
    text = PAGE.read_text(encoding="utf-8")
    words, bytes_ = numbers(text, "| layer | | scratchpad"), numbers(text, "| layer | | weights")
    z, o = "ZigZag", "ours"

    sums, pixels = 8 * 64 * 64 * 32, 8 * 64 * 64
    out = sums * 2 // 8
    conv1 = "vww_cnn conv1"
    assert words[conv1, o][2:] == [2 * sums, 2 * sums]
    assert words[conv1, z][2:] == [3.5 * sums, 3 * sums]
    assert words[conv1, o][0] == pixels * 27 * 2 // 8 + out + 27_656
    assert words[conv1, z][0] == pixels * 2 * 3 * 2 + out + 13_824

    dw = "vww_cnn block2.dw"
    halo = bytes_[dw, z][2] - bytes_[dw, o][2]
    assert halo == sums * 2 // 16
    assert words[dw, o][1] - words[dw, z][1] == sums * 4 // 8 - halo // 8
    assert words[dw, o][0] == sums * 4 // 8 + out + 3 * sums * 33 // 32 // 8 + 576
    assert words[dw, z][0] == out + 3 * sums // 8 + 36

    assert [bytes_["vww_cnn block8.pw", tool][0] for tool in (z, o)] == [4 * 512 * 512, 3 * 512 * 512]
    weights, maps = 9 * 128 * 256, 8 * 32 * 32 * 128
    assert bytes_["vgg8 conv2", z][::2] == [32 * weights, 3 * maps, 2 * maps * 2]
    assert bytes_["vgg8 conv2", o][::2] == [weights + 512, 4 * maps, 2 * maps * 2]


def test_page__every_star_has_its_reason_and_no_other_figure_one() -> None:
    text = PAGE.read_text(encoding="utf-8")
    kinds = ("MAC", "SRAM", "DRAM")
    starred = set()
    head = text[: text.index("scratchpad words")]
    for row in re.findall(r"^\| (?:vww_cnn|vgg8) (\S+) \|(.*)\|$", head, re.MULTILINE):
        cells = row[1].split("|")
        starred |= {(row[0], kind) for kind, cell in zip(kinds, cells[2::3], strict=True) if "*" in cell}
    assert starred == set(re.findall(r"^- \*(\S+), (SRAM|DRAM|MAC)\.\*", text, re.MULTILINE))
    assert starred
