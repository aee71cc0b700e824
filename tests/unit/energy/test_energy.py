"""Prices against hand calculations, and the laws of addition."""

import doctest
import math
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lls_hw.models import registry
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.precision import Precision, parse_bits
from lls_hw.models.spec.technology import LEVELS, TechnologySpec
from lls_hw.sim.cost import area, counts, energy, energy_sram, energy_unit
from lls_hw.sim.cost.counts import NAMES, Counts
from lls_hw.sim.cost.energy import PARTS, Energy, explain_energy, price, price_low_high
from tests.oracles import energy as oracle

BITS = Precision()
WIRES = oracle.wires_pj(64, oracle.SRAM[4][3])
PINS = oracle.PHY_BIT + oracle.CONTROLLER_BIT
SECOND = {"capacity_bytes": 1 << 18, "word_bits": 64, "macro_bytes": 4096}
HAND = {  # event -> (part, pJ each at w8,a8,e8,m16,acc32, 64 macros of 4 KB, 48-bit phases, 5 ns)
    "array_register_bits": ("array", oracle.REGISTER_BIT),
    "scratchpad_read_words": ("sram", oracle.SRAM[4][0] + WIRES),
    "scratchpad_write_words": ("sram", oracle.SRAM[4][1] + WIRES),
    "accumulator_reads": ("sram", oracle.SUMS_1KB[0]),  # two banks of 256 entries of 32 bits
    "accumulator_writes": ("sram", oracle.SUMS_1KB[1]),
    "second_read_words": ("sram", oracle.SRAM[4][0] + WIRES),  # of the scratchpad's size and macros
    "second_write_words": ("sram", oracle.SRAM[4][1] + WIRES),
    "scratchpad_macro_cycles": ("leakage", 0),
    "dram_read_bytes": ("dram_transfer", 8 * (oracle.DRAM_READ + PINS)),
    "dram_write_bytes": ("dram_transfer", 8 * (oracle.DRAM_WRITE + PINS)),
    "dram_activates": ("dram_activate", oracle.DRAM_ACTIVATE),
    "dram_active_cycles": ("dram_background", 5 * (oracle.LPDDR3_MW["idd3n"] + oracle.ON_MW)),
    "dram_standby_cycles": ("dram_background", 5 * (oracle.LPDDR3_MW["idd2n"] + oracle.ON_MW)),
    "dram_power_down_cycles": ("dram_background", 5 * (oracle.LPDDR3_MW["idd2p"] + oracle.ON_MW)),
    "dram_self_refresh_cycles": ("dram_background", 5 * oracle.SELF_REFRESH_MW),
    "vector_macs": ("vector", oracle.multiply(8, 8) + oracle.lane_add(32)),
    "vector_wide_macs": ("vector", oracle.multiply(16, 16) + oracle.lane_add(32)),
    "vector_multiplies": ("vector", oracle.multiply(16, 16) + 32 * oracle.REGISTER_BIT),
    "vector_adds": ("vector", oracle.lane_add(32)),
    "vector_compares": ("vector", oracle.COMPARE32 + 32 * oracle.REGISTER_BIT),
    "vector_shifts": ("vector", oracle.SHIFT32 + oracle.lane_add(32)),
    "vector_divides": ("vector", 32 * oracle.lane_add(32)),
    "requantises": ("vector", oracle.requantise(32)),
    "rng_draws": ("vector", oracle.draw()),
    "peaks": ("vector", oracle.COMPARE32),
    "local_macs": ("local", oracle.multiply(16, 16) + oracle.lane_add(32)),
    "local_multiplies": ("local", oracle.multiply(16, 16) + 32 * oracle.REGISTER_BIT),
    "local_adds": ("local", oracle.lane_add(32)),
    "local_compares": ("local", oracle.COMPARE32 + 32 * oracle.REGISTER_BIT),
    "local_shifts": ("local", oracle.SHIFT32 + oracle.lane_add(32)),
    "local_requantises": ("local", oracle.requantise(32)),
    "local_divides": ("local", 32 * oracle.lane_add(32)),
    "local_table_reads": ("local", oracle.SRAM[2][0]),
    "phase_steps": ("local", oracle.add(48) + 48 * oracle.REGISTER_BIT),
}


