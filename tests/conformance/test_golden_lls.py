"""The float reference equals the published implementation on every stored training step."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
GOLDENS = ROOT / ".." / "shared" / "golden" / "lls_reference"

needs_goldens = pytest.mark.skipif(
    not (GOLDENS / "index.json").is_file(), reason=f"the goldens of the published implementation are not at {GOLDENS}"
)


def conformance():
    spec = importlib.util.spec_from_file_location("conformance_script", ROOT / "scripts" / "conformance.py")
    module = importlib.util.module_from_spec(spec)
    path = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = path
    return module


@needs_goldens
def test_conformance__all_goldens_pass(capsys) -> None:
    assert conformance().main([str(GOLDENS)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(json.loads((GOLDENS / "index.json").read_text())) + 1
    label, _, value = lines[-1].partition(": ")
    assert label == "worst relative error"
    assert float(value) < 1e-6


@needs_goldens
def test_conformance__a_changed_golden_fails(tmp_path, capsys) -> None:
    entry = json.loads((GOLDENS / "index.json").read_text())[0]
    with np.load(GOLDENS / entry["file"]) as stored:
        arrays = {key: stored[key].copy() for key in stored.files}
    arrays["after/block.bn.bias"][0] += 1e-4
    np.savez(tmp_path / entry["file"], **arrays)
    (tmp_path / "index.json").write_text(json.dumps([entry]))
    assert conformance().main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.startswith("FAIL  layer_conv_LLS: ")


@needs_goldens
def test_conformance__a_result_that_is_not_a_number_fails(tmp_path, capsys) -> None:
    entry = json.loads((GOLDENS / "index.json").read_text())[0]
    with np.load(GOLDENS / entry["file"]) as stored:
        arrays = {key: stored[key].copy() for key in stored.files}
    arrays["x"][0, 0, 0, 0] = np.nan
    np.savez(tmp_path / entry["file"], **arrays)
    (tmp_path / "index.json").write_text(json.dumps([entry]))
    assert conformance().main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "worst relative error: nan"


@needs_goldens
def test_conformance__rules_filter(capsys) -> None:
    assert conformance().main([str(GOLDENS), "--rules", "LocalLosses,dfa"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 6


@needs_goldens
def test_conformance__unknown_rule_is_the_users_error(capsys) -> None:
    assert conformance().main([str(GOLDENS), "--rules", "hebb"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("conformance: --rules = 'hebb': the cases have bp, dfa, ")


def test_conformance__missing_folder_is_the_users_error(tmp_path, capsys) -> None:
    assert conformance().main([str(tmp_path / "none")]) == 2
    assert "it cannot be read" in capsys.readouterr().err
