"""`lls-hw sweep`: its contract, its errors, what signals and kills leave behind."""

import csv
import json
import os
import signal
from pathlib import Path

import pytest

from lls_hw.cli import main
from lls_hw.sweep.rows import COLUMNS
from scripts.kill_sweep import stored, torture
from tests.children import ended, python, started, wait_for
from tests.unit.sweep.helpers import dump, small_net

SHORT_WAIT = "import sys; from lls_hw.sweep import executors as e; e.CONNECT_S = 1; from lls_hw.cli import run; run()"


def arguments(folder: Path, *more: str) -> list[str]:
    line = ["sweep", "--net", small_net(folder), "--rule", "lls,lls_m", "--arrays", "4x4,8x8", "--batch", "4"]
    return [*line, "--out", str(folder / "s.db"), "--jobs", "1", *more]


def test_sweep_cli__writes_what_it_was_asked_for(tmp_path: Path, capsys) -> None:
    table, parquet = tmp_path / "s.csv", tmp_path / "s.parquet"
    more = ("--dataflows", "ws,os", "--bits", "w4,a8;8", "--srams", "64,128", "--baseline", "bp")
    assert main(arguments(tmp_path, *more, "--csv", str(table), "--parquet", str(parquet), "--json", "-")) == 0
    out, err = capsys.readouterr()
    data = json.loads(out)
    assert data["schema"] == "lls-hw/sweep/1"
    assert data["counts"]["done"] == len(data["points"]) == 32
    assert "32 points" in err
    assert parquet.stat().st_size
    with table.open() as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == list(COLUMNS)
    assert len({row["id"] for row in rows}) == 32
    assert {row["bits"] for row in rows} == {"w4,a8,e8,m16,acc32", "8"}
    assert all(float(row["ratio_energy"]) > 0 for row in rows)


def test_sweep_cli__rerun_changes_no_byte_of_table_and_csv(tmp_path: Path, capsys) -> None:
    target = tmp_path / "s.csv"
    assert main(arguments(tmp_path, "--csv", str(target))) == 0
    before, text = dump(tmp_path / "s.db"), target.read_bytes()
    assert main(arguments(tmp_path, "--csv", str(target))) == 0
    assert (dump(tmp_path / "s.db"), target.read_bytes()) == (before, text)
    assert "4 were in" in capsys.readouterr().out


