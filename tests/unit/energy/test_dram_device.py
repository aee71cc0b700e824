"""Every figure of a DRAM device has a source and follows from its currents; a device that lacks one does not load."""

import re
from pathlib import Path

import pytest

from lls_hw.models import registry
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.base import read_toml
from lls_hw.models.spec.dram_device import DramDeviceSpec, device_entries
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.technology import LEVELS
from scripts import make_dram
from tests.oracles import energy as oracle

SHIPPED = ("lpddr3", "lpddr4", "lpddr4x")
DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "energy"


def load(name: str) -> DramDeviceSpec:
    return registry.load("dram", name, DramDeviceSpec, "chip.dram.device")


@pytest.fixture
def data() -> dict:
    """A device as plain data, free to spoil."""
    with registry.resources.as_file(registry.resources.files("lls_hw.models") / "dram") as folder:
        return read_toml(folder / "lpddr4.toml")


def refusal(data: dict) -> str:
    with pytest.raises(SpecError) as error:
        DramDeviceSpec.from_mapping(data, "mine.toml")
    return str(error.value)


def test_device__shelf_holds_the_documented_ones() -> None:
    assert registry.names("dram") == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_device__every_entry_has_a_read_source_phy_included(name: str) -> None:
    device = load(name)
    assert device.name == name
    found = device_entries(device)
    assert [path for path, _ in found][-2:] == ["phy_bit", "phy"]
    sources = [entry.bound(level).source for _, entry in found for level in LEVELS] + [device.times.source]
    assert all(len(source) > 10 for source in sources)
    assert not [source for source in sources if "recalled" in source or "from memory" in source]


@pytest.mark.skipif(not (DATA / "op_energy.csv").is_file(), reason=f"the published figures are not at {DATA}")
def test_shipped_devices__equal_a_regeneration() -> None:
    shipped = {path.name: path.read_text(encoding="utf-8") for path in make_dram.SHELF.glob("*.toml")}
    assert make_dram.make(DATA) == shipped


def test_lpddr3__follows_from_its_currents_by_hand() -> None:
    device = load("lpddr3")
    hand = {
        "read_bit": oracle.DRAM_READ, "write_bit": oracle.DRAM_WRITE, "activate": oracle.DRAM_ACTIVATE,
        "active_standby": oracle.LPDDR3_MW["idd3n"], "precharge_standby": oracle.LPDDR3_MW["idd2n"],
        "power_down": oracle.LPDDR3_MW["idd2p"], "self_refresh": oracle.SELF_REFRESH_MW,
        "refresh": oracle.REFRESH_MW, "phy_bit": oracle.PHY_BIT, "phy": oracle.PHY_MW,
    }  # fmt: skip
    assert {path: entry.value for path, entry in device_entries(device)} == {
        name: pytest.approx(float(value), abs=1e-4) for name, value in hand.items()
    }


def test_lpddr4x__is_lpddr4_with_outputs_at_0_6_volts() -> None:
    """IDDQ is 150, 55 and 0.75 mA reading, writing and standing by; 1.1 - 0.6 V of it are saved, over 51.2 Gbit/s."""
    old, new = load("lpddr4"), load("lpddr4x")
    assert old.read_bit.value - new.read_bit.value == pytest.approx(0.5 * (150 - 0.75) / 51.2, abs=1e-4)
    assert old.write_bit.value - new.write_bit.value == pytest.approx(0.5 * (55 - 0.75) / 51.2, abs=1e-4)
    assert old.power_down.value - new.power_down.value == pytest.approx(0.5 * 0.75, abs=1e-4)
    assert (old.activate, old.times) != (None, None)
    assert (new.activate.value, new.times.precharge_ns) == (old.activate.value, old.times.precharge_ns)


@pytest.mark.parametrize("name", SHIPPED)
def test_device__deeper_states_cost_less(name: str) -> None:
    device = load(name)
    down = device.power_down.value + device.refresh.value
    assert device.active_standby.value > device.precharge_standby.value > down > device.self_refresh.value


def test_device__without_a_source_or_in_another_unit_refused(data: dict) -> None:
    assert refusal({**data, "phy": {**data["phy"], "unit": "pJ/bit"}}) == (
        "mine.toml: phy.unit = 'pJ/bit': it is priced in mW. Convert the figure."
    )
    recalled = {**data["phy_bit"], "source": "from memory"}
    assert refusal({**data, "phy_bit": recalled}).startswith("mine.toml.phy_bit.source = 'from memory': ")
    del data["power_down"]["source"]
    assert refusal(data) == "mine.toml.power_down.source = 'nothing': this key is required. Add it."


def test_chip__of_an_unknown_device_refused_and_of_a_file_read(tmp_path: Path) -> None:
    chip = registry.load("chips", "edge_16x16_flat", AcceleratorSpec, "--chip")
    with pytest.raises(
        SpecError, match=r"^chip\.dram\.device = 'ddr9': the shipped ones are lpddr3, lpddr4, lpddr4x\."
    ):
        registry.dram_device(chip.changed("dram", device="ddr9"))
    path = tmp_path / "mine.toml"
    text = (make_dram.SHELF / "lpddr3.toml").read_text(encoding="utf-8")
    path.write_text(re.sub('name = "lpddr3"', 'name = "mine"', text), encoding="utf-8")
    found = registry.dram_device(chip.changed("dram", device=str(path)))
    assert found is not None
    assert (found.name, found.read_bit) == ("mine", load("lpddr3").read_bit)
