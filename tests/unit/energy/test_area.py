"""Area, power and energy-delay product by hand."""

import pytest

from lls_hw.models import registry
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.sim.cost.area import AREA_INCLUDES, area_mm2, average_power_mw, edp_uj_ms, time_ms
from tests.oracles import energy as oracle


def test_area__is_the_scratchpads_macros(chip, technology):
    assert area_mm2(chip, technology) == pytest.approx(float(64 * oracle.SRAM[4][3]))
    assert "SRAM only" in AREA_INCLUDES


def test_area__needs_no_arithmetic(chip):
    technology = registry.load("technology", "cmos_22nm", TechnologySpec, "--technology")
    assert area_mm2(chip, technology.model_copy(update={"logic": None})) == pytest.approx(64 * 0.003509)


def test_area__grows_by_whole_macros(chip, technology):
    big = chip.changed("scratchpad", capacity_bytes=300 * 1024 + 1)
    assert area_mm2(big, technology) == pytest.approx(float(76 * oracle.SRAM[4][3]))


def test_average_power__is_energy_over_time():
    """10 uJ in 400 000 cycles at 200 MHz (2 ms) is 5 mW."""
    assert average_power_mw(10e6, cycles=400_000, clock_mhz=200) == 5.0
    assert average_power_mw(0.0, cycles=0, clock_mhz=200) == 0.0


def test_edp__is_energy_times_time():
    assert time_ms(400_000, 200) == 2.0
    assert edp_uj_ms(10e6, cycles=400_000, clock_mhz=200) == 20.0