def test_sweep_cli__failed_points_give_status_1_and_the_rest_is_done(tmp_path: Path, capsys) -> None:
    assert main(arguments(tmp_path, "--srams", "1,64", "--bits", "16", "--input", "3x64x64")) == 1
    out = capsys.readouterr().out
    assert "8 points, 4 done now, 4 failed" in out
    assert "failed: chip.scratchpad.capacity_bytes = 1024: layer" in out
    assert main(arguments(tmp_path, "--quiet", "--srams", "64", "--bits", "16", "--input", "3x64x64")) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (("--net", "nonet"), "--net"),
        (("--rule", "lls,norule"), "--rule"),
        (("--arrays", "8x8,8by8"), "--array"),
        (("--arrays", "8x8,8x8"), "--arrays"),
        (("--arrays", "8x8,"), "--arrays"),
        (("--dataflows", "ws,xs"), "--dataflow"),
        (("--bits", "4,99"), "--bits"),
        (("--bits", "w4,a8;;8"), "--bits"),
        (("--srams", "64,0"), "--srams"),
        (("--srams", "many"), "--srams"),
        (("--srams", "9" * 5000), "--srams"),
        (("--bits", "8;4,8"), "--bits"),
        (("--batch", "0"), "--batch"),
        (("--batch", "1,99999999"), "--batch"),
        (("--chips", "edge_8x8,nochip"), "--chip"),
        (("--technologies", "notech"), "--technologies"),
        (("--baseline", "norule"), "--baseline"),
        (("--data", "npz:/nowhere.npz"), "--data"),
        (("--train", "--epochs", "0"), "--epochs"),
        (("--jobs", "0"), "--jobs"),
        (("--cluster", "nonsense"), "--cluster"),
        (("--csv", "/nowhere/s.csv"), "--csv"),
        (("--json", "/nowhere/s.json"), "--json"),
        (("--out", "/nowhere/s.db"), "--out"),
    ],
    ids=" ".join,
)
def test_sweep_cli__wrong_input_is_one_line_status_2_and_no_file(tmp_path: Path, capsys, more, named) -> None:
    line = arguments(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert main([*line, *more]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"lls-hw: {named} = ")
    assert err.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_sweep_cli__one_file_for_two_things_is_refused(tmp_path: Path, capsys) -> None:
    assert main(arguments(tmp_path, "--csv", str(tmp_path / "s.db"))) == 2
    assert "another option names the same file (--out)" in capsys.readouterr().err


def test_sweep_cli__no_scheduler_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    _, err = python("-c", SHORT_WAIT, *arguments(tmp_path, "--cluster", "tcp://127.0.0.1:9"), status=2)
    assert err.startswith("lls-hw: --cluster = 'tcp://127.0.0.1:9': no scheduler answers there (")
    assert err.count("\n") == 1


def test_sweep_cli__second_process_is_refused_and_a_signal_stores_everything(tmp_path: Path) -> None:
    arrays = ",".join(f"{rows}x{cols}" for rows in range(2, 34) for cols in range(2, 34, 4))
    line = ["-m", "lls_hw", *arguments(tmp_path, "--arrays", arrays, "--jobs", "2")]
    database = tmp_path / "s.db"
    with started(*line) as child:
        wait_for(lambda: stored(database), "point", child)
        child.send_signal(signal.SIGSTOP)  # it holds the database, and does not finish meanwhile
        _, err = python(*line, status=2)
        assert "another process is writing it" in err
        assert err.count("\n") == 1
        child.send_signal(signal.SIGCONT)
        child.send_signal(signal.SIGINT)
        out, err = ended(child, 130)
    assert "stopped; everything finished is stored, and the same command continues" in out
    assert f"{len(dump(database)['points'])} done now" in out
    assert err == ""


def test_sweep_cli__a_terminals_ctrl_c_is_not_heard_by_workers_that_still_start(tmp_path: Path) -> None:
    with started("-m", "lls_hw", *arguments(tmp_path, "--jobs", "2")) as child:
        wait_for(lambda: any(map(imports_numpy, workers_of(child.pid))), "worker", child)
        os.killpg(child.pid, signal.SIGINT)
        out, err = ended(child, 130)
    assert "stopped; everything finished is stored, and the same command continues" in out
    assert err == ""


def test_worker__leaves_even_if_its_parent_died_before_it_began() -> None:
    nobody = 2**22 + 1  # more than any process's number
    begins = f"from lls_hw.sweep.executors import begin_worker; begin_worker({nobody})"
    python("-c", f"{begins}; import threading; threading.Event().wait()", status=1)


def workers_of(pid: int) -> list[Path]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    folders = [Path(f"/proc/{child}") for child in children]
    return [folder for folder in folders if "popen_loky" in (folder / "cmdline").read_text()]


def imports_numpy(worker: Path) -> bool:
    return "_multiarray_umath" in (worker / "maps").read_text()


def test_sweep_cli__killed_three_times_equals_undisturbed(tmp_path: Path) -> None:
    """The short form of scripts/kill_sweep.py."""
    told = torture(tmp_path, points=12, kills=3, jobs=min(2, len(os.sched_getaffinity(0))), seed=1)
    assert told[-1].startswith("last run: 12 rows, equal")


@pytest.mark.parametrize("ending", [".lock", "-wal", "-shm"])
def test_sweep_cli__tables_never_take_the_place_of_the_databases_own_files(tmp_path: Path, capsys, ending) -> None:
    assert main(arguments(tmp_path, "--csv", str(tmp_path / f"s.db{ending}"))) == 2
    assert "another option names the same file (--out)" in capsys.readouterr().err
