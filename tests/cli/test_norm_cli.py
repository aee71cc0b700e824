"""`--norm` as a user meets it, in every command that describes a run."""

import json

import pytest

from lls_hw.cli import main

RUN = ["--net", "smallconv", "--input", "1x12x12", "--quiet", "--json", "-"]


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main([*arguments, *RUN]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("rule", ["lls_m", "bp"])
def test_simulate__a_frozen_norm_moves_fewer_bytes(capsys: pytest.CaptureFixture[str], rule: str) -> None:
    def run(*norm: str) -> dict:
        return run_json(capsys, "simulate", "--rule", rule, "--baseline", "none", "--schedule", "op", *norm)

    plain, batch, frozen = run(), run("--norm", "batch"), run("--norm", "frozen")
    assert plain == batch
    assert "norm" not in plain["inputs"]["network"]
    assert frozen["inputs"]["network"]["norm"] == "frozen"
    assert sum(frozen["totals"]["dram_bytes"].values()) < sum(batch["totals"]["dram_bytes"].values())
    assert frozen["totals"]["training_memory_bytes"] < batch["totals"]["training_memory_bytes"]
    assert frozen["totals"]["macs"] == batch["totals"]["macs"]


def test_compare__takes_a_norm(capsys: pytest.CaptureFixture[str]) -> None:
    cycles = [
        [run["totals"]["cycles"] for run in run_json(capsys, "compare", "--rules", "bp,lls", "--norm", norm)["rules"]]
        for norm in ("batch", "frozen")
    ]
    assert all(frozen < batch for batch, frozen in zip(*cycles, strict=True))


@pytest.mark.parametrize("rule", ["bp", "lls", "lls_m", "lls_mxm", "local_losses"])
def test_validate__16_bits_of_a_frozen_norm_are_close_to_float(capsys: pytest.CaptureFixture[str], rule: str) -> None:
    found = run_json(capsys, "validate", "--rule", rule, "--norm", "frozen", "--bits", "16", "--min-cosine", "0.999")
    names = {check["tensor"] for check in found["tensors"]}
    assert {"conv1/weight_grad", "conv1/beta_grad"} <= names
    assert "conv1/gamma_grad" not in names


def test_train__a_frozen_norm_keeps_its_statistics_and_learns(capsys: pytest.CaptureFixture[str]) -> None:
    few = ("--rule", "lls_m", "--norm", "frozen", "--epochs", "2", "--limit", "320", "--lr", "0.01", "--no-costs")
    first, second = (epoch["losses"] for epoch in run_json(capsys, "train", *few)["curve"])
    assert all(second[layer] < first[layer] for layer in ("conv1", "conv2", "conv3", "linear4"))


def test_norm__of_no_such_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--net", "smallconv", "--rule", "bp", "--norm", "layer"]) == 2
    assert "--norm = 'layer': the norms are batch, frozen" in capsys.readouterr().err
