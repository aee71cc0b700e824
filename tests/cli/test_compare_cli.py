"""`lls-hw compare`: ratios, overheads, batches, accumulated gradients, the roofline, and wrong input."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from lls_hw.cli import main
from lls_hw.config import resolve_run
from lls_hw.costs.compare import Comparison, compare_runs
from lls_hw.models.rules.registry import rules
from lls_hw.options.run import RunChoices
from lls_hw.report.export import drawn
from lls_hw.report.roofline import rules_roofline

SMALL = ["compare", "--net", "smallconv", "--batch", "2"]


def compared(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main([*SMALL, *arguments, "--json", "-", "--quiet"]) == 0
    return json.loads(capsys.readouterr().out)


def test_every_rule__has_costs_and_an_overhead_over_inference(capsys: pytest.CaptureFixture[str]) -> None:
    data = compared(capsys, "--rules", ",".join(rules()))
    assert data["against"] == "bp"
    by_rule = {entry["rule"]: entry for entry in data["rules"]}
    assert set(by_rule) == set(rules())
    assert by_rule["inference"]["overhead"] == dict.fromkeys(("cycles", "energy", "dram_bytes", "macs"), 1.0)
    for rule, entry in by_rule.items():
        totals = entry["totals"]
        assert sum(totals["training_memory"].values()) == totals["training_memory_bytes"]
        assert sum(totals["stall_cycles"].values()) <= totals["cycles"]
        for key in ("cycles", "energy", "macs"):
            assert entry["overhead"][key] > 1 or rule == "inference"
    stored = {rule for rule in rules() if by_rule[rule]["totals"]["training_memory"]["projection_feedback"]}
    assert stored == {"lls_random", "lls_m_random", "lls_mxm_random", "dfa", "drtp"}
    modulated = {rule for rule in rules() if by_rule[rule]["totals"]["training_memory"]["modulation"]}
    assert modulated == {rule for rule in rules() if "_m" in rule}


def test_overhead__needs_inference_among_the_rules(capsys: pytest.CaptureFixture[str]) -> None:
    data = compared(capsys, "--rules", "bp,lls")
    assert [entry["overhead"] for entry in data["rules"]] == [None, None]


def test_batches__are_compared_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    data = compared(capsys, "--rules", "bp,lls", "--batches", "1,4")
    assert [one["batch"] for one in data["batches"]] == [1, 4]
    alone = compared(capsys, "--rules", "bp,lls", "--batch", "4")
    assert {**alone, "batch": 4} == data["batches"][1]


def test_accumulate__updates_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Four batches' products, one update; less work than four steps, more memory than one."""
    one = compared(capsys, "--rules", "inference,bp,lls")["rules"]
    four = compared(capsys, "--rules", "inference,bp,lls", "--accumulate", "4")["rules"]
    for step, steps in zip(one, four, strict=True):
        own, more = step["totals"], steps["totals"]
        assert more["macs"]["training_step"] == 4 * own["macs"]["training_step"]
        if step["rule"] == "inference":
            assert more["cycles"] == 4 * own["cycles"]
        else:
            assert own["cycles"] < more["cycles"]
            assert more["training_memory"]["gradients"] > own["training_memory"]["gradients"]
            assert more["dram_bytes"]["write"] > own["dram_bytes"]["write"]
        assert more["energy_uj"]["total"] > own["energy_uj"]["total"]


@pytest.fixture
def three_rules() -> Comparison:
    typed = RunChoices(net="smallconv", rule="lls", batch=2, baseline="none", numerics=False, fusion="op")
    return compare_runs([resolve_run(replace(typed, rule=rule))[0] for rule in ("inference", "bp", "lls")])


def test_roofline__is_the_charts_picture(tmp_path: Path, three_rules: Comparison) -> None:
    path = tmp_path / "roof.svg"
    assert main([*SMALL, "--rules", "inference,bp,lls", "--schedule", "op", "--roofline", str(path), "--quiet"]) == 0
    assert ET.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert path.read_bytes() == drawn(rules_roofline(three_rules), "svg")


def test_roofline__points_lie_under_the_roof(three_rules: Comparison) -> None:
    rows = rules_roofline(three_rules).table.rows
    assert [(row[0], row[2]) for row in rows] == [
        ("inference", "forward"),
        *((rule, group) for rule in ("bp", "lls") for group in ("forward", "learning signal", "weight gradient")),
    ]
    for *names, per_byte, per_cycle in rows:
        assert per_cycle <= min(256, 8 * per_byte) * 1.01, names


def test_tables__name_every_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "--rules", "inference,bp,lls_m"]) == 0
    text = capsys.readouterr().out
    assert "energy / inference" in text.replace("\n", " ") or "inference" in text
    assert "training memory, KiB" in text
    assert "modulation" in text


BAD = [
    (["--rules", "bp,bp"], "--rules = 'bp,bp': it takes different names"),
    (["--rules", "nope"], "--rules = 'nope': the rules are"),
    (["--batches", "1,x"], "--batches = '1,x': 'x' is no whole number from 1 to 65536"),
    (["--batches", "0"], "--batches = '0': '0' is no whole number from 1 to 65536"),
    (["--accumulate", "0"], "--accumulate = '0': it takes a whole number from 1 to 1048576"),
    (["--roofline", "/no/such/folder/x.svg"], "--roofline = '/no/such/folder/x.svg': the folder"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=[" ".join(case[0]) for case in BAD])
def test_wrong_input__is_one_line_and_status_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SMALL, *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"lls-hw: {message}"), captured.err
    assert captured.err.count("\n") == 1
