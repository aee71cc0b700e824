"""Area, average power and energy-delay product."""

from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.sim.cost.accumulators import accumulator_price
from lls_hw.sim.cost.energy_sram import sram_price

AREA_INCLUDES = "SRAM only, scratchpad and accumulators: no source gives an area for the arithmetic"


def area_mm2(chip: AcceleratorSpec, technology: TechnologySpec, sum_bits: int = 32) -> float:
    """Area of scratchpad, accumulators and second level, from the CACTI rows; see `AREA_INCLUDES` for what is left out.

    `sum_bits`: of the run's accumulators.

    Raises
    ------
    SpecError : the technology has no rows for this scratchpad.
    """
    pad = sram_price(chip.scratchpad, technology.sram).area_mm2
    sums = accumulator_price(chip, technology.sram, sum_bits=sum_bits)
    second = 0.0 if chip.second is None else sram_price(chip.second, technology.sram, where="chip.second").area_mm2
    return (pad if sums is None else pad + sums.area_mm2) + second


def time_ms(cycles: int, clock_mhz: float) -> float:
    """Duration of a run, in milliseconds: cycles / (1000 * clock_mhz)."""
    return cycles / (1000.0 * clock_mhz)


def average_power_mw(energy_pj: float, *, cycles: int, clock_mhz: float) -> float:
    """Energy over time, in milliwatts (pJ / ns = mW); a run of no cycles has none.

    Examples
    --------
    >>> average_power_mw(1000.0, cycles=100, clock_mhz=200)
    2.0
    """
    return energy_pj * clock_mhz / (1000.0 * cycles) if cycles else 0.0


def edp_uj_ms(energy_pj: float, *, cycles: int, clock_mhz: float) -> float:
    """Energy-delay product, microjoules x milliseconds.

    Examples
    --------
    >>> edp_uj_ms(3e6, cycles=400_000, clock_mhz=200)
    6.0
    """
    return energy_pj * 1e-6 * time_ms(cycles, clock_mhz)
