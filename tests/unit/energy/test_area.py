"""Area, power and energy-delay product by hand."""

import pytest

from lls_hw.models import registry
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.sim.cost.area import AREA_INCLUDES, area_mm2, average_power_mw, edp_uj_ms, time_ms
from tests.oracles import energy as oracle


def test_area__is_the_scratchpads_row(chip, technology):
    assert area_mm2(chip, technology) == float(oracle.SRAM[256][3])
    assert "SRAM only" in AREA_INCLUDES


def test_area__needs_no_arithmetic(chip):
    technology = registry.load("technology", "cmos_22nm", TechnologySpec, "--technology")
    assert area_mm2(chip, technology) == 0.22529


def test_area__grows_by_whole_banks(chip, technology):
    big = chip.changed("scratchpad", capacity_bytes=3 * 1024 * 1024)
    assert area_mm2(big, technology) == pytest.approx(float(3 * oracle.SRAM[1024][3]))


def test_average_power__is_energy_over_time():
    """10 uJ in 400 000 cycles at 200 MHz (2 ms) is 5 mW."""
    assert average_power_mw(10e6, cycles=400_000, clock_mhz=200) == 5.0
    assert average_power_mw(0.0, cycles=0, clock_mhz=200) == 0.0


def test_edp__is_energy_times_time():
    assert time_ms(400_000, 200) == 2.0
    assert edp_uj_ms(10e6, cycles=400_000, clock_mhz=200) == 20.0
