"""Explanations, pinned mappings and stall causes of `lls-hw simulate`, and the table of docs/costs.md."""

import json
import math
import re
from importlib import resources, util
from pathlib import Path

import pytest

from lls_hw.cli import main

ROOT = Path(__file__).resolve().parents[2]
SMALL = ["simulate", "--net", "smallconv", "--rule", "lls_m", "--batch", "2", "--no-numerics"]
PIN = '[[op]]\nlayer = "conv1"\nstage = "forward"\norder = "rio"\n'


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main([*SMALL, *arguments, "--json", "-", "--quiet"]) == 0
    return json.loads(capsys.readouterr().out)


def test_explain_energy__rows_sum_to_the_total(capsys: pytest.CaptureFixture[str]) -> None:
    data = run_json(capsys, "--explain-energy")
    rows, energy = data["explain_energy"], data["totals"]["energy_uj"]
    for part in ("array", "sram", "dram", "vector", "local", "leakage"):
        made = math.fsum(row["total_pj"] for row in rows if row["part"] == part) / 1e6
        assert made == pytest.approx(energy[part], rel=1e-9), part
    for part in ("dram_transfer", "dram_activate", "dram_background"):
        made = math.fsum(row["total_pj"] for row in rows if row["split"] == part) / 1e6
        assert made == pytest.approx(energy[part], rel=1e-9), part
        assert made > 0
    assert math.fsum(row["total_pj"] for row in rows) / 1e6 == pytest.approx(energy["total"], rel=1e-9)
    assert all(row["source"] and row["total_pj"] == row["count"] * row["unit_pj"] for row in rows)


def test_explain__shows_candidates_traffic_and_winner(capsys: pytest.CaptureFixture[str]) -> None:
    found = run_json(capsys, "--explain", "conv1", "--objective", "bytes")["explain"]
    assert [entry["op"] for entry in found] == ["op 0 conv1 forward (Gemm)", "op 6 conv1 weight_grad (Gemm)"]
    for entry in found:
        assert 0 < entry["fitting"] <= entry["candidates"]
        assert all(other["dram_bytes"] > entry["winner"]["dram_bytes"] for other in entry["runners_up"])
    assert run_json(capsys, "--explain", "0", "--objective", "bytes")["explain"] == found[:1]
    assert main([*SMALL, "--explain", "conv1", "--explain-energy"]) == 0
    text = capsys.readouterr().out
    assert "chosen: order" in text
    assert "energy of one training step of lls_m, event by event" in text


