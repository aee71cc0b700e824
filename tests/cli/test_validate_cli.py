"""`lls-hw validate`: worst first, a hint, and a tolerance that decides the exit status."""

import json
from pathlib import Path

import pytest

from lls_hw.cli import main
from tests.unit.training.helpers import SMALL_TOML


@pytest.fixture
def line(tmp_path: Path) -> list[str]:
    path = tmp_path / "small.toml"
    path.write_text(SMALL_TOML)
    return ["validate", "--net", str(path), "--rule", "lls_m", "--batch", "16"]


@pytest.mark.parametrize("rule", ["lls", "lls_m", "lls_mxm", "bp"])
def test_validate_cli__eight_bits_meet_the_tolerance(line: list[str], capsys, rule: str) -> None:
    assert main([*line[:4], rule, *line[5:], "--json", "-", "--quiet", "--no-hint"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == "lls-hw/validate/1"
    assert data["within_tolerance"]
    cosines = [row["cosine"] for row in data["tensors"]]
    assert cosines == sorted(cosines), "worst first"
    assert {"conv1/weight_grad", "linear2/weight_grad", "conv1/h"} <= {row["tensor"] for row in data["tensors"]}


def test_validate_cli__a_missed_tolerance_is_status_1(line: list[str], capsys) -> None:
    assert main([*line, "--min-cosine", "1", "--no-hint"]) == 1
    assert "below cosine 1.0" in capsys.readouterr().out


@pytest.mark.parametrize(("bits", "role"), [("w2,a16,e16,m32,acc48", "w"), ("w16,a16,e2,m32,acc48", "e")])
def test_validate_cli__hint_names_the_width_that_limits(line: list[str], capsys, bits: str, role: str) -> None:
    main([*line, "--bits", bits, "--json", "-", "--quiet"])
    hint = json.loads(capsys.readouterr().out)["hint"]
    assert hint["limits"] == role
    assert hint["widenings"][0]["role"] == role
    assert role + "16" in hint["text"]


def test_validate_cli__table_goes_to_standard_error_beside_json(line: list[str], capsys) -> None:
    assert main([*line, "--json", "-", "--no-hint"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["min_cosine"] == 0.9
    assert "worst weight gradient" in err


@pytest.mark.parametrize(
    "more", [("--min-cosine", "2"), ("--optimizer", "schedulefree_sgd"), ("--json", "/nowhere/x.json")]
)
def test_validate_cli__wrong_input_is_one_line_and_status_2(line: list[str], capsys, more: tuple[str, str]) -> None:
    assert main([*line, *more]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"lls-hw: {more[0]} = ")
