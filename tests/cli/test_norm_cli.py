"""`--norm` as a user meets it, in every command that describes a run."""

import json
from pathlib import Path

import pytest

from lls_hw.cli import main

RUN = ["--net", "smallconv", "--input", "1x12x12", "--quiet", "--json", "-"]


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main([*arguments, *RUN]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("rule", ["lls_m", "bp"])
def test_simulate__a_group_norm_moves_fewer_bytes_where_schedules_are_searched(
    capsys: pytest.CaptureFixture[str], rule: str
) -> None:
    def run(*norm: str) -> dict:
        return run_json(capsys, "simulate", "--rule", rule, "--baseline", "none", *norm)

    batch, group = run(), run("--norm", "group")
    assert group["inputs"]["network"]["norm"] == "group"
    assert group["totals"]["cycles"] < batch["totals"]["cycles"]
    assert group["totals"]["macs"] == batch["totals"]["macs"]


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


@pytest.mark.parametrize("rule", ["bp", "lls", "lls_m", "lls_mxm", "local_losses"])
def test_validate__16_bits_of_a_group_norm_are_close_to_float(capsys: pytest.CaptureFixture[str], rule: str) -> None:
    found = run_json(capsys, "validate", "--rule", rule, "--norm", "group", "--bits", "16", "--min-cosine", "0.999")
    names = {check["tensor"] for check in found["tensors"]}
    assert {"conv1/weight_grad", "conv1/gamma_grad", "conv1/beta_grad"} <= names


def test_train__a_group_norm_learns_and_is_tested_without_running_statistics(
    capsys: pytest.CaptureFixture[str],
) -> None:
    few = ("--rule", "lls_m", "--norm", "group", "--epochs", "2", "--limit", "320", "--lr", "0.01", "--no-costs")
    first, second = (epoch["losses"] for epoch in run_json(capsys, "train", *few)["curve"])
    assert all(second[layer] < first[layer] for layer in ("conv1", "conv2", "conv3", "linear4"))


def test_norm_groups__that_do_not_divide_a_layers_channels_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    block = 'kind = "conv"\nname = "a"\nout_channels = 6\nkernel = 3\nstride = 1\npadding = 1\npool = 2\n'
    net = tmp_path / "mine.toml"
    for groups, code in (("", 2), ("norm_groups = 3\n", 0)):
        net.write_text(
            f'name = "mine"\ninput = [1, 8, 8]\nclasses = 3\nnorm = "group"\n{groups}[[layers]]\n{block}', "utf-8"
        )
        assert main(["simulate", "--net", str(net), "--rule", "lls", "--quiet"]) == code
        message = capsys.readouterr().err
        assert not groups or not message
        assert groups or (
            "mine.norm_groups = 8: layer 'a' has 6 channels of 64 positions: alike groups" in message
            and "to one of 1, 2, 3, 6." in message
        )


def test_train__a_frozen_norm_keeps_its_statistics_and_learns(capsys: pytest.CaptureFixture[str]) -> None:
    few = ("--rule", "lls_m", "--norm", "frozen", "--epochs", "2", "--limit", "320", "--lr", "0.01", "--no-costs")
    first, second = (epoch["losses"] for epoch in run_json(capsys, "train", *few)["curve"])
    assert all(second[layer] < first[layer] for layer in ("conv1", "conv2", "conv3", "linear4"))


def test_norm__of_no_such_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--net", "smallconv", "--rule", "bp", "--norm", "layer"]) == 2
    assert "--norm = 'layer': the norms are batch, frozen, group" in capsys.readouterr().err
