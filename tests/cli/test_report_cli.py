"""`lls-hw report` as its users call it, and every way of being wrong."""

import contextlib
import json
import sqlite3
from pathlib import Path

import pytest

from lls_hw.cli import main
from tests.unit.report.made import made_sweep, made_train


@pytest.fixture
def train_file(tmp_path: Path) -> Path:
    path = tmp_path / "train.json"
    path.write_text(json.dumps(made_train()))
    return path


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line of an error with status 2."""
    assert main(["report", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


def test_page_and_figures__are_written_and_named(
    train_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, figures = tmp_path / "out.html", tmp_path / "figures"
    assert main(["report", str(train_file), "-o", str(page), "--svg", str(figures), "--title", "Mine & ours"]) == 0
    printed = capsys.readouterr().out
    assert f"{page}: " in printed
    assert "MB" in printed
    text = page.read_text()
    assert "<h1>Mine &amp; ours</h1>" in text
    assert 4_000_000 < len(text.encode()) < 6_000_000
    assert sorted(path.name for path in figures.iterdir()) == [
        "train-local-losses.svg", "train-loss.svg", "train-lost-updates.svg", "train-range-use.svg",
        "train-test-accuracy.svg",
    ]  # fmt: skip


def test_byte_order_mark__that_an_editor_put_first_changes_nothing(train_file: Path, tmp_path: Path) -> None:
    page, marked = tmp_path / "out.html", tmp_path / "marked.html"
    assert main(["report", str(train_file), "-o", str(page), "--quiet"]) == 0
    train_file.write_text(train_file.read_text(), encoding="utf-8-sig")
    assert main(["report", str(train_file), "-o", str(marked), "--quiet"]) == 0
    assert marked.read_bytes() == page.read_bytes()


def test_run__comparison_and_sweep_make_pages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, compared = tmp_path / "run.json", tmp_path / "compare.json"
    small = ["--net", "smallconv", "--batch", "2", "--quiet", "--json"]
    assert main(["simulate", "--rule", "lls", "--no-numerics", *small, str(run)]) == 0
    assert main(["compare", "--rules", "bp,lls", "--batches", "1,2", *small, str(compared)]) == 0
    for source in (run, compared, made_sweep(tmp_path / "sweep.db", seeds=1, bits=(8,))):
        page = source.with_suffix(".html")
        assert main(["report", str(source), "-o", str(page), "--quiet"]) == 0
        assert page.stat().st_size > 4_000_000
    assert capsys.readouterr().out == ""
    assert "Rules at batch 2" in compared.with_suffix(".html").read_text()


def test_wrong_files__are_one_line_and_write_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def made(name: str, content: bytes) -> str:
        (tmp_path / name).write_bytes(content)
        return str(tmp_path / name)

    database = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(database)) as db:
        db.execute("CREATE TABLE things(id TEXT)")
        db.commit()

    def trained(epoch: int, accuracy: float) -> bytes:
        data = made_train(epochs=1)
        data["curve"][epoch] |= {"lost_update_fraction": accuracy, "loss": accuracy}
        return json.dumps(data).encode()

    depth = 700
    nested = json.dumps(made_train()).replace('"made"', '{"a":' * depth + "1" + "}" * depth).encode()
    surrogate = json.dumps(made_train()).replace('"made"', '"\\ud800"').encode()
    whole = made_sweep(tmp_path / "whole.db").read_bytes()
    cases = [
        (str(tmp_path / "nope.json"), "there is no such file"),
        (str(tmp_path), "there is no such file"),
        (made("cut.json", b'{"schema": "lls-hw/run/1", "inputs": {'), "it is not valid JSON (line 1:"),
        (made("list.json", b"[]"), "it has no schema"),
        (made("other.json", b'{"schema": "lls-hw/validate/1"}'), "it has schema 'lls-hw/validate/1'"),
        (made("picture.png", b"\x89PNG\r\n\xff\xfe"), "it is neither JSON nor an SQLite database"),
        (made("empty.json", b""), "it is not valid JSON"),
        (str(database), "it is no database of a sweep"),
        (made("cut.db", whole[: len(whole) // 2]), "it is no"),
        (made("hollow.json", b'{"schema": "lls-hw/run/1", "totals": {"cycles": 3}}'), "its schema promises more"),
        (
            made("bare.json", b'{"schema": "lls-hw/run/1"}'),
            "its schema promises more than it holds (no inputs, totals,",
        ),
        (
            made("curve.json", b'{"schema": "lls-hw/train/1", "inputs": {}}'),
            "its schema promises more than it holds (no",
        ),
        (made("nan.json", b'{"schema": "lls-hw/train/1", "inputs": NaN}'), "it is not valid JSON (NaN is no number)"),
        (made("much.json", b'{"schema": "lls-hw/train/1", "inputs": -1e999}'), "it is not valid JSON (-1e999 is no"),
        (made("long.json", b"[" + b"9" * 5000 + b"]"), "it is not valid JSON"),
        (made("deep.json", b"[" * 200_000), "it is not valid JSON (it is nested too deeply"),
        (made("nested.json", nested), "its schema promises more"),
        (made("large.json", trained(0, 1e308)), "its schema promises more"),
        (made("huge.json", trained(0, 10**400)), "its schema promises more"),
        (made("surrogate.json", surrogate), "its schema promises more"),
        (made("odd.json", b'{"schema": {"a": 1}}'), "it has schema {'a': 1}"),
    ]
    target = tmp_path / "out.html"
    for path, need in cases:
        error = refused(capsys, path, "-o", str(target))
        assert error.startswith(f"lls-hw: FILE = '{path}': {need}"), error
        assert not target.exists()


def test_wrong_targets__are_refused_before_any_work(
    train_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here, gone = str(tmp_path), str(tmp_path / "no" / "where")
    assert "there is nothing to write" in refused(capsys, str(train_file))
    assert refused(capsys, str(train_file), "-o", gone).startswith(f"lls-hw: -o = '{gone}': the folder")
    assert refused(capsys, str(train_file), "-o", here).startswith(f"lls-hw: -o = '{here}': it is a folder")
    file = str(train_file)
    assert refused(capsys, file, "--png", file).startswith(f"lls-hw: --png = '{file}': it is a file")
    assert refused(capsys, file, "--svg", gone).startswith(f"lls-hw: --svg = '{gone}': the folder")
    assert [path.name for path in tmp_path.iterdir()] == ["train.json"]


def test_page__never_takes_the_place_of_its_results(
    train_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, link = train_file.read_bytes(), tmp_path / "link.json"
    link.symlink_to(train_file)
    for target in (str(train_file), str(tmp_path / "." / ".." / tmp_path.name / "train.json"), str(link)):
        assert refused(capsys, str(train_file), "-o", target) == (
            f"lls-hw: -o = '{target}': another option names the same file (FILE). Choose another name.\n"
        )
    assert train_file.read_bytes() == before


def test_sweep__in_which_everything_failed__says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = made_sweep(tmp_path / "sweep.db", rules=("lls",), bits=(8,), arrays=(8,), seeds=1)
    page = tmp_path / "out.html"
    assert main(["report", str(source), "-o", str(page), "--svg", str(tmp_path / "f")]) == 0
    assert "no figure to draw" in capsys.readouterr().out
    assert not (tmp_path / "f").exists()
    text = page.read_text()
    assert "No point has finished with results." in text
    assert "&lt;b&gt;too small&lt;/b&gt;" in text
    assert "A rerun with --retry-failed tries again." in text
