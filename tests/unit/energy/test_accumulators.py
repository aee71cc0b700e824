"""Prices of accumulators, by hand from the CACTI rows."""

import pytest

from lls_hw.models.registry import load
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.memory import AccumulatorSpec
from lls_hw.models.spec.precision import Precision
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.sim.cost.accumulators import accumulator_price
from lls_hw.sim.cost.area import area_mm2
from lls_hw.sim.cost.counts import Counts
from lls_hw.sim.cost.energy import explain_energy, price

EDGE = load("chips", "edge_16x16", AcceleratorSpec, "--chip")
TECHNOLOGY = load("technology", "cmos_45nm", TechnologySpec, "--technology")
ROWS = {row.size_kb: row for row in TECHNOLOGY.sram.rows if row.word_bits == 64}


@pytest.mark.parametrize(("entries", "size_kb"), [(256, 2), (512, 4), (1024, 8), (100, 2), (1, 2)])
def test_two_columns_of_32_bits_share_a_macro(entries, size_kb):
    """An entry is half a 64-bit access; below the smallest row that row is the bound."""
    found, row = accumulator_price(AccumulatorSpec(entries=entries), 16, TECHNOLOGY.sram), ROWS[size_kb]
    assert (found.macros, found.macro_bytes) == (8, size_kb * 1024)
    assert (found.read_pj, found.write_pj) == (row.read_pj / 2, row.write_pj / 2)
    assert (found.leak_mw, found.area_mm2) == (8 * row.leak_total_mw, 8 * row.area_mm2)


@pytest.mark.parametrize(
    ("word_bits", "cols", "macros", "part"), [(32, 5, 3, 1 / 2), (48, 5, 5, 1), (16, 5, 2, 1 / 4), (100, 5, 10, 2)]
)
def test_other_widths__share_or_fill_words_of_64_bits(word_bits, cols, macros, part):
    found = accumulator_price(AccumulatorSpec(entries=512, word_bits=word_bits), cols, TECHNOLOGY.sram)
    assert found.macros == macros
    assert found.read_pj == pytest.approx(part * ROWS[4].read_pj)


def test_prices__are_lines_of_sram_and_leakage():
    chip = EDGE.changed("accumulators", entries=512)
    how = {"precision": Precision(), "technology": TECHNOLOGY}
    counts = Counts(accumulator_reads=1000, accumulator_writes=10)
    with_them, without = (price(counts, cycles=100, chip=one, **how) for one in (chip, EDGE))
    assert without.sram == 0
    assert with_them.sram == pytest.approx(500 * ROWS[4].read_pj + 5 * ROWS[4].write_pj)
    assert with_them.leakage - without.leakage == pytest.approx(100 * 5 * 8 * ROWS[4].leak_total_mw)
    lines = {row.event: row for row in explain_energy(counts, cycles=100, chip=chip, **how)}
    assert lines["accumulator read"].count == 1000
    assert all("CACTI" in lines[name].source for name in ("accumulator read", "accumulator written"))
    assert area_mm2(chip, TECHNOLOGY) - area_mm2(EDGE, TECHNOLOGY) == pytest.approx(8 * ROWS[4].area_mm2)
