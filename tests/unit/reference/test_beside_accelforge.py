"""The comparison with AccelForge: its chains, what is made of the answers, and the stars on its page."""

import re
import sys
from pathlib import Path

import pytest

from lls_hw.models.registry import load
from lls_hw.models.spec.accelerator import AcceleratorSpec
from scripts.reproduce import accelforge as script
from scripts.reproduce import accelforge_figures as figures

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "accelforge.md"


def a_side(words: int, **moved: int) -> figures.Side:
    return figures.Side(words=words, moved={name.replace("_", " "): n for name, n in moved.items()}, how="as it is")


def a_row(*, free: figures.Side | None, other: figures.Side | None, mine: figures.Side | None) -> figures.Row:
    return figures.Row(
        chain="pair", capacity_bytes=1536, once_words=90, free=free, other=other, mine=mine, doubled=None,
        other_seconds=12.3, mine_seconds=0.123,
    )  # fmt: skip


@pytest.mark.parametrize("chain", script.CHAINS, ids=lambda chain: chain.name)
def test_programs__move_each_tensor_once_in_the_largest_scratchpad(chain: script.Chain) -> None:
    rows, channels, words = chain.rows, chain.channels, chain.rows**2 * chain.channels
    for kernel, padding, out in chain.layers:
        words += kernel**2 * channels * out
        rows, channels = rows + 2 * padding - kernel + 1, out
    program = script.program_of(chain)
    assert script.compulsory_bytes(program) == words + rows**2 * channels
    chip = load("chips", "edge_16x16", AcceleratorSpec, "--chip").changed("dram", burst_bytes=1, row_bytes=1 << 20)
    side = script.ours(program, script.sized(chip, chain.capacities_bytes[-1]))
    assert side is not None
    assert (side.words, sum(side.moved.values())) == (words + rows**2 * channels,) * 2


def test_programs__the_last_map_is_stored_by_groups_too() -> None:
    chip = load("chips", "edge_16x16", AcceleratorSpec, "--chip").changed("dram", burst_bytes=1, row_bytes=1 << 20)
    side = script.ours(script.program_of(script.CHAINS[0]), script.sized(chip, 4096))
    assert side is not None
    assert side.how.startswith("  0 L1 forward Gemm + L2 forward Gemm")
    assert side.moved["T2 write"] == 16 * 16 * 16


def test_ours__nothing_fits_a_scratchpad_that_holds_no_tile() -> None:
    chip = load("chips", "edge_16x16", AcceleratorSpec, "--chip")
    assert script.ours(script.program_of(script.CHAINS[0]), script.sized(chip, 16)) is None


def test_stars__above_two_per_cent_and_below_one() -> None:
    def told(free: int, other: int, mine: int) -> bool:
        return figures.is_told(a_row(free=a_side(free), other=a_side(other), mine=a_side(mine)))

    assert not told(100, 100, 102)
    assert told(100, 102, 103)
    assert told(100, 110, 101)
    assert not figures.is_told(a_row(free=None, other=None, mine=a_side(7)))


def test_tables__words_shares_and_tensors_that_differ() -> None:
    row = a_row(free=a_side(1000), other=a_side(1000, T0_read=400, W1_read=600), mine=a_side(1250, T0_read=400))
    assert figures.words_table([row])[2] == (
        "| pair | 1.5 | 1,000 | 1,000 | 1,250 | 1.250 * | 1.250 * | nothing fits | 90 | 12 | 0.12 |"
    )
    assert figures.tensors_table([row])[2:] == ["| pair | 1.5 | W1 read | 600 | 0 | -600 |"]


def test_without_accelforge__status_2_and_what_to_install(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        script.ask(sys.executable, script.CHAINS[0], script.SEARCHES[0])
    assert ended.value.code == 2
    assert "pip install accelforge" in capsys.readouterr().err


def test_page__every_star_has_its_reason() -> None:
    tables, _, reasons = PAGE.read_text(encoding="utf-8").partition("<!-- end accelforge -->")
    starred = re.findall(r"^\| (\w+) \| ([\d.]+) \|.*\*", tables, re.MULTILINE)
    assert starred
    for chain, kib in starred:
        assert re.search(rf"`{chain}`[^\n]*\b{re.escape(kib)}\b", reasons), f"{chain} {kib} KiB"
