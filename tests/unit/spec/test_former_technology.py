"""Technology files of the earlier shape, with their DRAM's figures and one background power, still load and price."""

import tomllib
from importlib import resources

import pytest

from lls_hw.models.registry import load
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.precision import Precision
from lls_hw.models.spec.technology import TechnologySpec, entries
from lls_hw.sim.cost.energy_lines import price_list

SOURCE = "a table of the test"


def former(**changes):
    """The shipped 45 nm table in the earlier shape."""
    text = (resources.files("lls_hw.models") / "technology" / "cmos_45nm.toml").read_text()
    data = tomllib.loads(text)
    del data["wire"], data["dram_controller_bit"]
    data["sram"]["bank_kb"] = 1024
    figures = {"read_bit": (5.0, "pJ/bit"), "write_bit": (7.0, "pJ/bit"), "activate": (11.0, "pJ/activate")}
    figures["background"] = (13.0, "mW")
    figures |= changes
    data["dram"] = {key: {"value": value, "unit": unit, "source": SOURCE} for key, (value, unit) in figures.items()}
    return data


def test_former__prices_dram_by_its_own_figures():
    table = TechnologySpec.from_mapping(former(), "old.toml")
    chip = load("chips", "edge_16x16_flat", AcceleratorSpec, "--chip")
    lines = {line.event: line for line in price_list(chip, Precision(), table, "typical")}
    assert lines["byte read"].unit_pj == pytest.approx(40.0)
    assert lines["byte written"].unit_pj == pytest.approx(56.0)
    assert lines["row activate"].unit_pj == pytest.approx(11.0)
    assert SOURCE in lines["byte read"].source
    assert table.wire.value > 0
    assert table.dram_controller_bit.value > 0
    assert all(entry.source for _, entry in entries(table))


def test_former__a_wrong_figure_is_named():
    with pytest.raises(SpecError, match=r"old.toml.dram.activate.value = 1e\+308"):
        TechnologySpec.from_mapping(former(activate=(1e308, "pJ/activate")), "old.toml")
    with pytest.raises(SpecError, match=r"dram.read_bit"):
        TechnologySpec.from_mapping(former(read_bit=(1.0, "mW")), "old.toml")
