"""What newcomers typed and met: misspelt names, slips of units and order, data that contradicts a description."""

import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from lls_hw.cli import main

NET = """
name = "tiny"
input = [1, 8, 8]
classes = 3
[[layers]]
kind = "conv"
name = "a"
out_channels = 4
kernel = 3
stride = 1
padding = 1
pool = 2
"""
SIMULATE = ["simulate", "--net", "smallconv", "--rule", "lls", "--no-numerics", "--batch", "1", "--baseline", "none"]
SWEEP = ["sweep", "--net", "smallconv", "--rule", "lls", "--out", "s.db"]


@pytest.fixture(autouse=True)
def in_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(NET)


def arrays(name: str, labels: list[int], side: int = 8) -> str:
    """A set with these labels."""
    pictures = np.arange(len(labels) * side * side, dtype=np.uint8).reshape(-1, side, side)
    np.savez(name, train_images=pictures, train_labels=labels, test_images=pictures, test_labels=labels)
    return f"npz:{name}.npz"


MISSPELT = [
    ([*SIMULATE, "--net", "vww_cn"], "Did you mean 'vww_cnn'?"),
    ([*SIMULATE, "--rule", "llsm"], "Did you mean 'lls_m'?"),
    ([*SIMULATE, "--chip", "edge16x16"], "Did you mean 'edge_16x16'?"),
    ([*SIMULATE, "--data", "fashion_mnist"], "Did you mean 'fashion-mnist'?"),
    ([*SIMULATE, "--dataflow", "wss"], "Did you mean 'ws'?"),
    ([*SIMULATE, "--objective", "energie"], "Did you mean 'energy'?"),
    ([*SIMULATE, "--schedule", "fuse"], "Did you mean 'fused'?"),
    ([*SIMULATE, "--technology", "cmos45nm"], "Did you mean 'cmos_45nm'?"),
    ([*SIMULATE, "--dram", "lpdr4"], "Did you mean 'lpddr4'?"),
    ([*SIMULATE, "--baseline", "bpp"], "Did you mean 'bp'?"),
    ([*SIMULATE, "--optimizer", "momentun"], "Did you mean 'momentum'?"),
    ([*SIMULATE, "--waveform", "squares"], "Did you mean 'square'?"),
    ([*SIMULATE, "--norm", "frosen"], "Did you mean 'frozen'?"),
    (["train", "--net", "smallconv", "--rule", "lls", "--schedule", "cosinus"], "Did you mean 'cosine'?"),
    (["optimize", *SWEEP[1:], "--objectives", "energi"], "Did you mean 'energy'?"),
    (["list", "net"], "Did you mean 'nets'?"),
]
SLIPS = [
    ([*SIMULATE, "--sram", "98304"], "--sram = '98304': a number without unit is of KiB, and this is 96 MiB. Write 96"),
    ([*SIMULATE, "--sram", "96GB"], "--sram = '96GB': "),
    ([*SWEEP, "--epochs", "3"], "--epochs = 3: it is of trainings, and costs alone were asked for. Add --train."),
    ([*SWEEP, "--limit", "9"], "--limit = 9: it is of trainings"),
    (["optimize", *SWEEP[1:], "--epochs", "3"], "--epochs = 3: it is of trainings"),
    ([*SWEEP[:-1], "x.csv"], "--out = 'x.csv': it is a database (SQLite)"),
]


@pytest.mark.parametrize(("arguments", "message"), [*MISSPELT, *SLIPS], ids=lambda one: str(one)[-40:])
def test_slip__is_one_line_and_status_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


CHIP = """
name = "c"
clock_mhz = 200
[array]
rows = 4
cols = 4
[scratchpad]
capacity_bytes = 65536
[dram]
bytes_per_cycle = 8
latency_cycles = 20
[vector]
lanes = 4
[local]
lanes = 4
"""
FILES = [
    ("tiny.toml", "[1, 8, 8]", "[64, 64, 3]", "tiny.toml.input = [64, 64, 3]: it is channels, height, width."),
    ("tiny.toml", "kernel", "kernal", "kernel = 'nothing': this key is required, and there is no key 'kernal'"),
    ("tiny.toml", "[[layers]]", "[[layer]]", "tiny.toml.layers = 'nothing': this key is required, and there is no key"),
    ("tiny.toml", "kernel = 3", "kernel = 0", "kernel = 0: it is at least 1. Use a larger number."),
    ("tiny.toml", '"conv"', '"convv"', "its kind is one of 'conv', "),
    ("chip.toml", "clock_mhz", "clock_ghz", "chip.toml.clock_mhz = 'nothing': this key is required, and there is"),
    ("chip.toml", "latency", "burst_bytes = 33\nlatency", "burst_bytes = 33: sizes of bursts and rows are powers"),
    ("chip.toml", "rows = 4", 'rows = "4"', "rows = '4': it takes a number"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "message"), FILES)
