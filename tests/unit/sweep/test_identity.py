"""Two spellings of one run are one point; whatever can change a number makes another."""

from pathlib import Path

import pytest

from lls_hw.models.registry import load
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.sweep import identity
from lls_hw.sweep.identity import run_id
from tests.unit.sweep.helpers import small_grid, small_net
from tests.unit.training.helpers import SMALL_TOML


def only_id(net: str, **lists: str) -> str:
    (point,) = small_grid(net, **lists).points()
    assert point.id == run_id(point.inputs)
    return point.id


@pytest.mark.parametrize(
    "spelling",
    [
        {"bits": "w8,a8,e8,m16,acc32"},
        {"bits": "w8"},
        {"arrays": "16x16"},
        {"dataflows": "ws", "srams": "256"},
        {"technologies": "cmos_45nm"},
        {"seeds": "7"},
        {"temperature": 2.0},
        {"learning_rate": 0.1},
    ],
    ids=str,
)
def test_run_id__same_costs_same_point(tmp_path: Path, spelling: dict[str, str]) -> None:
    net = small_net(tmp_path)
    assert only_id(net, **spelling) == only_id(net)


@pytest.mark.parametrize(
    "change",
    [
        {"bits": "w8,a8,e4"}, {"arrays": "16x8"}, {"dataflows": "os"}, {"srams": "128"}, {"batches": "8"},
        {"rules": "lls"}, {"baseline": "bp"}, {"input": "1x16x16"}, {"classes": 5}, {"chips": "edge_8x8"},
        {"optimizer": "sgd"}, {"waveform": "cosine"}, {"technologies": "cmos_45nm_synthesised"},
    ],
    ids=str,
)  # fmt: skip
def test_run_id__other_costs_other_point(tmp_path: Path, change: dict[str, str]) -> None:
    net = small_net(tmp_path)
    if "technologies" in change:
        from lls_hw.models.registry import names

        change = {"technologies": next(name for name in names("technology") if name != "cmos_45nm")}
    assert only_id(net, **change) != only_id(net)


def test_run_id__names_of_networks_and_files_do_not_count(tmp_path: Path) -> None:
    net = small_net(tmp_path)
    other = tmp_path / "other.toml"
    other.write_text(SMALL_TOML.replace('"small"', '"renamed"'))
    assert only_id(str(other)) == only_id(net)
    points = small_grid(f"{net},{other}").points()
    assert [point.label["net"] for point in points] == ["small"]


def test_run_id__model_version_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = small_net(tmp_path)
    before = only_id(net)
    monkeypatch.setattr(identity, "MODEL_VERSION", identity.MODEL_VERSION + 1)
    assert only_id(net) != before


def test_technology_digest__is_of_the_content() -> None:
    table = load("technology", "cmos_45nm", TechnologySpec, "--technology")
    assert identity.technology_digest(table.model_copy(update={"name": "mine"})) == identity.technology_digest(table)
