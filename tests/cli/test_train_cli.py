"""`lls-hw train`: its contract, its errors, and what a signal leaves behind."""

import json
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lls_hw.cli import main
from tests.children import python
from tests.unit.training.helpers import SMALL_TOML


@pytest.fixture
def net(tmp_path: Path) -> str:
    path = tmp_path / "small.toml"
    path.write_text(SMALL_TOML)
    return str(path)


def arguments(net: str, *more: str) -> list[str]:
    return [
        "train", "--net", net, "--rule", "lls_m", "--data", "synthetic:96", "--batch", "16",
        "--test-limit", "20", "--no-costs", *more,
    ]  # fmt: skip


def test_train_cli__json_holds_the_contract(net: str, tmp_path: Path, capsys) -> None:
    target = tmp_path / "out.json"
    assert main(arguments(net, "--epochs", "2", "--float", "--json", str(target))) == 0
    assert "test %" in capsys.readouterr().out
    data = json.loads(target.read_text())
    assert data["schema"] == "lls-hw/train/1"
    assert [row["epoch"] for row in data["curve"]] == [1, 2]
    assert {"epoch", "loss", "test_accuracy"} <= data["curve"][0].keys()
    assert [row["epoch"] for row in data["float_curve"]] == [1, 2]
    assert data["images_per_s"] > 0
    assert data["energy_uj_per_image"] is None
    assert data["inputs"]["training"]["schedule"] == "cosine"
    assert data["inputs"]["network"]["name"] == "small"


def test_train_cli__energy_and_cycles_are_of_one_image(net: str, capsys) -> None:
    line = [part for part in arguments(net, "--quiet", "--json", "-") if part != "--no-costs"]
    assert main(line) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["energy_uj_per_image"] > 0
    assert data["cycles_per_image"] > 0
    assert "float_curve" not in data


def test_train_cli__standard_output_is_json_alone(net: str, capsys) -> None:
    assert main(arguments(net, "--json", "-")) == 0
    out = capsys.readouterr()
    assert json.loads(out.out)["curve"]
    assert "test %" in out.err


def test_train_cli__quiet_says_nothing(net: str, capsys) -> None:
    assert main(arguments(net, "--quiet")) == 0
    assert capsys.readouterr() == ("", "")


def test_train_cli__float_alone_where_integers_have_no_form(net: str, capsys) -> None:
    line = [*arguments(net, "--json", "-", "--quiet"), "--optimizer", "schedulefree_sgd", "--schedule", "constant"]
    assert main(line) == 2
    assert "--float" in capsys.readouterr().err
    assert main([*line, "--float"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["curve"] == []
    assert len(data["float_curve"]) == 1


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (("--epochs", "0"), "--epochs"),
        (("--schedule", "linear"), "--schedule"),
        (("--limit", "8"), "--batch"),
        (("--optimizer", "schedulefree_sgd"), "--optimizer"),
        (("--checkpoint", "/nowhere/run.ckpt"), "--checkpoint"),
        (("--json", "/nowhere/out.json"), "--json"),
    ],
)
def test_train_cli__wrong_input_is_one_line_and_status_2(net: str, tmp_path: Path, capsys, more, named) -> None:
    before = sorted(tmp_path.iterdir())
    assert main(arguments(net, *more)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"lls-hw: {named} = ")
    assert err.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_train_cli__pictures_are_checked_and_counted_before_the_first_epoch(tmp_path: Path, net: str, capsys) -> None:
    data = tmp_path / "d"
    for place in ("train/a", "train/b", "test/a", "test/b"):
        (data / place).mkdir(parents=True)
        for number in range(8):
            Image.new("L", (8, 8), 25 * number).save(data / place / f"{number}.png")
    line = ["train", "--net", net, "--rule", "lls_m", "--data", f"folder:{data}", "--batch", "8", "--no-costs"]
    line += ["--classes", "2"]
    assert main(line) == 0
    said = capsys.readouterr().err
    assert "16 training pictures, by class 0: 8, 1: 8\n16 test pictures, by class 0: 8, 1: 8\n" in said
    target = data / "test" / "b" / "7.png"
    target.write_bytes(target.read_bytes()[:40])
    assert main([*line, "--checkpoint", str(tmp_path / "k")]) == 2
    assert "7.png': it is not a picture that can be decoded" in capsys.readouterr().err
    assert not (tmp_path / "k").exists(), "not a step was trained"


def test_train_cli__a_set_without_test_pictures_has_no_accuracy(tmp_path: Path, net: str, capsys) -> None:
    pictures, labels = np.zeros((16, 8, 8), np.uint8), np.arange(16) % 2
    path, fitted = tmp_path / "d.npz", ["--input", "1x8x8", "--classes", "2"]
    np.savez(path, train_images=pictures, train_labels=labels, test_images=pictures[:0], test_labels=labels[:0])
    assert main(["train", "--net", net, "--rule", "lls_m", "--data", f"npz:{path}", "--no-costs", *fitted]) == 2
    assert f"--data = 'npz:{path}': it has no test picture" in capsys.readouterr().err


def test_train_cli__foreign_checkpoint_is_refused(net: str, tmp_path: Path, capsys) -> None:
    checkpoint = str(tmp_path / "run.ckpt")
    assert main(arguments(net, "--quiet", "--checkpoint", checkpoint)) == 0
    assert main(arguments(net, "--quiet", "--checkpoint", checkpoint, "--seed", "3")) == 2
    assert "another network" in capsys.readouterr().err


SIGNALLED = """
import os, sys
from lls_hw.cli import run
number, checkpoint, seen = int(sys.argv.pop(1)), sys.argv.pop(1), []
def signal_itself(event, given):
    if event == "os.rename" and str(given[1]) == checkpoint and not seen:
        seen.append(event)
        os.kill(os.getpid(), number)
sys.addaudithook(signal_itself)
run()
"""
"""`lls-hw`, and a signal that comes as the first checkpoint takes its name."""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_train_cli__a_signal_saves_everything_and_the_same_command_goes_on(
    net: str, tmp_path: Path, number: int, status: int
) -> None:
    checkpoint, target = tmp_path / "run.ckpt", tmp_path / "out.json"
    line = arguments(net, "--epochs", "3", "--checkpoint", str(checkpoint), "--checkpoint-every", "1")
    command = ["-c", SIGNALLED, str(int(number)), str(checkpoint), *line, "--json", str(target), "--quiet"]
    python(*command, status=status)
    stopped = json.loads(target.read_text())
    assert stopped["stopped"]
    assert main([*line, "--json", str(target), "--quiet"]) == 0
    resumed = json.loads(target.read_text())
    assert main([*line[:-4], "--json", str(target), "--quiet"]) == 0
    assert resumed["curve"] == json.loads(target.read_text())["curve"]
    assert resumed["curve"][: len(stopped["curve"])] == stopped["curve"]
