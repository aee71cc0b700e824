"""One small run, made once; a training and a sweep made by hand."""

import json
from pathlib import Path

import pytest

from lls_hw.cli import main
from tests.unit.report.made import made_sweep, made_train


@pytest.fixture(scope="session")
def run_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run") / "run.json"
    arguments = ["simulate", "--net", "smallconv", "--rule", "lls_m", "--batch", "2", "--quiet", "--json", str(path)]
    assert main(arguments) == 0
    return path


@pytest.fixture(scope="session")
def run(run_file: Path) -> dict:
    return json.loads(run_file.read_text())


@pytest.fixture(scope="session")
def train_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("train") / "train.json"
    path.write_text(json.dumps(made_train()))
    return path


@pytest.fixture(scope="session")
def sweep_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_sweep(tmp_path_factory.mktemp("sweep") / "sweep.db")
