"""Prices of accumulators, by hand from the CACTI rows."""

import pytest

from lls_hw.models.registry import load
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.precision import Precision
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.sim.cost.accumulators import accumulator_price
from lls_hw.sim.cost.area import area_mm2
from lls_hw.sim.cost.counts import Counts
from lls_hw.sim.cost.energy import explain_energy, price

EDGE = load("chips", "edge_16x16_flat", AcceleratorSpec, "--chip")
TECHNOLOGY = load("technology", "cmos_45nm", TechnologySpec, "--technology")
ROWS = {(row.size_kb, row.word_bits): row for row in TECHNOLOGY.sram.rows}


def priced(entries, word_bits=32, *, double=True):
    chip = EDGE.changed("accumulators", entries=entries, word_bits=word_bits)
    return accumulator_price(chip.changed("scratchpad", double_buffered=double), TECHNOLOGY.sram)


@pytest.mark.parametrize(
    ("entries", "word_bits", "row"),
    [
        (512, 32, (1, 32)),
        (1024, 32, (2, 32)),
        (2048, 32, (4, 32)),
        (100, 32, (1, 32)),  # smaller than the smallest row, which bounds it
        (1, 32, (1, 32)),
        (512, 24, (1, 32)),  # in a word of the next width
        (512, 48, (2, 64)),
        (512, 100, (4, 128)),
    ],
)
def test_a_macro_for_every_column_and_bank(entries, word_bits, row):
    found, macro = priced(entries, word_bits), ROWS[row]
    assert found.macros == 2 * 16
    assert (found.macro.read_pj, found.macro.write_pj) == (macro.read_pj, macro.write_pj)
    assert (found.leak_mw, found.area_mm2) == (32 * macro.leak_total_mw, 32 * macro.area_mm2)


def test_one_bank__where_the_chip_does_not_double_buffer():
    found = priced(512, double=False)
    assert (found.macros, found.macro.size_bytes) == (16, 2048)


def test_prices__are_lines_of_sram_and_leakage():
    chip, row = EDGE.changed("accumulators", entries=1024), ROWS[2, 32]
    how = {"precision": Precision(), "technology": TECHNOLOGY}
    counts = Counts(accumulator_reads=1000, accumulator_writes=10)
    with_them, without = (price(counts, cycles=100, chip=one, **how) for one in (chip, EDGE))
    assert without.sram == 0
    assert with_them.sram == pytest.approx(1000 * row.read_pj + 10 * row.write_pj)
    assert with_them.leakage - without.leakage == pytest.approx(100 * 5 * 32 * row.leak_total_mw)
    lines = {line.event: line for line in explain_energy(counts, cycles=100, chip=chip, **how)}
    assert lines["accumulator read"].count == 1000
    assert all("CACTI" in lines[name].source for name in ("accumulator read", "accumulator written"))
    assert area_mm2(chip, TECHNOLOGY) - area_mm2(EDGE, TECHNOLOGY) == pytest.approx(32 * row.area_mm2)


def test_accumulators_beyond_the_rows_are_refused():
    with pytest.raises(SpecError, match=r"^chip\.accumulators\.macro_bytes = "):
        priced(1 << 24)
