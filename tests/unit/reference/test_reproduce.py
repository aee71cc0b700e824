"""The reproduction scripts: every row is runnable, and a short run of one trains."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from lls_hw.models.data import PUBLISHED
from lls_hw.models.registry import load_network
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.resolve import resolve
from tests.children import python

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts" / "reproduce"


def script(name: str, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec = importlib.util.spec_from_file_location(f"reproduce_{name}", SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def test_rows__each_names_a_network_a_rule_and_a_data_set_that_exist(monkeypatch) -> None:
    tables = script("tables", monkeypatch)
    rows = tables.rows()
    assert [sum(row.table == table for row in rows) for table in (1, 2, 3)] == [24, 9, 25]
    assert len({row.name for row in rows}) == len(rows)
    for row in rows:
        shape, classes = tables.DATASETS[row.dataset]
        assert resolve(load_network(row.network).resized(shape, classes))
        assert parse_rule(row.rule, waveform=row.waveform).name == row.rule
        assert row.dataset in PUBLISHED


def test_run__lists_one_command_a_row(monkeypatch, capsys) -> None:
    run = script("run", monkeypatch)
    assert run.main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 58
    assert lines[0].startswith("python scripts/reproduce/run.py t1-mnist-smallconv-lls-cosine --data mnist:DIR ")


def test_run__a_short_run_trains(monkeypatch, capsys, tmp_path) -> None:
    run = script("run", monkeypatch)
    short = ["--data", "synthetic", "--epochs", "1", "--limit", "256", "--checkpoint", str(tmp_path / "run.pt")]
    assert run.main(["t1-fashion-mnist-smallconv-lls-square", *short]) == 0
    entry = json.loads(capsys.readouterr().out)
    assert entry["run"] == "t1-fashion-mnist-smallconv-lls-square"
    assert entry["epoch"] == 1
    assert (tmp_path / "run.pt").exists()


@pytest.mark.parametrize("given", [["t9-mnist"], []])
def test_run__unknown_row_is_the_users_error(given, monkeypatch, capsys) -> None:
    assert script("run", monkeypatch).main(given) == 2
    assert capsys.readouterr().err.startswith("reproduce: row = ")


def test_macs__prints_the_facts_and_no_ratio_over_zero(monkeypatch, capsys) -> None:
    macs = script("macs", monkeypatch)
    assert macs.main() == 0
    text = capsys.readouterr().out
    for fact in ("11477.715", "317.2", "351.3", "1.037", "1.46"):
        assert fact in text
    drtp = next(line for line in text.splitlines() if line.startswith("drtp"))
    assert drtp.split()[2] == "0.000"
    assert drtp.split()[4] == "-"


def test_accounting__needs_no_torch() -> None:
    code = (
        "import sys, lls_hw.models.reference.accounting, lls_hw.models.reference.initial,"
        " lls_hw.models.reference.basis; print('torch' in sys.modules)"
    )
    assert python("-c", code) == ("False\n", "")
