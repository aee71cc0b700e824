"""Tables at the widths of terminals: no line is longer, and nothing is cut."""

from pathlib import Path

import pytest

from lls_hw.cli import main

SMALL = ("--net", "smallconv", "--batch", "2")
COMMANDS = {
    "simulate": ("simulate", *SMALL, "--rule", "lls_m", "--explain-energy"),
    "simulate, wide": ("simulate", *SMALL, "--rule", "lls_m", "--wide", "--no-numerics"),
    "a deep net": ("simulate", "--net", "vww_cnn", "--rule", "lls_m", "--no-numerics", "--baseline", "none"),
    "compare": ("compare", *SMALL, "--rules", "lls_mxm_reduced,bp,inference"),
    "validate": ("validate", *SMALL, "--rule", "lls"),
    "train": ("train", *SMALL, "--rule", "lls", "--epochs", "1", "--limit", "32", "--float"),
    "list": ("list", "nets"),
}


@pytest.mark.parametrize("columns", [60, 80, 100, 120])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_table_is_cut(
    command: str, columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main([*COMMANDS[command]]) in (0, 1)  # a validation may find that it missed
    lines = capsys.readouterr().out.splitlines()
    assert any("━" in line for line in lines) or command == "list"
    assert max(map(len, lines)) <= columns
    assert not [line for line in lines if "…" in line]


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_cycles_of_long_names__are_whole(
    columns: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    name = "a_name_that_is_longer_than_any_column_of_a_narrow_terminal_would_be_if_it_were_not_folded"
    (tmp_path / "t.csv").write_text(f"Layer, M, N, K,\n{name}, 1000000, 64, 4608,\n")
    assert main(["cycles", "--topology", str(tmp_path / "t.csv"), "--array", "16x16", "--dataflow", "ws"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= columns
    assert "…" not in out
    assert name in "".join(line.split("│")[1].strip() for line in out.splitlines() if line.startswith("│"))


def test_wide__has_every_part_of_the_energy(capsys: pytest.CaptureFixture[str]) -> None:
    run = ["simulate", *SMALL, "--rule", "lls_m", "--no-numerics", "--baseline", "none"]
    found = []
    for options in ([], ["--wide"]):
        assert main([*run, *options]) == 0
        head = next(line for line in capsys.readouterr().out.splitlines() if "stage" in line)
        found.append([cell.strip() for cell in head.strip("┃").split("┃")])
    assert found[0] == ["layer", "stage", "cycles", "stall", "util", "uJ", "DRAM KiB"]
    assert found[1] == [*found[0][:6], "array", "sram", "dram", "vector", "local", "leak", "static", "DRAM KiB"]
