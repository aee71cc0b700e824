"""No command writes over what it reads, or twice to one file, however the file is named."""

import os
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import typer

from lls_hw.cli import app, main

NET = """
name = "n"
input = [1, 4, 4]
classes = 2
[[layers]]
kind = "conv"
name = "a"
out_channels = 2
kernel = 3
stride = 1
padding = 1
pool = 2
"""
CHIP = Path(__file__).parents[2] / "lls_hw" / "models" / "chips" / "edge_8x8.toml"
TECHNOLOGY = Path(__file__).parents[2] / "lls_hw" / "models" / "technology" / "cmos_45nm.toml"

INPUTS = {"--net": "n.toml", "--chip": "c.toml", "--technology": "t.toml", "--data": "npz:d.npz"}
LEARNS = {name: value for name, value in INPUTS.items() if name != "--technology"}
COMMANDS: dict[str, tuple[list[str], dict[str, str], tuple[str, ...]]] = {
    "simulate": (["--rule", "lls", "--batch", "4"], {**INPUTS, "--mapping": "m.toml"}, ("--json", "--trace")),
    "train": (["--rule", "lls", "--batch", "4"], INPUTS, ("--json", "--checkpoint")),
    "validate": (["--rule", "lls", "--batch", "4"], LEARNS, ("--json",)),
    "replay": (["--rule", "lls", "--batch", "4"], INPUTS, ("--json",)),
    "compare": (["--rules", "lls", "--batch", "4"], INPUTS, ("--json", "--roofline")),
    "sweep": (["--rule", "lls", "--batch", "4"], INPUTS, ("--out", "--csv", "--parquet", "--json")),
    "optimize": (["--rule", "lls", "--batch", "4"], INPUTS, ("--out", "--csv", "--json")),
    "cycles": ([], {"--topology": "t.csv", "--config": "s.cfg"}, ("--json", "--draw")),
    "report": ([], {"": "run.json"}, ("-o", "--png", "--svg")),
    "list": (["nets"], {}, ("--json",)),
}
"""Of every command: what it needs besides paths, the inputs it is given, and the options that name outputs."""

