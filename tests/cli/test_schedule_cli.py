"""`--schedule` and `--explain-schedule` as a user meets them."""

import json
from pathlib import Path

import pytest

from lls_hw.cli import main

SMALL = ["simulate", "--net", "smallconv", "--rule", "lls_m", "--batch", "2", "--no-numerics", "--baseline", "none"]


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main([*SMALL, *arguments, "--json", "-", "--quiet"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("objective", ["bytes", "cycles", "energy", "edp"])
def test_best__is_never_worse_than_op_by_op(capsys: pytest.CaptureFixture[str], objective: str) -> None:
    op, best = (run_json(capsys, "--objective", objective, "--schedule", name) for name in ("op", "best"))

    def figure(run: dict) -> float:
        totals = run["totals"]
        moved, energy = sum(totals["dram_bytes"].values()), totals["energy_uj"]["total"]
        return {"bytes": moved, "cycles": totals["cycles"], "energy": energy, "edp": totals["edp_uj_ms"]}[objective]

    assert figure(best) <= figure(op)
    assert op["schedule"]["groups"] == []
    assert best["totals"]["macs"] == op["totals"]["macs"]
    moved = sum(best["totals"]["dram_bytes"].values())
    assert best["schedule"]["above_compulsory"] == pytest.approx(moved / best["schedule"]["compulsory_dram_bytes"])
    assert moved >= best["schedule"]["compulsory_dram_bytes"]


def test_groups__name_every_op_that_learns(capsys: pytest.CaptureFixture[str]) -> None:
    groups = run_json(capsys, "--schedule", "best")["schedule"]["groups"]
    runs = [name for group in groups for name in group["runs"]]
    assert "conv1 forward Gemm" in runs
    assert any(group["again"] for group in groups)
    assert any(group["inside_bytes"] > 0 for group in groups)


def test_explain_schedule__prints_the_groups(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "--schedule", "best", "--explain-schedule"]) == 0
    out = capsys.readouterr().out
    assert "conv1 forward Gemm + conv1 forward BatchNorm" in out
    assert "inside: " in out


def test_unknown_schedule__is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "--schedule", "fussed"]) == 2
    assert (
        "--schedule = 'fussed': schedules are op, fused, best. Did you mean 'fused'? Choose one of them."
        in " ".join(capsys.readouterr().err.split())
    )


def test_pinned_op__runs_by_itself_as_pinned(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The best schedule leaves an op alone whose mapping is the user's; the others share their tiles as ever."""
    path = tmp_path / "pins.toml"
    path.write_text('[[op]]\nlayer = "conv2"\nstage = "weight_grad"\norder = "rio"\nrows = 2\nout_channels = 16\n')
    data = run_json(capsys, "--schedule", "best", "--mapping", str(path), "--explain", "conv2")
    (pinned,) = [found for found in data["explain"] if "weight_grad" in found["op"]]
    assert pinned["ran_as"].startswith("order rio, 2 rows x 32 in x 16 out")
    assert pinned["ran_as"] == pinned["winner"]["mapping"]
    assert any(group["runs"] == ["conv2 weight_grad Gemm"] for group in data["schedule"]["groups"])
    assert any(len(group["runs"]) > 1 for group in data["schedule"]["groups"])
