"""Every shipped figure has a source; a table that lacks one, or is inconsistent, does not load."""

import re

import pytest

from lls_hw.models import registry
from lls_hw.models.spec.base import read_toml
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.technology import LEVELS, TechnologySpec, entries

SHIPPED = ("cmos_22nm", "cmos_32nm", "cmos_45nm", "cmos_45nm_synthesised_pe")


def load(name):
    return registry.load("technology", name, TechnologySpec, "--technology")


@pytest.fixture
def data():
    """The default table as plain data, free to spoil."""
    with registry.resources.as_file(registry.resources.files("lls_hw.models") / "technology") as folder:
        return read_toml(folder / "cmos_45nm_synthesised_pe.toml")


def refusal(data):
    with pytest.raises(SpecError) as error:
        TechnologySpec.from_mapping(data, "mine.toml")
    return str(error.value)


def test_technology__shelf_holds_the_documented_tables():
    assert registry.names("technology") == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_technology__every_entry_has_a_read_source(name):
    technology = load(name)
    assert technology.name == name
    sources = [technology.sram.source, *(other.source for other in technology.sram.others)]
    sources += [entry.bound(level).source for _, entry in entries(technology) for level in LEVELS]
    sources += [technology.random.source] if technology.random else []
    assert all(len(source) > 10 for source in sources)
    assert not [source for source in sources if "recalled" in source or "from memory" in source]


@pytest.mark.parametrize("name", SHIPPED)
def test_technology__family_is_the_default_one(name):
    sram = load(name).sram
    assert (sram.cell, sram.periphery, sram.optimize, sram.temperature_k) == ("itrs-lstp", "itrs-lstp", "ED^2", 350)
    assert {row.word_bits for row in sram.rows} == {32, 64, 128}
    assert len(sram.rows) == 31


@pytest.mark.parametrize("name", SHIPPED)
def test_technology__bounds_enclose_every_value(name):
    for path, entry in entries(load(name)):
        assert entry.unit_value("low") <= entry.unit_value() <= entry.unit_value("high"), path


@pytest.mark.parametrize(
    ("name", "energy"), [("cmos_32nm", 0.541206), ("cmos_22nm", (5 * 0.20079 + 0.541206) / 6)], ids=str
)
def test_technology__other_nodes_scale_by_the_published_polynomial(name, energy):
    """a V^2 + b V + c at 0.9 V: 0.84433 at 45 nm, 0.541206 at 32, 0.20079 at 20; 22 nm lies a sixth of the way."""
    technology, own = load(name), load("cmos_45nm")
    factor = energy / 0.84433
    logic = [
        (found, path, entry) for (path, entry), (_, found) in zip(entries(own), entries(technology), strict=True)
        if path.startswith(("logic.", "leakage."))
    ]  # fmt: skip
    assert len(logic) == 10
    for found, path, entry in logic:
        for level in LEVELS:
            assert found.unit_value(level) == pytest.approx(factor * entry.unit_value(level), rel=1e-4), path
        assert f"times {factor:.4f}" in found.node_note


def test_technology__missing_source_refused(data):
    del data["logic"]["multiplier"]["source"]
    assert refusal(data) == "mine.toml.logic.multiplier.source = 'nothing': this key is required. Add it."


def test_technology__missing_source_of_a_bound_refused(data):
    del data["logic"]["adder"]["high"]["source"]
    assert refusal(data) == "mine.toml.logic.adder.high.source = 'nothing': this key is required. Add it."


def test_technology__missing_source_of_the_sram_refused(data):
    del data["sram"]["source"]
    assert refusal(data) == "mine.toml.sram.source = 'nothing': this key is required. Add it."


def test_technology__blank_source_refused(data):
    data["leakage"]["adder"]["source"] = "  "
    assert refusal(data) == (
        "mine.toml.leakage.adder.source = '  ': a number without a source does not load. Cite what you read."
    )


def test_technology__recalled_source_refused(data):
    data["wire"]["source"] = "Somebody 2021 - from memory, unverified"
    assert refusal(data).endswith("a recalled number is not a source. Read the source, or leave the entry out.")
    data["wire"]["source"] = "recalled, not read"
    assert "mine.toml.wire.source" in refusal(data)


def test_technology__unknown_key_refused(data):
    data["logic"]["adder"]["valeu"] = 1
    assert refusal(data) == ("mine.toml.logic.adder.valeu = 1: no such key. Remove it or correct its spelling.")


def test_technology__repeated_key_refused(tmp_path):
    path = tmp_path / "twice.toml"
    path.write_text('name = "a"\nname = "b"\n')
    with pytest.raises(SpecError, match="not valid TOML"):
        TechnologySpec.from_toml(path)


def test_technology__figure_of_another_node_needs_a_reason(data):
    del data["logic"]["register_bit"]["node_note"]
    assert "logic.register_bit.node_nm = 40: the technology is 45 nm and no sourced law scales" in refusal(data)


def test_technology__wrong_unit_refused(data):
    data["leakage"]["adder"]["unit"] = "uW"
    assert "leakage.adder.unit = 'uW': it is priced in mW. Convert the figure." in refusal(data)


def test_technology__low_above_value_refused(data):
    data["wire"]["low"]["value"] = 60.0
    assert re.search(r"low, value, high = \(60.0, 0.375659, 0.375659\): .* Swap or drop the bound\.$", refusal(data))


@pytest.mark.parametrize("value", [-0.1, float("inf"), float("nan"), "cheap"])
def test_technology__impossible_figure_refused(data, value):
    data["logic"]["adder"]["value"] = value
    assert refusal(data).startswith("mine.toml.logic.adder.value = ")


def test_technology__unsorted_rows_refused(data):
    data["sram"]["rows"].reverse()
    assert "List each size once, smallest first." in refusal(data)


def test_technology__elements_must_be_points_of_a_line(data):
    data["element"]["mac"][1] = data["element"]["mac"][0]
    assert "List each size once" in refusal(data)


def test_technology__element_bounds_share_the_width(data):
    data["element"]["mac"][1]["high"]["bits"] = 3
    assert "low and high share its bits" in refusal(data)