NEEDED = {"sweep": {"--out": "s.db"}, "optimize": {"--out": "s.db"}}
FOLDERS = ("--png", "--svg")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one of every input."""
    monkeypatch.chdir(tmp_path)
    Path("n.toml").write_text(NET)
    Path("c.toml").write_text(CHIP.read_text())
    Path("t.toml").write_text(TECHNOLOGY.read_text())
    Path("m.toml").write_text("op = []\n")
    Path("t.csv").write_text("Layer, M, N, K,\nfc, 5, 6, 7,\n")
    Path("s.cfg").write_text("[architecture_presets]\nArrayHeight: 4\nArrayWidth: 4\nDataflow: ws\n")
    pictures = np.arange(8 * 16, dtype=np.uint8).reshape(8, 4, 4)
    labels = np.arange(8) % 2
    np.savez("d.npz", train_images=pictures, train_labels=labels, test_images=pictures, test_labels=labels)
    assert main(["simulate", "--net", "n.toml", "--rule", "lls", "--no-numerics", "--quiet", "--json", "run.json"]) == 0
    return tmp_path


def line(command: str, outputs: dict[str, str]) -> list[str]:
    needs, inputs, _ = COMMANDS[command]
    given = {**inputs, **NEEDED.get(command, {}), **outputs}
    return [command, *needs, *(part for option, path in given.items() for part in (option, path) if part), "--quiet"]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(here: Path, capsys: pytest.CaptureFixture[str], command: str, outputs: dict[str, str]) -> str:
    """The refusal of a call that must change nothing."""
    before = contents(here)
    arguments = line(command, outputs)
    assert main(arguments if command != "list" else [one for one in arguments if one != "--quiet"]) == 2, arguments
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1), err
    assert contents(here) == before
    return err


def test_every_option_that_names_a_file__is_tried_here() -> None:
    for name, command in typer.main.get_command(app).commands.items():
        found = {
            max(one.opts, key=len) if "-o" not in one.opts else "-o"
            for one in command.params
            if one.metavar and ("FILE" in one.metavar or "DIR" in one.metavar) and one.param_type_name == "option"
        }
        _, inputs, outputs = COMMANDS[name]
        assert found <= {*inputs, *outputs}, f"{name}: {found - {*inputs, *outputs}} is tried by no test"


SPELLINGS = {
    "plain": lambda path: path,
    "dots": lambda path: f"../{Path.cwd().name}/./{path}",
    "link": lambda path: str(link(path, Path.symlink_to)),
    "hard link": lambda path: str(link(path, Path.hardlink_to)),
    "absolute": lambda path: str(Path(path).resolve()),
}


def link(path: str, make) -> Path:
    made = Path(f"to-{path}")
    made.unlink(missing_ok=True)
    make(made, Path(path).resolve())
    return made


@pytest.mark.parametrize("command", COMMANDS)
def test_an_output_over_an_input__is_refused_and_nothing_changes(
    command: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, inputs, outputs = COMMANDS[command]
    spellings = list(SPELLINGS.values())
    for number, (output, (option, path)) in enumerate((o, i) for o in outputs for i in inputs.items()):
        if output in FOLDERS:
            continue
        spelling = spellings[number % len(spellings)]
        error = refused(here, capsys, command, {output: spelling(path.removeprefix("npz:"))})
        if output not in ("--out", "--checkpoint"):  # those look into the file first: it is no database, no checkpoint
            assert f"another option names the same file ({option.removesuffix('y') or 'FILE'}" in error


@pytest.mark.parametrize("name", SPELLINGS)
def test_every_spelling_of_an_input__is_known(name: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "(--net)" in refused(here, capsys, "simulate", {"--json": SPELLINGS[name]("n.toml")})


@pytest.mark.parametrize("command", COMMANDS)
def test_two_outputs_of_one_name__are_refused(command: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for one, other in combinations(COMMANDS[command][2], 2):
        if {one, other} <= set(FOLDERS):
            continue
        error = refused(here, capsys, command, {one: "x", other: f"../{here.name}/x"})
        assert "another option names the same file" in error or "it is a file" in error, (one, other)


def test_files_beside_an_output__are_taken_as_well(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("link.db").symlink_to("real.db")
    for ending in (".lock", "-wal", "-shm", "-journal", ".checkpoints"):
        assert "(--out)" in refused(here, capsys, "sweep", {"--csv": f"s.db{ending}"})
        assert "(--out)" in refused(here, capsys, "sweep", {"--out": "link.db", "--csv": f"real.db{ending}"})
    before = contents(here)
    assert main([*line("train", {"--checkpoint": "k", "--json": "k.float"}), "--float"]) == 2
    assert "--checkpoint = 'k.float': another option names the same file (--json)" in capsys.readouterr().err
    assert contents(here) == before
    for kind in ("png", "svg"):
        Path("figures").mkdir(exist_ok=True)
        figure = next(name for name in figures(here, kind) if name)
        assert f"--{kind}" in refused(here, capsys, "report", {"-o": f"figures/{figure}", f"--{kind}": "figures"})


def figures(here: Path, kind: str) -> list[str]:
    assert main(line("report", {f"--{kind}": "shown"})) == 0
    found = sorted(path.name for path in (here / "shown").iterdir())
    for path in (here / "shown").iterdir():
        path.unlink()
    return found


def test_files_that_inputs_name__are_inputs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("c.toml").write_text(CHIP.read_text().replace('technology = "cmos_45nm"', 'technology = "t.toml"'))
    Path("mine.py").write_text("import lls_hw, pathlib\nNET = lls_hw.NetworkSpec.from_toml(pathlib.Path('n.toml'))\n")
    before = contents(here)
    common = ["simulate", "--rule", "lls", "--chip", "c.toml", "--no-numerics", "--quiet"]
    for net, target in (("n.toml", "t.toml"), ("mine:NET", "mine.py")):
        assert main([*common, "--net", net, "--json", target]) == 2
        assert "another option names the same file" in capsys.readouterr().err
        assert {name: data for name, data in contents(here).items() if "pycache" not in name} == before


def test_pictures_of_a_data_set__are_inputs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    for split in ("train", "test"):
        for name in ("a", "b"):
            Path("d", split, name).mkdir(parents=True)
            for number in range(4):
                Image.new("L", (4, 4), 60 * number).save(f"d/{split}/{name}/{number}.png")
    for target in ("d/train/a/0.png", "d/test/b/3.png"):
        assert "(--data)" in refused(here, capsys, "train", {"--data": "folder:d", "--json": target})
    assert main(line("train", {"--data": "folder:d", "--json": "d/new.json"})) == 0
    assert main(line("train", {"--data": "folder:d", "--json": "d/new.json"})) == 0, "its own result may be replaced"


def test_what_is_no_file__is_written_to_and_stays(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert main(line("cycles", {"--json": "pipe"})) == 0
    assert os.read(reader, 1 << 16).startswith(b"[\n")
    os.close(reader)
    assert Path("pipe").is_fifo()
    assert main(line("cycles", {"--json": "/dev/null", "--draw": "/dev/null"})) == 0
    assert Path("/dev/null").is_char_device()
    capsys.readouterr()
    assert main(line("cycles", {"--draw": "-"})) == 0
    assert capsys.readouterr().out.startswith("<svg")
    assert "it is no ordinary file" in refused(here, capsys, "sweep", {"--out": "/dev/null"})
    assert "another option names" in refused(here, capsys, "cycles", {"--json": "-", "--draw": "/dev/stdout"})


def test_a_full_device__is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "nets", "--json", "/dev/full"]) == 2
    assert capsys.readouterr().err.startswith("lls-hw: --json = '/dev/full': it cannot be written (No space left")
    assert Path("/dev/full").is_char_device()