def test_price__hand_table_covers_every_event():
    assert {*HAND, "macs", "macs_weight_error", "macs_activation_error"} == set(NAMES)


@pytest.mark.parametrize("event", HAND)
def test_price__one_event_by_hand(event, chip, technology):
    part, each_pj = HAND[event]
    with_all = chip.changed("accumulators", entries=512).changed("second", **SECOND)
    found = price(Counts(**{event: 1000}), cycles=0, chip=with_all, precision=BITS, technology=technology)
    assert getattr(found, part) == pytest.approx(float(1000 * each_pj), rel=2e-5)  # tables hold five digits
    assert found.total == getattr(found, part)


@pytest.mark.parametrize(
    ("bits", "kind", "widths"),
    [
        ("8", "macs_weight_activation", (8, 8, 32)),
        ("w4,a8,e16", "macs_weight_activation", (4, 8, 32)),
        ("w4,a8,e16", "macs_weight_error", (4, 16, 32)),
        ("w4,a8,e16", "macs_activation_error", (8, 16, 32)),
        ("16", "macs_activation_error", (16, 16, 48)),
    ],
)
def test_price__macs_at_their_own_widths(bits, kind, widths, chip, technology):
    extra = {} if kind == "macs_weight_activation" else {kind: 10}
    a, b, acc = widths
    found = price(Counts(macs=10, **extra), cycles=0, chip=chip, precision=parse_bits(bits), technology=technology)
    assert found.array == pytest.approx(float(10 * (oracle.multiply(a, b) + oracle.add(acc))), rel=1e-12)


def test_price__mac_of_8_bits_is_the_published_sum(chip, technology):
    """Horowitz: 0.2 pJ multiply + 0.1 pJ add; at 16 bits the multiply is 0.8 pJ (the interpolated figure)."""
    rows = explain_energy(Counts(), cycles=0, chip=chip, precision=BITS, technology=technology)
    assert rows[0].unit_pj == pytest.approx(0.3, rel=1e-15)
    assert oracle.multiply(16, 16) == Fraction("0.8")


def test_price__time_by_hand(chip, technology):
    """10 000 cycles at 200 MHz are 50 000 ns."""
    found = price(Counts(), cycles=10_000, chip=chip, precision=BITS, technology=technology)
    leak = oracle.leakage_mw(elements=256, vector_lanes=16, local_lanes=16, phase_bits=48, macros=64)
    assert found.leakage == pytest.approx(float(50_000 * leak), rel=1e-12)
    assert found.total == found.leakage


def test_price__macros_that_hold_nothing_leak_their_share(chip, technology):
    """Of 64 macros 10 hold something for 1000 cycles; the others leak a quarter."""
    gated = chip.changed("scratchpad", idle_leak_share=0.25)
    used = Counts(scratchpad_macro_cycles=10 * 1000)
    full, less = (
        price(used, cycles=1000, chip=c, precision=BITS, technology=technology).leakage for c in (chip, gated)
    )
    assert full - less == pytest.approx(float(54 * Fraction(3, 4) * 5000 * oracle.SRAM[4][2]), rel=1e-9)


def test_price__leakage_is_a_parameter(chip, technology, busy):
    leakage = technology.leakage.model_copy(update={"powered_share": 0.25})
    gated = technology.model_copy(update={"leakage": leakage})
    full = price(busy, cycles=1000, chip=chip, precision=BITS, technology=technology)
    quarter = price(busy, cycles=1000, chip=chip, precision=BITS, technology=gated)
    assert quarter.leakage == pytest.approx(full.leakage / 4, rel=1e-12)
    assert quarter.dram == full.dram


