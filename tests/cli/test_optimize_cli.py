"""`lls-hw optimize`: the front, the same however often it was interrupted; wrong input in one line."""

import json
from pathlib import Path

import pytest

from lls_hw.cli import main
from lls_hw.sweep.pareto import OBJECTIVES, front
from lls_hw.sweep.rows import flat_rows
from tests.unit.sweep.helpers import count_tasks, small_net

GRID = ("--arrays", "2x2,4x4,8x8,16x16", "--bits", "4,8,16", "--srams", "16,64,128")
SMALL = ("--arrays", "4x4,8x8", "--bits", "4,8", "--srams", "16,64")


def arguments(folder: Path, *more: str) -> list[str]:
    line = ["optimize", "--net", small_net(folder), "--rule", "lls,bp", "--batch", "4", "--jobs", "1"]
    return [*line, "--out", str(folder / "o.db"), *more]


def found(folder: Path, *more: str) -> dict:
    target = folder / "front.json"
    assert main(arguments(folder, "--json", str(target), *more)) == 0
    return json.loads(target.read_text())


def test_optimize_cli__front_of_a_small_grid_is_brute_force(tmp_path: Path, capsys) -> None:
    table = tmp_path / "front.csv"
    data = found(tmp_path, *SMALL, "--trials", "16", "--csv", str(table))
    rows = flat_rows(tmp_path / "o.db")
    assert len(rows) == data["points"] == 16
    goals = [OBJECTIVES[name] for name in ("energy", "latency", "sram")]
    expected = {
        row["id"]
        for row in rows
        if not any(
            all(one.value(other) <= one.value(row) for one in goals)
            and any(one.value(other) < one.value(row) for one in goals)
            for other in rows
        )
    }
    assert {row["id"] for row in data["front"]} == expected == {row["id"] for row in front(rows, goals)}
    assert len(table.read_text().splitlines()) == 1 + len(expected)
    assert "Pareto front" in capsys.readouterr().out


def test_optimize_cli__resumes_and_ends_as_if_undisturbed(tmp_path: Path, monkeypatch) -> None:
    rough, calm = tmp_path / "rough", tmp_path / "calm"
    for folder in (rough, calm):
        folder.mkdir()
    seen = count_tasks(monkeypatch)
    first = found(rough, *GRID, "--trials", "20", "--quiet")
    few = len(seen)
    assert (first["trials"], first["points"]) == (20, few)
    assert found(rough, *GRID, "--trials", "20", "--quiet") == first
    assert len(seen) == few
    second = found(rough, *GRID, "--trials", "40", "--quiet")
    assert second["trials"] == 40
    assert len(seen) == second["points"] > few
    assert found(calm, *GRID, "--trials", "40", "--quiet") == second
    assert flat_rows(rough / "o.db") == flat_rows(calm / "o.db")
    assert found(calm, *GRID, "--trials", "40", "--quiet", "--seed", "1")["front"] != []


def test_optimize_cli__uses_points_of_a_sweep(tmp_path: Path, monkeypatch) -> None:
    line = arguments(tmp_path, *SMALL, "--baseline", "none", "--quiet")
    assert main(["sweep", *line[1:]]) == 0
    seen = count_tasks(monkeypatch)
    assert found(tmp_path, *SMALL, "--trials", "16", "--quiet")["points"] == 16
    assert seen == []


def test_optimize_cli__failed_points_do_not_stop_the_search(tmp_path: Path, capsys) -> None:
    more = ("--input", "3x64x64", "--arrays", "2x2,4x4,8x8,16x16", "--bits", "8,16", "--srams", "1,64,128")
    data = found(tmp_path, *more, "--trials", "30")
    assert data["failed"] > 0
    assert data["front"]
    assert f"{data['failed']} failed" in capsys.readouterr().out


def test_optimize_cli__accuracy_without_training_is_a_proxy_and_says_so(tmp_path: Path, monkeypatch) -> None:
    seen = count_tasks(monkeypatch)
    more = ("--objectives", "energy,accuracy", "--bits", "4,8", "--arrays", "4x4,8x8", "--data", "synthetic:48")
    data = found(tmp_path, *more, "--trials", "8", "--quiet")
    assert [goal["name"] for goal in data["objectives"]] == ["energy", "accuracy_proxy"]
    assert sorted(seen) == ["cost"] * 8 + ["proxy"] * 4
    rows = flat_rows(tmp_path / "o.db")
    assert all(0 < row["accuracy_proxy"] <= 1 and row["test_accuracy"] is None for row in rows)
    proxies = {(row["rule"], row["bits"]): row["accuracy_proxy"] for row in rows}
    assert proxies["bp", "8"] > proxies["bp", "4"]


def test_optimize_cli__trained_accuracy(tmp_path: Path) -> None:
    more = ("--objectives", "latency,accuracy", "--bits", "4,8", "--data", "synthetic:48", "--train", "--batch", "8")
    data = found(tmp_path, *more, "--trials", "4", "--test-limit", "20", "--quiet")
    assert [goal["column"] for goal in data["objectives"]] == ["time_ms", "test_accuracy"]
    assert all(0 <= row["objectives"]["accuracy"] <= 100 for row in data["front"])


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (("--objectives", "energy,beauty"), "--objectives"),
        (("--trials", "0"), "--trials"),
        (("--rule", "norule"), "--rule"),
        (("--csv", "/nowhere/s.csv"), "--csv"),
    ],
    ids=" ".join,
)
def test_optimize_cli__wrong_input_is_one_line_and_status_2(tmp_path: Path, capsys, more, named) -> None:
    assert main([*arguments(tmp_path), *more]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"lls-hw: {named} = ")


def test_optimize_cli__no_trials_leave_nothing_behind(tmp_path: Path, capsys) -> None:
    out = tmp_path / "o.db"
    assert main(["optimize", "--net", small_net(tmp_path), "--rule", "lls", "--trials", "0", "--out", str(out)]) == 2
    assert capsys.readouterr().err.startswith("lls-hw: --trials = '0'")
    assert not list(tmp_path.glob("o.db*"))
