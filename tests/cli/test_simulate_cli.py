"""`lls-hw simulate` as its users call it: the contract, and every way of being wrong."""

import json
from pathlib import Path

import pytest

from lls_hw.cli import main

SAMPLE = Path(__file__).resolve().parents[3] / "shared" / "data" / "vww_sample"
SMALL = ["simulate", "--net", "smallconv", "--rule", "lls_m", "--batch", "2"]
TOTALS = {
    "cycles", "time_ms", "macs", "energy_uj", "dram_bytes", "sram_peak_bytes", "training_memory_bytes", "area_mm2",
    "average_power_mw", "edp_uj_ms", "energy_uj_low_high",
}  # fmt: skip
DRAM = {"dram_transfer", "dram_activate", "dram_background"}
ENERGY = {"total", "array", "sram", "dram", *DRAM, "vector", "local", "leakage"}


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main([*arguments, "--json", "-", "--quiet"]) == 0
    return json.loads(capsys.readouterr().out)


def test_json__keeps_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    data = run_json(capsys, *SMALL)
    assert data["schema"] == "lls-hw/run/1"
    assert data["version"]
    assert set(data["totals"]) >= TOTALS
    assert set(data["totals"]["macs"]) == {"training_step", "learning_signal", "inference"}
    assert set(data["totals"]["energy_uj"]) == ENERGY
    for stage in data["stages"]:
        assert set(stage) >= {
            "layer",
            "stage",
            "cycles",
            "stall_cycles",
            "utilization",
            "macs",
            "energy_uj",
            "dram_bytes",
        }
        assert set(stage["energy_uj"]) == ENERGY
        assert set(stage["dram_bytes"]) == {"read", "write"}
        assert 0 <= stage["utilization"] <= 1
        assert 0 <= stage["stall_cycles"] <= stage["cycles"] or stage["stall_cycles"] == 0
    assert set(data["numerics"]) >= {"loss", "saturated", "lost_update_fraction", "against_float"}
    assert set(data["numerics"]["against_float"][0]) == {"tensor", "sqnr_db", "cosine"}
    assert data["baseline"]["rule"] == "bp"
    ratios = data["baseline"]["ratio"]
    assert set(ratios) >= {"cycles", "energy", "sram_peak", "training_memory", "learning_signal_macs"}
    assert ratios["cycles"] == pytest.approx(data["baseline"]["totals"]["cycles"] / data["totals"]["cycles"])
    assert data["inputs"]["chip"]["array"]["rows"] == 16
    assert data["inputs"]["precision"]["weight_bits"] == 8


def test_inference__runs_forward_in_integers_and_has_no_loss(capsys: pytest.CaptureFixture[str]) -> None:
    numerics = run_json(capsys, *SMALL, "--rule", "inference")["numerics"]
    assert numerics["loss"] is None
    assert {row["tensor"].rpartition("/")[2] for row in numerics["against_float"]} == {"y", "h", "logits"}
    assert min(row["cosine"] for row in numerics["against_float"]) > 0.99
    assert main([*SMALL, "--rule", "inference"]) == 0
    assert "nothing is learnt, so there is no loss" in capsys.readouterr().out


def test_json_on_standard_output__stands_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "--no-numerics", "--json", "-"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["numerics"] is None
    assert "totals of one training step" in captured.err


def test_same_seed__gives_the_same_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    texts = []
    for _ in range(2):
        assert main([*SMALL, "--steps", "2", "--json", "-", "--quiet"]) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]


def test_another_seed__gives_other_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    first = run_json(capsys, *SMALL, "--no-costs")
    second = run_json(capsys, *SMALL, "--no-costs", "--seed", "1")
    assert first["numerics"]["loss"] != second["numerics"]["loss"]
    assert first["totals"] is None


def test_options__reach_the_chip_and_the_words(capsys: pytest.CaptureFixture[str]) -> None:
    data = run_json(
        capsys, *SMALL, "--no-numerics", "--array", "8x4", "--dataflow", "os", "--sram", "64", "--bits", "w4,a8,e8",
        "--baseline", "none", "--input", "1x20x20", "--classes", "7", "--temperature", "1", "--lr", "0.1",
        "--optimizer", "sgd",
    )  # fmt: skip
    inputs = data["inputs"]
    assert (inputs["chip"]["array"]["rows"], inputs["chip"]["array"]["cols"]) == (8, 4)
    assert inputs["chip"]["array"]["dataflow"] == "os"
    assert [level["kind"] for level in inputs["chip"]["memory"]] == ["accumulators", "sram", "dram"]
    assert inputs["chip"]["memory"][1]["capacity_bytes"] == 64 * 1024
    assert inputs["precision"]["weight_bits"] == 4
    assert (inputs["network"]["input"], inputs["network"]["classes"]) == ([1, 20, 20], 7)
    assert inputs["rule"]["temperature"] == 1
    assert inputs["optimizer"] == {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9}
    assert data["baseline"] is None