@pytest.mark.parametrize(
    ("part", "changes", "less_mw"),
    [
        ("array", {"preload_hidden": False}, 256 * 8 * oracle.LEAK_BIT),
        ("local", {"basis": "sram"}, 16 * 48 * (oracle.LEAK_BIT + oracle.LEAK_ADD32 / 32)),
    ],
)
def test_price__hardware_left_out_does_not_leak(part, changes, less_mw, chip, technology):
    less = chip.changed(part, **changes)
    with_, without = (price(Counts(), cycles=1000, chip=c, precision=BITS, technology=technology) for c in (chip, less))
    assert with_.leakage - without.leakage == pytest.approx(float(5000 * less_mw), rel=1e-9)


def test_price__synthesised_element_includes_its_registers(chip, synthesised):
    run = Counts(macs=1000, array_register_bits=40_000)
    found = price(run, cycles=0, chip=chip, precision=BITS, technology=synthesised)
    assert found.array == pytest.approx(203.4, rel=1e-12)
    low, high = price_low_high(run, cycles=0, chip=chip, precision=BITS, technology=synthesised)
    assert (low.array, high.array) == (pytest.approx(203.4), pytest.approx(297.7))


def test_price__synthesised_element_between_square_widths(chip, synthesised):
    """4 x 8 bits lies halfway, in the logarithm of the product, between 4 x 4 and 8 x 8."""
    found = price(Counts(macs=1), cycles=0, chip=chip, precision=parse_bits("w4,a8"), technology=synthesised)
    assert found.array == pytest.approx(math.sqrt(0.0824 * 0.2034), rel=1e-12)


def test_price__synthesised_element_leaks_as_published(chip, synthesised):
    rows = explain_energy(Counts(), cycles=1, chip=chip, precision=BITS, technology=synthesised)
    array = next(row for row in rows if row.event == "cycle of the array")
    assert array.unit_pj == pytest.approx(256 * 16.1062e-3 * 5, rel=1e-12)


def test_price__synthesised_element_never_extrapolated(chip, synthesised):
    rows = tuple(entry for entry in synthesised.element.mac if entry.bits < 8)
    narrow = synthesised.model_copy(update={"element": synthesised.element.model_copy(update={"mac": rows})})
    with pytest.raises(SpecError) as error:
        price(Counts(), cycles=0, chip=chip, precision=BITS, technology=narrow)
    assert str(error.value) == (
        "technology.element.mac = 64: products of 4 to 16 bits x bits were synthesised. "
        "Choose other word widths or a technology without elements."
    )


def test_price__node_without_arithmetic_refused(chip, technology):
    technology = technology.model_copy(update={"logic": None})
    with pytest.raises(SpecError) as error:
        price(Counts(), cycles=0, chip=chip, precision=BITS, technology=technology)
    assert str(error.value) == (
        "technology.logic = 'cmos_45nm': no published arithmetic of 45 nm and no sourced law to "
        "scale another node's. Use cmos_45nm, or add that table with sources to a TOML file of your own."
    )


def test_price__negative_time_refused(chip, technology):
    with pytest.raises(AssertionError, match=r"^-1 cycles for Counts\(.*\): time runs from 0$"):
        price(Counts(), cycles=-1, chip=chip, precision=BITS, technology=technology)


stage_counts = st.builds(
    lambda values: Counts(**{**values, "macs": values["macs"] + 2 * 10**9}),
    st.fixed_dictionaries({name: st.integers(min_value=0, max_value=10**9) for name in NAMES}),
)


@given(st.lists(st.tuples(stage_counts, st.integers(min_value=0, max_value=10**9)), max_size=6))
def test_price__stages_sum_to_the_run(stages):
    chip = registry.load("chips", "edge_16x16_flat", AcceleratorSpec, "--chip")
    technology = registry.load("technology", "cmos_45nm", TechnologySpec, "--technology")

    def at(counts_, cycles):
        return price(counts_, cycles=cycles, chip=chip, precision=BITS, technology=technology)

    parts = sum((at(*stage) for stage in stages), Energy())
    whole = at(sum((c for c, _ in stages), Counts()), sum(cycles for _, cycles in stages))
    for part in (*PARTS, "total"):
        assert getattr(parts, part) == pytest.approx(getattr(whole, part), rel=1e-12)