def test_second_level__from_a_chips_file_to_priced_lines(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """DRAM bytes fall, the second level's words and lines appear; without it nothing of it is said."""
    path = ROOT / "tests" / "cli" / "chips" / "two_levels.toml"
    text = path.read_text()
    level = text[text.index('[[memory]]\nname = "l2"') : text.index('[[memory]]\nname = "dram"')]
    (tmp_path / "one.toml").write_text(text.replace(level, ""))
    one, two = (
        run_json(capsys, "--chip", str(chip), "--explain-energy", "--objective", "bytes")
        for chip in (tmp_path / "one.toml", path)
    )
    assert not any("second" in key for key in one["totals"])
    assert not any("second" in row["event"] for row in one["explain_energy"])
    assert [level["name"] for level in two["inputs"]["chip"]["memory"]] == ["accumulators", "scratchpad", "l2", "dram"]
    totals, rows = two["totals"], {row["event"]: row for row in two["explain_energy"]}
    for way, event in (("read", "second-level word read"), ("write", "second-level word written")):
        assert rows[event]["count"] == rows[f"wires of a {event}"]["count"] == totals["second_words"][way] > 0
    assert rows["cycle of the second level"]["count"] == totals["cycles"]
    assert 0 < totals["second_peak_bytes"] <= 262_144
    assert totals["second_peak_bytes"] <= sum(totals["second_tensors"].values())
    assert sum(totals["dram_bytes"].values()) < sum(one["totals"]["dram_bytes"].values())
    made = math.fsum(row["total_pj"] for row in two["explain_energy"])
    assert made / 1e6 == pytest.approx(totals["energy_uj"]["total"], rel=1e-9)
    assert main([*SMALL, "--chip", str(path), "--objective", "bytes"]) == 0
    peak_kib = f"{totals['second_peak_bytes'] / 1024:.1f}".removesuffix(".0")
    assert f"second level peak {peak_kib} of 256 KiB: " in capsys.readouterr().out


def test_accumulators__are_a_level_of_the_chips_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The sums leave the scratchpad: its words fall, the accumulators' lines appear, cycles and MACs stay."""
    text = (resources.files("lls_hw.models.chips") / "edge_16x16_flat.toml").read_text()
    (tmp_path / "sums.toml").write_text(
        text.replace("[[memory]]", '[[memory]]\nname = "sums"\nkind = "accumulators"\nentries = 512\n\n[[memory]]', 1)
    )
    bare, held = (
        run_json(capsys, "--chip", chip, "--schedule", "op", "--explain-energy", "--explain", "conv2")
        for chip in ("edge_16x16_flat", str(tmp_path / "sums.toml"))
    )
    counts = [{row["event"]: row["count"] for row in data["explain_energy"]} for data in (bare, held)]
    assert "accumulator read" not in counts[0]
    assert counts[1]["accumulator read"] == counts[1]["accumulator written"] > 0
    for event in ("word read", "word written"):
        assert counts[1][event] < 0.7 * counts[0][event]
    assert held["totals"]["energy_uj"]["sram"] < 0.7 * bare["totals"]["energy_uj"]["sram"]
    assert held["totals"]["cycles"] <= 1.01 * bare["totals"]["cycles"]
    assert held["totals"]["macs"] == bare["totals"]["macs"]
    assert held["totals"]["area_mm2"] > bare["totals"]["area_mm2"]
    assert "sums in accumulators" in held["explain"][0]["winner"]["mapping"]
    assert held["inputs"]["chip"]["memory"][0]["entries"] == 512


def test_mapping__is_taken_as_pinned(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """By hand: two rows of one image a tile, half of the input's one channel whole, 16 of 32 outputs."""
    path = tmp_path / "pins.toml"
    path.write_text(f"{PIN}rows = 2\nout_channels = 16\n")
    free = run_json(capsys, "--schedule", "op")
    fixed = run_json(capsys, "--schedule", "op", "--mapping", str(path), "--explain", "0")
    winner = fixed["explain"][0]["winner"]
    assert winner["order"] == "rio"
    assert winner["tiles"] == 2 * 14 * 2
    assert winner["mapping"].startswith("order rio, 2 rows x 1 in x 16 out, 56 tiles")
    assert fixed["inputs"]["chip"]["mapping"][0]["rows"] == 2
    assert fixed["totals"]["macs"] == free["totals"]["macs"]
    moved = [sum(stage["dram_bytes"].values()) for data in (free, fixed) for stage in data["stages"][:1]]
    assert moved[1] > moved[0]


BAD_PINS = [
    ("rows = 28\n", "mapping of conv1 forward.rows = 28: the output map has 28 rows. Write less than 28, or images"),
    ("", "mapping of conv1 forward.rows = None: a tile has some output rows of one image, or some whole images."),
    ("rows = 1\nout_channels = 33\n", "mapping of conv1 forward.out_channels = 33: the loop has 32 channels."),
    ("images = 3\n", "mapping of conv1 forward.images = 3: the batch has 2 images. Write at most 2."),
    ("rows = 1\nrow = 1\n", "pins.toml.op.0.row = 1: no such key."),
]  # fmt: skip


@pytest.mark.parametrize(("sizes", "message"), BAD_PINS)
def test_wrong_mapping__is_named(sizes: str, message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "pins.toml"
    path.write_text(PIN + sizes)
    assert main([*SMALL, "--mapping", str(path)]) == 2
    assert capsys.readouterr().err.startswith(f"lls-hw: {message}")


def test_mapping_that_does_not_fit__is_refused_with_sizes_that_would(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "pins.toml"
    path.write_text(f"{PIN}images = 2\n")
    assert main([*SMALL, "--mapping", str(path), "--sram", "64"]) == 2
    error = capsys.readouterr().err
    found = re.search(r"and 65536 are there\. These sizes fit: (\d+) (rows|images) x (\d+) in x (\d+) out\.", error)
    assert found, error
    path.write_text(f"{PIN}{found[2]} = {found[1]}\nin_channels = {found[3]}\nout_channels = {found[4]}\n")
    assert main([*SMALL, "--mapping", str(path), "--sram", "64", "--quiet"]) == 0


def test_mapping_of_nothing__names_the_products(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "pins.toml"
    path.write_text(PIN.replace("conv1", "conv9") + "rows = 1\n")
    assert main([*SMALL, "--mapping", str(path)]) == 2
    assert "there is no such product; there are conv1, conv2" in capsys.readouterr().err
    path.write_text((PIN + "rows = 1\n") * 2)
    assert main([*SMALL, "--mapping", str(path)]) == 2
    assert "it is pinned twice" in capsys.readouterr().err


BAD = [
    (["--explain", "nope"], "--explain = 'nope': it is no op from 0 to"),
    (["--explain", "1"], "--explain = 1: op 1 (BatchNorm) streams, it has no mapping"),
    (["--mapping", "/no/such.toml"], "file = '/no/such.toml': it does not exist"),
    (["--objective", "power"], "--objective = 'power': mappings are chosen for energy, cycles, edp, bytes. Choose"),
    (["--sram", "1"], "chip.scratchpad.capacity_bytes = 1024:"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=[" ".join(case[0]) for case in BAD])
def test_wrong_input__is_one_line_and_status_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SMALL, *arguments, "--quiet"]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"lls-hw: {message}"), captured.err
    assert captured.err.count("\n") == 1


def test_technology_without_sources__is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = (resources.files("lls_hw.models") / "technology" / "cmos_45nm.toml").read_text()
    path = tmp_path / "bare.toml"
    path.write_text(re.sub(r",? *source = \"[^\"]*\"", "", text))
    assert main([*SMALL, "--technology", str(path)]) == 2
    error = capsys.readouterr().err
    assert re.match(r"lls-hw: bare\.toml\.[\w.]+\.source = 'nothing': this key is required\. Add it\.\n", error), error


def test_few_banks__slow_the_run_and_are_named_as_the_cause(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = (resources.files("lls_hw.models") / "chips" / "edge_16x16_flat.toml").read_text()
    path = tmp_path / "narrow.toml"
    path.write_text(text.replace("banks = 16", "banks = 2"))
    wide, narrow = (run_json(capsys, "--schedule", "op", "--chip", chip) for chip in ("edge_16x16_flat", str(path)))
    assert narrow["totals"]["cycles"] > wide["totals"]["cycles"]
    assert narrow["totals"]["stall_cycles"]["bank_conflict"] > narrow["totals"]["cycles"] // 4
    assert wide["totals"]["stall_cycles"]["bank_conflict"] < wide["totals"]["cycles"] // 1000
    for stage in narrow["stages"]:
        assert sum(stage["stall_causes"].values()) == stage["stall_cycles"] <= stage["cycles"]


def test_docs_table__is_what_the_script_makes() -> None:
    spec = util.spec_from_file_location("costs_tables", ROOT / "scripts" / "costs_tables.py")
    assert spec is not None
    assert spec.loader is not None
    script = util.module_from_spec(spec)
    spec.loader.exec_module(script)
    made = script.rows("smallconv", None, 1)
    text = (ROOT / "docs" / "costs.md").read_text(encoding="utf-8")
    assert "\n".join(made) in text, "run scripts/costs_tables.py --write"


def test_objective__is_told_and_explained(capsys: pytest.CaptureFixture[str]) -> None:
    fewest = run_json(capsys, "--objective", "bytes", "--explain", "conv1")
    least = run_json(capsys, "--objective", "energy", "--explain", "conv1")
    assert least["inputs"]["objective"] == "energy"
    assert least["totals"]["energy_uj"]["total"] < fewest["totals"]["energy_uj"]["total"]
    for found in least["explain"]:
        figures = [found[which]["figure"] for which in ("winner", "fewest_bytes")]
        assert found["objective"] == "energy"
        assert figures[0] <= figures[1]
    assert main([*SMALL, "--objective", "energy", "--explain", "conv1"]) == 0
    shown = capsys.readouterr().out
    assert "chosen for energy" in shown
    assert re.search(r"chosen: order .*, alone [\d,]+ pJ", shown)


def test_static_energy__is_power_times_time(capsys: pytest.CaptureFixture[str]) -> None:
    """Background power and leakage are static; what the events cost is the rest, to the last digits of a sum."""
    one = run_json(capsys, "--schedule", "op")["totals"]
    energy, static = one["energy_uj"], one["static_energy_uj"]
    assert static == pytest.approx(energy["dram_background"] + energy["leakage"], rel=1e-12)
    assert energy["dram"] == pytest.approx(
        energy["dram_transfer"] + energy["dram_activate"] + energy["dram_background"], rel=1e-12
    )
    dynamic = sum(energy[part] for part in ("array", "sram", "dram_transfer", "dram_activate", "vector", "local"))
    assert energy["total"] == pytest.approx(static + dynamic, rel=1e-12)
    assert 0 < static < energy["total"]


def test_headline__says_what_the_totals_say(capsys: pytest.CaptureFixture[str]) -> None:
    data = run_json(capsys, "--baseline", "bp")
    assert main([*SMALL, "--baseline", "bp"]) == 0
    line = " ".join(capsys.readouterr().out.split()).partition("Beside ")[2]
    times = {
        name: f"{data['baseline']['ratio'][name]:.2f} times"
        for name in ("energy", "cycles", "training_memory", "scheduled_memory")
    }
    assert line.startswith(f"lls_m, bp takes {times['energy']} the energy, {times['cycles']} the cycles, ")
    assert f"{times['training_memory']} the training memory" in line
    assert f"{times['scheduled_memory']} the memory as scheduled" in line
    totals = data["totals"]
    busy = {unit: totals["busy_cycles"].get(unit, 0) for unit in ("dram", "array", "vector", "local")}
    share = max(busy.values()) / totals["cycles"]
    assert f"({share:.0%} of the cycles) under lls_m" in line
