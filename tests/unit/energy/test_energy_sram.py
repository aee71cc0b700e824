"""SRAM figures: rows exactly, lines between them, banks above them, nothing beyond them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lls_hw.models import registry
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.sim.cost.energy_sram import KIB, sram_price
from tests.oracles import energy as oracle

TABLES = {
    name: registry.load("technology", name, TechnologySpec, "--technology").sram
    for name in ("cmos_45nm", "cmos_32nm", "cmos_22nm")
}
LSTP = TABLES["cmos_45nm"]


@pytest.mark.parametrize("name", TABLES)
def test_sram_price__hits_every_row_exactly(name):
    for row in TABLES[name].rows:
        found = sram_price(row.size_kb * KIB, row.word_bits, TABLES[name])
        assert (found.read_pj, found.write_pj) == (row.read_pj, row.write_pj)
        assert (found.leak_mw, found.area_mm2) == (row.leak_total_mw, row.area_mm2)
        assert (found.access_ns, found.banks) == (row.access_ns, 1)


@pytest.mark.parametrize("kb", oracle.SRAM)
def test_sram_price__rows_are_the_published_ones(kb):
    found = sram_price(kb * KIB, 64, LSTP)
    assert [found.read_pj, found.write_pj, found.leak_mw, found.area_mm2] == [float(x) for x in oracle.SRAM[kb]]


@given(st.integers(min_value=2048, max_value=1024 * KIB), st.integers(min_value=0, max_value=64 * KIB))
def test_sram_price__never_falls_with_size(capacity, more):
    for table in TABLES.values():
        small = sram_price(capacity, 64, table)
        large = sram_price(min(capacity + more, 1024 * KIB), 64, table)
        for quantity in ("read_pj", "write_pj", "leak_mw", "area_mm2"):
            assert getattr(small, quantity) <= getattr(large, quantity) * (1 + 1e-12)


@given(st.integers(min_value=128 * KIB, max_value=256 * KIB))
def test_sram_price__lies_on_the_log_log_line(capacity):
    low, high = oracle.SRAM[128], oracle.SRAM[256]
    found = sram_price(capacity, 64, LSTP)
    for i, quantity in enumerate(("read_pj", "write_pj", "leak_mw", "area_mm2")):
        expect = oracle.between((128, float(low[i])), (256, float(high[i])), capacity / KIB)
        assert getattr(found, quantity) == pytest.approx(expect, rel=1e-12)


def test_sram_price__above_a_megabyte_is_equal_banks():
    bank, two = sram_price(768 * KIB, 64, LSTP), sram_price(1536 * KIB, 64, LSTP)
    assert two.banks == 2
    assert two.bank_bytes == 768 * KIB
    assert (two.read_pj, two.write_pj) == (bank.read_pj, bank.write_pj)
    assert (two.leak_mw, two.area_mm2) == (2 * bank.leak_mw, 2 * bank.area_mm2)
    assert sram_price(1024 * KIB, 64, LSTP).banks == 1
    assert sram_price(1024 * KIB + 1, 64, LSTP).banks == 2


def test_sram_price__word_width_without_rows_refused():
    with pytest.raises(SpecError) as error:
        sram_price(256 * KIB, 32, LSTP)
    assert str(error.value) == (
        "chip.scratchpad.word_bits = 32: the technology has CACTI rows of 64, 128 bits. Use one of those."
    )


def test_sram_price__never_extrapolates_below():
    with pytest.raises(SpecError) as error:
        sram_price(1024, 64, LSTP)
    assert str(error.value) == (
        "chip.scratchpad.capacity_bytes = 1024: 1 bank(s) of 1 KB lie outside the CACTI rows, 2 to 1024 KB. "
        "Use at least 2048 bytes."
    )


def test_sram_price__high_is_horowitz_where_he_covers_the_size():
    """256 KB lies three of the five octaves from 32 KB (20 pJ) to 1 MB (100 pJ): 20 * 5 ** 0.6."""
    high = sram_price(256 * KIB, 64, LSTP, "high")
    assert high.read_pj == pytest.approx(20 * 5**0.6, rel=1e-12)
    assert high.write_pj == high.read_pj
    assert sram_price(256 * KIB, 64, LSTP, "low") == sram_price(256 * KIB, 64, LSTP)
    for kb, bits in ((4, 64), (256, 128)):
        assert sram_price(kb * KIB, bits, LSTP, "high") == sram_price(kb * KIB, bits, LSTP)