def test_slip_in_a_file__names_the_key(
    name: str, old: str, new: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("chip.toml").write_text(CHIP)
    assert main([*SIMULATE, "--net", "tiny.toml", "--chip", "chip.toml", "--quiet"]) == 0
    Path(name).write_text(Path(name).read_text().replace(old, new))
    assert main([*SIMULATE, "--net", "tiny.toml", "--chip", "chip.toml", "--quiet"]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "Input should" not in said
    assert said.count("\n") == 1


def test_average_that_would_enlarge__is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("tiny.toml").write_text(NET + '[[layers]]\nkind = "adaptive_avg_pool"\nsize = 64\n')
    assert main([*SIMULATE, "--net", "tiny.toml"]) == 2
    assert "size = 64: an average to 64x64 would enlarge its map of 8x8. Use at most 8" in capsys.readouterr().err


def test_file_of_another_kind__is_recognised(capsys: pytest.CaptureFixture[str]) -> None:
    Path("chip.toml").write_text(CHIP)
    assert main([*SIMULATE, "--net", "chip.toml"]) == 2
    assert "--net = 'chip.toml': this file describes a chip, not a network" in capsys.readouterr().err
    assert main([*SIMULATE, "--chip", "tiny.toml"]) == 2
    assert "--chip = 'tiny.toml': this file describes a network, not a chip" in capsys.readouterr().err


UNDERSTOOD = [("--dataflow", "OS", "os"), ("--rule", "LLS-M", "lls_m"), ("--array", "8X8", "8x8"),
              ("--net", "SmallConv", "smallconv"), ("--sram", "128KiB", "128"), ("--sram", "1MiB", "1024"),
              ("--schedule", "FUSED", "fused"), ("--baseline", "LLS-M", "lls_m")]  # fmt: skip


@pytest.mark.parametrize(("option", "typed", "plain"), UNDERSTOOD)
def test_spelling__does_not_change_the_result(option: str, typed: str, plain: str) -> None:
    assert main([*SIMULATE, option, typed, "--quiet", "--json", "typed.json"]) == 0
    assert main([*SIMULATE, option, plain, "--quiet", "--json", "plain.json"]) == 0
    assert Path("typed.json").read_bytes() == Path("plain.json").read_bytes()


def test_sweep__stores_one_point_under_two_spellings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(SWEEP) == 0
    assert main([*SWEEP, "--rule", "LLS"]) == 0
    assert "0 done now, 1 were in s.db" in capsys.readouterr().out


def test_data_against_a_users_network__is_refused_with_both_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    run = ["simulate", "--net", "tiny.toml", "--rule", "lls", "--batch", "2", "--no-costs"]
    data = arrays("four", [0, 1, 2, 3])
    assert main([*run, "--data", data]) == 2
    assert "a number of classes of 4, and network 'tiny' states 3. Use --classes 4" in capsys.readouterr().err
    assert main([*run, "--data", data, "--classes", "4"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("tiny: input 1x8x8, 4 classes (adapted: its description has input 1x8x8, 3 classes)\n")
    large = arrays("large", [0, 1, 2, 2], side=10)
    assert main([*run, "--data", large]) == 2
    assert "pictures of 1x10x10, and network 'tiny' states 1x8x8. Use --input 1x10x10" in capsys.readouterr().err
    assert main([*run, "--data", large, "--input", "1x10x10"]) == 0


def test_network_through_a_pipe__is_read_once() -> None:
    """Its second reader would wait for ever."""
    os.mkfifo("pipe.toml")
    writer = threading.Thread(target=lambda: Path("pipe.toml").write_text(NET), daemon=True)
    writer.start()
    assert main([*SIMULATE, "--net", "pipe.toml", "--quiet"]) == 0
    writer.join()


def test_shipped_network__adapts_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    run = ["simulate", "--net", "smallconv", "--rule", "lls", "--batch", "2", "--no-costs"]
    assert main([*run, "--data", arrays("large", [0, 1, 2, 2], side=20)]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first == "smallconv: input 1x20x20, 3 classes (adapted: its description has input 1x28x28, 10 classes)"


@pytest.mark.parametrize(
    ("labels", "message"),
    [([1, 2, 3, 1], "its labels are 1 to 3: class 0 has no picture"), ([0, 900], "only 2 of the 901 classes have")],
)
def test_labels_that_begin_at_one_or_have_gaps__are_refused(
    labels: list[int], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["simulate", "--net", "smallconv", "--rule", "lls", "--batch", "2", "--no-costs"]
    assert main([*run, "--data", arrays("labels", labels)]) == 2
    assert message in capsys.readouterr().err


def test_technology_of_a_run__is_the_chips() -> None:
    assert main([*SIMULATE, "--technology", "cmos_45nm_synthesised_pe", "--quiet", "--json", "run.json"]) == 0
    inputs = json.loads(Path("run.json").read_text())["inputs"]
    assert inputs["chip"]["technology"] == inputs["technology"] == "cmos_45nm_synthesised_pe"
