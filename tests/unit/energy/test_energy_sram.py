"""SRAM figures: macros by CACTI's rows exactly and by lines between them; memories as macros and the wires to them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lls_hw.models import registry
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.memory import ScratchpadSpec
from lls_hw.models.spec.precision import Precision
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.sim.cost.energy_lines import price_list
from lls_hw.sim.cost.energy_sram import KIB, macro_price, sram_price
from tests.oracles import energy as oracle

NAMES = ("cmos_45nm", "cmos_32nm", "cmos_22nm")
TECHNOLOGIES = {name: registry.load("technology", name, TechnologySpec, "--technology") for name in NAMES}
TABLES = {name: technology.sram for name, technology in TECHNOLOGIES.items()}
LSTP = TABLES["cmos_45nm"]
QUANTITIES = ("read_pj", "write_pj", "leak_mw", "area_mm2")


@pytest.mark.parametrize("name", TABLES)
def test_macro_price__hits_every_row_exactly(name):
    for row in TABLES[name].rows:
        found = macro_price(row.size_kb * KIB, row.word_bits, TABLES[name])
        assert (found.read_pj, found.write_pj) == (row.read_pj, row.write_pj)
        assert (found.leak_mw, found.area_mm2) == (row.leak_total_mw, row.area_mm2)
        assert found.access_ns == row.access_ns


@pytest.mark.parametrize("kb", oracle.SRAM)
def test_macro_price__rows_are_the_published_ones(kb):
    found = macro_price(kb * KIB, 64, LSTP)
    assert [getattr(found, quantity) for quantity in QUANTITIES] == [float(x) for x in oracle.SRAM[kb]]


@given(st.integers(min_value=2048, max_value=1024 * KIB), st.integers(min_value=0, max_value=64 * KIB))
def test_macro_price__never_falls_with_size(size, more):
    for table in TABLES.values():
        small, large = macro_price(size, 64, table), macro_price(min(size + more, 1024 * KIB), 64, table)
        for quantity in QUANTITIES:
            assert getattr(small, quantity) <= getattr(large, quantity) * (1 + 1e-12)


@given(st.integers(min_value=128 * KIB, max_value=256 * KIB))
def test_macro_price__lies_on_the_log_log_line(size):
    low, high = oracle.SRAM[128], oracle.SRAM[256]
    found = macro_price(size, 64, LSTP)
    for i, quantity in enumerate(QUANTITIES):
        expect = oracle.between((128, float(low[i])), (256, float(high[i])), size / KIB)
        assert getattr(found, quantity) == pytest.approx(expect, rel=1e-12)


def test_macro_price__word_width_without_rows_refused():
    with pytest.raises(SpecError) as error:
        macro_price(4 * KIB, 16, LSTP)
    assert str(error.value) == (
        "chip.scratchpad.word_bits = 16: the technology has CACTI rows of 32, 64, 128 bits. Use one of those."
    )


@pytest.mark.parametrize(("size", "bits", "least"), [(1024, 64, 2), (512, 32, 1), (2 << 20, 64, 2)])
def test_macro_price__never_extrapolates(size, bits, least):
    with pytest.raises(SpecError) as error:
        macro_price(size, bits, LSTP)
    assert str(error.value) == (
        f"chip.scratchpad.macro_bytes = {size}: the CACTI rows of {bits} bits cover macros of {least} to 1024 KB. "
        f"Use {least * KIB} to 1048576 bytes."
    )


def test_macro_price__high_is_horowitz_where_he_covers_the_size():
    """256 KB lies three of the five octaves from 32 KB (20 pJ) to 1 MB (100 pJ): 20 * 5 ** 0.6."""
    high = macro_price(256 * KIB, 64, LSTP, "high")
    assert high.read_pj == pytest.approx(20 * 5**0.6, rel=1e-12)
    assert high.write_pj == high.read_pj
    assert macro_price(256 * KIB, 64, LSTP, "low") == macro_price(256 * KIB, 64, LSTP)
    for kb, bits in ((4, 64), (256, 128)):
        assert macro_price(kb * KIB, bits, LSTP, "high") == macro_price(kb * KIB, bits, LSTP)


def test_sram_price__macros_and_wires_by_hand():
    """64 macros of 4 KB are a square of 0.93 mm; 3/4 of that, less 3/4 of a macro's 0.116 mm, is 0.61 mm of wire."""
    found = sram_price(ScratchpadSpec(capacity_bytes=256 * KIB, macro_bytes=4 * KIB), LSTP)
    read, write, leak, area = oracle.SRAM[4]
    assert (found.macros, found.macro.read_pj, found.macro.write_pj) == (64, float(read), float(write))
    assert (found.leak_mw, found.area_mm2) == (pytest.approx(float(64 * leak)), pytest.approx(float(64 * area)))
    assert found.wire_mm == pytest.approx(0.75 * (8 - 1) * math.sqrt(float(area)))
    assert found.wire_mm == pytest.approx(0.610, abs=5e-4)
    assert sram_price(ScratchpadSpec(capacity_bytes=4 * KIB, macro_bytes=4 * KIB), LSTP).wire_mm == 0


