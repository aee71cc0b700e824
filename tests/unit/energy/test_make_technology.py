"""The shipped tables are what the data make; recalled rows never pass."""

import shutil
from pathlib import Path

import pytest

from scripts import make_technology

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "energy"

pytestmark = pytest.mark.skipif(
    not (DATA / "op_energy.csv").is_file(), reason=f"the published figures are not at {DATA}"
)


def test_shipped_tables__equal_a_regeneration():
    made = make_technology.make(DATA)
    shipped = {path.name: path.read_text(encoding="utf-8") for path in make_technology.SHELF.glob("*.toml")}
    assert made == shipped
    assert make_technology.main([str(DATA), "--check"]) == 0


def test_check__reports_a_stale_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(make_technology, "SHELF", tmp_path)
    assert make_technology.main([str(DATA)]) == 0
    (tmp_path / "cmos_32nm.toml").write_text("changed")
    capsys.readouterr()
    assert make_technology.main([str(DATA), "--check"]) == 1
    assert capsys.readouterr().err == "differ from the data: cmos_32nm.toml\n"


def test_find__recalled_row_refused():
    rows = make_technology.read_rows(DATA / "op_energy.csv")
    with pytest.raises(SystemExit, match="must not be used"):
        make_technology.find(rows, make_technology.Pick("int_mul", "8", "7"))


def test_find__ambiguous_row_refused():
    rows = make_technology.read_rows(DATA / "op_energy.csv")
    with pytest.raises(SystemExit, match="2 rows match"):
        make_technology.find(rows, make_technology.Pick("int_mul", "16", "45"))


def test_make__no_recalled_figure_is_ever_picked(tmp_path):
    """Marking every row as recalled leaves nothing to make a table of."""
    for name in ("cacti_sram.csv", "stillmaker_baas_2017.csv"):
        shutil.copy(DATA / name, tmp_path)
    text = (DATA / "op_energy.csv").read_text(encoding="utf-8")
    (tmp_path / "op_energy.csv").write_text(
        text.replace(",read\n", ',"recalled, not read"\n').replace(",read\r\n", ',"recalled, not read"\n')
    )
    with pytest.raises(SystemExit, match="must not be used"):
        make_technology.make(tmp_path)