def test_photographs__run_and_keep_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    if not SAMPLE.is_dir():
        pytest.skip(f"the photographs are not at {SAMPLE}")
    data = run_json(
        capsys, "simulate", "--net", "vww_cnn", "--rule", "lls_m", "--data", f"vww:{SAMPLE}", "--input", "3x48x48"
    )
    assert data["inputs"]["network"]["classes"] == 2
    assert data["numerics"]["accumulator_overflows"] == 0
    assert len(data["numerics"]["against_float"]) > 50


def test_trace__is_a_timeline(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    assert main([*SMALL, "--no-numerics", "--quiet", "--trace", str(path)]) == 0
    events = json.loads(path.read_text())["traceEvents"]
    assert {event["ph"] for event in events} >= {"X", "M", "C"}


BAD = [
    (["--net", "nope"], "--net = 'nope': the shipped ones are"),
    (["--rule", "nope"], "--rule = 'nope': the rules are"),
    (["--bits", "1"], "--bits = '1': weight_bits must be 2 to 16, not 1"),
    (["--bits", "w8,w8"], "--bits = 'w8,w8': role 'w' is given twice"),
    (["--bits", "x"], "--bits = 'x': 'x' is not a role and a width"),
    (["--chip", "nope"], "--chip = 'nope': the shipped ones are"),
    (["--array", "16"], "--array = '16': it is not rows x columns"),
    (["--array", "0x4"], "--array = '0x4': rows, columns are whole numbers from 1 to 1024."),
    (["--dataflow", "xs"], "--dataflow = 'xs': the dataflows are ws, os, is"),
    (["--batch", "0"], "--batch = '0': it takes a whole number from 1 to 65536."),
    (["--data", "nope"], "--data = 'nope':"),
    (["--data", "vww:/does/not/exist"], "--data = 'vww:/does/not/exist':"),
    (["--input", "3x4"], "--input = '3x4': it is not channels x height x width"),
    (["--temperature", "0"], "--temperature = '0': it takes a number from 0.001 to 64."),
    (["--baseline", "nope"], "--baseline = 'nope':"),
    (["--optimizer", "nope"], "run.optimizer.name = 'nope':"),
    (["--technology", "nope"], "--technology = 'nope':"),
    (["--waveform", "saw"], "rule.waveform = 'saw':"),
    (["--no-costs", "--no-numerics"], "--no-costs = True:"),
    (["--batch", "1", "--net", "smallconv"], "--batch = 1: the BatchNorm of layer 'linear4' would see a single value"),
    (["--sram", "1"], "chip.scratchpad.capacity_bytes = 1024:"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=[" ".join(case[0]) for case in BAD])
def test_wrong_input__is_one_line_and_status_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    target = tmp_path / "run.json"
    assert main([*SMALL, *arguments, "--json", str(target)]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"lls-hw: {message}"), captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert not target.exists()


def test_missing_output_folder__is_refused_before_any_work(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    target = tmp_path / "no" / "run.json"
    for option in ("--json", "--trace"):
        assert main([*SMALL, option, str(target)]) == 2
        assert capsys.readouterr().err.startswith(f"lls-hw: {option} = '{target}': the folder")


def test_unknown_key_in_a_chip__is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from importlib import resources

    text = (resources.files("lls_hw.models") / "chips" / "edge_16x16_flat.toml").read_text()
    chip = tmp_path / "mine.toml"
    chip.write_text(text.replace("lanes = 16\n\n[local]", "lanes = 16\nlens = 3\n\n[local]"))
    assert main([*SMALL, "--chip", str(chip)]) == 2
    assert (
        capsys.readouterr().err
        == "lls-hw: mine.toml.vector.lens = 3: no such key. Remove it or correct its spelling.\n"
    )
    chip.write_text(text + "\nlanes = 3\nlanes = 4\n")
    assert main([*SMALL, "--chip", str(chip)]) == 2
    assert "it is not valid TOML" in capsys.readouterr().err


def test_corrupt_photograph__is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    boxes = [{"id": i, "image_id": i, "category_id": 1, "bbox": [0, 0, 9, 9], "iscrowd": 0} for i in range(40)]
    images = [{"id": i, "file_name": f"{i}.jpg", "width": 9, "height": 9} for i in range(40)]
    data = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "person"}]}
    (tmp_path / "instances.json").write_text(json.dumps(data))
    for image in images:
        (tmp_path / image["file_name"]).write_bytes(b"not a picture")
    assert main(["simulate", "--net", "vww_cnn", "--rule", "lls", "--data", f"vww:{tmp_path}", "--batch", "2"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("lls-hw: --data = ")
    assert ".jpg" in error


def test_lists__name_what_is_shipped(capsys: pytest.CaptureFixture[str]) -> None:
    for shelf, member in (
        ("nets", "vww_cnn"),
        ("rules", "lls_m"),
        ("chips", "edge_16x16"),
        ("technologies", "cmos_45nm"),
    ):
        assert main(["list", shelf]) == 0
        assert member in capsys.readouterr().out.split()
    assert main(["list", "shelves"]) == 2
