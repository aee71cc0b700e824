"""Names, paths and sources are printed as they stand by every command: text is data, never markup."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lls_hw.cli import main
from lls_hw.commands import shared
from tests.unit.training.helpers import SMALL_TOML

PIECES = (
    "[",
    "]",
    "[/",
    "[/]",
    "[/x]",
    "[bold]",
    "[b]x[/b]",
    "[link=a]",
    ":smile:",
    "\\[",
    "\\",
    "{0}",
    "%s",
    "a",
    "é",
)
HOSTILE = st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join)
FOLDER = HOSTILE.map(lambda text: text.replace("/", "|").replace("\\", "|"))
EVERY = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ROOT = Path(__file__).parents[2]
WIDE_COLUMNS = 4000


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is folded, so what is printed can be looked for."""
    monkeypatch.setattr(shared, "PIPE_COLUMNS", WIDE_COLUMNS)


def net_called(folder: Path, name: str) -> str:
    path = folder / "net.toml"
    path.write_text(SMALL_TOML.replace('name = "small"', f"name = {json.dumps(name)}"))
    assert json.dumps(name) in path.read_text()
    return str(path)


def technology_from(folder: Path, source: str) -> str:
    shipped = (ROOT / "lls_hw/models/technology/cmos_45nm.toml").read_text()
    first = next(line for line in shipped.splitlines() if line.startswith("source = "))
    path = folder / "tech.toml"
    path.write_text(shipped.replace(first, f"source = {json.dumps('Somebody ' + source)}", 1))
    return str(path)


def printed(capsys: pytest.CaptureFixture[str], *line: str) -> str:
    status = main(line)
    out, err = capsys.readouterr()
    assert status == 0, err
    return out


@EVERY
@given(name=HOSTILE)
def test_titles__print_the_networks_name(name: str, tmp_path: Path, capsys) -> None:
    net = net_called(tmp_path, name)
    small = ("--net", net, "--rule", "lls_m", "--batch", "4")
    learn = ("--data", "synthetic:16", "--test-limit", "4", "--no-costs")
    assert f"{name}, lls_m" in printed(capsys, "train", *small, *learn)
    assert f"{name}, lls_m" in printed(capsys, "validate", *small)
    assert name in printed(capsys, "compare", "--net", net, "--rules", "bp,lls_m", "--batch", "4")
    database = tmp_path / "s.db"
    database.unlink(missing_ok=True)
    assert "1 points" in printed(capsys, "sweep", *small, "--out", str(database), "--jobs", "1")


@EVERY
@given(source=HOSTILE)
def test_explain_energy__prints_sources_whole(source: str, tmp_path: Path, capsys) -> None:
    more = (
        "--technology",
        technology_from(tmp_path, source),
        "--no-numerics",
        "--baseline",
        "none",
        "--explain-energy",
    )
    assert f"Somebody {source}" in printed(capsys, "simulate", "--net", "smallconv", "--rule", "lls", *more)


@EVERY
@given(folder=FOLDER)
def test_paths__are_printed_whole(folder: str, tmp_path: Path, capsys) -> None:
    place = tmp_path / folder
    place.mkdir(exist_ok=True)
    run = place / "run.json"
    small = ("--net", "smallconv", "--rule", "lls", "--no-numerics", "--baseline", "none", "--quiet")
    printed(capsys, "simulate", *small, "--json", str(run))
    assert f"{folder}/run.html" in printed(capsys, "report", str(run), "-o", str(place / "run.html"))
    assert main(["simulate", "--net", str(place / "no.toml"), "--rule", "lls"]) == 2
    assert folder.replace("\\", "\\\\") in capsys.readouterr().err


@EVERY
@given(name=HOSTILE.filter(lambda text: text.strip() == text))
def test_cycles__prints_the_layers_names(name: str, tmp_path: Path, capsys) -> None:
    topology = tmp_path / "t.csv"
    topology.write_text(f"Layer, M, N, K,\n{name}, 4, 5, 6,\n", encoding="utf-8")
    assert name in printed(capsys, "cycles", "--topology", str(topology), "--array", "4x4", "--dataflow", "ws")


def test_progress__shows_text_as_it_stands(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """On a terminal, in the line of progress and in the bar."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    with shared.progress_on(quiet=False) as say:
        say("costs of [/x]")
    with shared.bar_on(False, "steps") as show:
        show("epoch [/x] 1", 1, 2)
    assert "epoch [/x] 1" in capsys.readouterr().err