@pytest.mark.parametrize(
    ("given", "macro", "macros", "ports"),
    [
        ({"capacity_bytes": 256 * KIB, "banks": 16}, 16 * KIB, 16, 16),
        ({"capacity_bytes": 256 * KIB, "banks": 16, "macro_bytes": 4 * KIB}, 4 * KIB, 64, 16),
        ({"capacity_bytes": 20 * KIB, "banks": 16, "macro_bytes": 4 * KIB}, 4 * KIB, 5, 5),
        ({"capacity_bytes": 110_593, "banks": 16}, 6913, 16, 16),
        ({"capacity_bytes": 8 * KIB, "banks": 16}, 2 * KIB, 4, 4),
        ({"capacity_bytes": 64 << 20, "banks": 16}, 1 << 20, 64, 16),
    ],
    ids=str,
)
def test_scratchpad__macros_and_ports(given, macro, macros, ports):
    pad = ScratchpadSpec.from_mapping(given, "pad")
    assert (pad.macro_bytes, pad.macros, pad.ports) == (macro, macros, ports)


def test_law__more_sram_never_costs_dynamic_energy_beyond_wires():
    """3 technologies x 2 words x 5 macros x 4 numbers of banks x 21 capacities: every step up from every capacity.

    What an access to the larger memory costs more is exactly its longer wires; wires never shorten, and ports,
    leakage and area never fall.
    """
    chip, settings = registry.load("chips", "edge_16x16_flat", AcceleratorSpec, "--chip"), 0
    capacities = [KIB << shift for shift in range(1, 13)] + [KIB * odd for odd in (3, 5, 7, 17, 33, 65, 100, 300, 1025)]
    for technology in TECHNOLOGIES.values():
        for word_bits in (64, 128):
            for macro_kb in (2, 3, 4, 16, 64):
                for banks in (1, 4, 16, 32):
                    pad = chip.changed("scratchpad", word_bits=word_bits, banks=banks, macro_bytes=macro_kb * KIB)
                    last = None
                    for capacity in sorted(capacities):
                        now = _lines(pad.changed("scratchpad", capacity_bytes=capacity), technology)
                        if last is not None:
                            for event in ("word read", "word written"):
                                more = sum(now[key] - last[key] for key in (event, f"wires of a {event}"))
                                longer = now[f"wires of a {event}"] - last[f"wires of a {event}"]
                                assert more == pytest.approx(longer, rel=1e-12, abs=1e-12)
                                assert longer >= -1e-12
                            assert all(last[key] <= now[key] for key in ("leak", "ports", "area"))
                        last, settings = now, settings + 1
    assert settings == 2520


def _lines(chip, technology):
    """Prices of an access to the scratchpad as a run pays them, its leakage and area, and its ports."""
    lines = {line.event: line.unit_pj for line in price_list(chip, Precision(), technology, "typical")}
    found = {event: lines[event] for way in ("word read", "word written") for event in (way, f"wires of a {way}")}
    return found | {
        "leak": lines["cycle of the scratchpad"],
        "ports": chip.scratchpad.ports,
        "area": sram_price(chip.scratchpad, technology.sram).area_mm2,
    }