@pytest.mark.parametrize("name", ["cmos_45nm", "cmos_45nm_synthesised_pe"])
@pytest.mark.parametrize("level", LEVELS)
def test_explain_energy__rows_sum_to_the_price(name, level, chip, busy):
    technology = registry.load("technology", name, TechnologySpec, "--technology")
    rows = explain_energy(busy, cycles=777, chip=chip, precision=BITS, technology=technology, level=level)
    found = price(busy, cycles=777, chip=chip, precision=BITS, technology=technology, level=level)
    for part in PARTS:
        assert math.fsum(row.total_pj for row in rows if row.part == part) == getattr(found, part)
    assert found.total == math.fsum(getattr(found, part) for part in PARTS)
    assert all(row.source for row in rows)
    assert len({(row.part, row.event) for row in rows}) == len(rows)


def test_explain_energy__every_count_has_its_row(chip, technology, busy):
    with_all = chip.changed("accumulators", entries=512).changed("second", **SECOND)
    rows = explain_energy(busy, cycles=777, chip=with_all, precision=BITS, technology=technology)
    expect = {**asdict(busy), "macs": busy.macs_weight_activation}
    levels = ("scratchpad", "second")
    twice = [expect[f"{level}_{way}_words"] for level in levels for way in ("read", "write")]  # macro and wires
    thrice = [expect[f"dram_{way}_bytes"] for way in ("read", "write")]  # device, PHY, controller
    assert sorted(row.count for row in rows) == sorted([*expect.values(), *twice, *thrice, *thrice, *[777] * 6])


@pytest.mark.parametrize("bits", ["2", "4", "8", "w4,a8,e16", "16"])
@pytest.mark.parametrize("name", ["cmos_45nm", "cmos_45nm_synthesised_pe"])
def test_price_low_high__encloses_every_part(name, bits, chip, busy):
    technology = registry.load("technology", name, TechnologySpec, "--technology")
    where = {"cycles": 5000, "chip": chip, "precision": parse_bits(bits), "technology": technology}
    (low, high), found = price_low_high(busy, **where), price(busy, **where)
    for part in (*PARTS, "total"):
        assert getattr(low, part) <= getattr(found, part) <= getattr(high, part)
    assert low.total < found.total < high.total


@pytest.mark.parametrize("name", registry.names("chips"))
def test_price__every_shipped_chip(name, busy):
    chip = registry.load("chips", name, AcceleratorSpec, "--chip")
    technology = registry.load("technology", chip.technology, TechnologySpec, "--technology")
    found = price(busy, cycles=1000, chip=chip, precision=BITS, technology=technology)
    assert all(getattr(found, part) > 0 for part in PARTS)
    assert area.area_mm2(chip, technology) > 0


def test_energy__microjoules_under_the_contract_keys():
    dram = {"dram_transfer": 1e6, "dram_activate": 1.5e6, "dram_background": 0.5e6}
    found = Energy(array=1e6, sram=2e6, **dram, vector=4e6, local=5e6, leakage=6e6).to_uj()
    assert found == pytest.approx(
        {"total": 21, "array": 1, "sram": 2, "dram": 3, "vector": 4, "local": 5, "leakage": 6}
        | {part: pj * 1e-6 for part, pj in dram.items()}
    )


def test_energy__adds_only_energy():
    with pytest.raises(TypeError):
        Energy() + 1


def test_docs__worked_example_holds():
    path = Path(__file__).resolve().parents[3] / "docs" / "energy.md"
    found = doctest.testfile(str(path), module_relative=False)
    assert (found.failed, found.attempted > 8) == (0, True)


@pytest.mark.parametrize("module", [area, counts, energy, energy_sram, energy_unit], ids=lambda m: m.__name__)
def test_doctests(module):
    assert doctest.testmod(module).failed == 0
