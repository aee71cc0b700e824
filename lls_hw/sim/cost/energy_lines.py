"""The price list of one chip: a line for every kind of event and for every power."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from lls_hw.models.registry import dram_device
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.dram_device import DramDeviceSpec
from lls_hw.models.spec.precision import Precision
from lls_hw.models.spec.technology import Level, TechnologySpec
from lls_hw.sim.cost.accumulators import accumulator_price
from lls_hw.sim.cost.energy_sram import sram_price
from lls_hw.sim.cost.energy_unit import Cost, Prices, entry_cost

Part = Literal["array", "sram", "dram_transfer", "dram_activate", "dram_background", "vector", "local", "leakage"]
SECOND = "chip.second"
PARTS: tuple[Part, ...] = get_args(Part)
DRAM_PARTS: tuple[Part, ...] = ("dram_transfer", "dram_activate", "dram_background")


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLine:
    """Price of one event. `counted` names the field of `Counts`, or `cycles`."""

    part: Part
    event: str
    counted: str
    unit_pj: float
    source: str


@lru_cache(maxsize=256)
def price_list(
    chip: AcceleratorSpec, precision: Precision, technology: TechnologySpec, level: Level
) -> tuple[PriceLine, ...]:
    """Every event's price on this chip; made once for all the stages of a run.

    Raises
    ------
    SpecError : the technology cannot price this chip: no arithmetic, no such word, no such capacity.
    """
    prices = Prices(technology=technology, precision=precision, level=level)
    cycle_ns = 1000.0 / chip.clock_mhz
    powers = (*_dram_powers_mw(chip, prices), *_powers_mw(chip, prices))
    timed = ((part, event, counted, cost * cycle_ns) for part, event, counted, cost in powers)
    lines = (*_array(prices), *_memories(chip, prices), *_vector(prices), *_local(chip, prices), *timed)
    return tuple(
        PriceLine(part=part, event=event, counted=counted, unit_pj=cost.amount, source="; ".join(cost.sources))
        for part, event, counted, cost in lines
    )


EnergyTerm = tuple[Part, str, str, Cost]


def _array(prices: Prices) -> Iterator[EnergyTerm]:
    p = prices.precision
    kinds = (
        ("weight x activation", "macs_weight_activation", p.weight_bits, p.activation_bits),
        ("weight x error", "macs_weight_error", p.weight_bits, p.error_bits),
        ("activation x error", "macs_activation_error", p.activation_bits, p.error_bits),
    )
    for name, counted, a, b in kinds:
        yield "array", f"MAC {name} ({a}x{b}+{p.accumulator_bits})", counted, prices.array_mac(a * b)
    inside = Cost(0.0, ("inside the synthesised element's MAC",))
    bit = prices.register(1) if prices.technology.element is None else inside
    yield "array", "register bit", "array_register_bits", bit


def _memories(chip: AcceleratorSpec, prices: Prices) -> Iterator[EnergyTerm]:
    technology, level = prices.technology, prices.level
    table = technology.sram
    pad = sram_price(chip.scratchpad, table, level)
    sources = (table.source,) if level == "typical" else (table.source, *(o.source for o in table.others))
    wires = entry_cost(technology.wire, level, chip.scratchpad.word_bits * pad.wire_mm)
    for event, counted, macro_pj in (
        ("word read", "scratchpad_read_words", pad.macro.read_pj),
        ("word written", "scratchpad_write_words", pad.macro.write_pj),
    ):
        yield "sram", event, counted, Cost(macro_pj, sources)
        yield "sram", f"wires of a {event}", counted, wires
    if (sums := accumulator_price(chip, table, level, sum_bits=prices.precision.accumulator_bits)) is not None:
        yield "sram", "accumulator read", "accumulator_reads", Cost(sums.macro.read_pj, sources)
        yield "sram", "accumulator written", "accumulator_writes", Cost(sums.macro.write_pj, sources)
    if chip.second is not None:
        outer = sram_price(chip.second, table, level, SECOND)
        wires = entry_cost(technology.wire, level, chip.second.word_bits * outer.wire_mm)
        for event, counted, macro_pj in (
            ("second-level word read", "second_read_words", outer.macro.read_pj),
            ("second-level word written", "second_write_words", outer.macro.write_pj),
        ):
            yield "sram", event, counted, Cost(macro_pj, sources)
            yield "sram", f"wires of a {event}", counted, wires
    if (device := _dram(chip, prices)) is not None:
        controller = entry_cost(technology.dram_controller_bit, level, 8)
        phy = entry_cost(device.phy_bit, level, 8)
        for event, counted, bit in (
            ("byte read", "dram_read_bytes", device.read_bit),
            ("byte written", "dram_write_bytes", device.write_bit),
        ):
            yield "dram_transfer", event, counted, entry_cost(bit, level, 8)
            yield "dram_transfer", f"PHY of a {event}", counted, phy
            yield "dram_transfer", f"controller of a {event}", counted, controller
        yield "dram_activate", "row activate", "dram_activates", entry_cost(device.activate, level)


def _dram(chip: AcceleratorSpec, prices: Prices) -> DramDeviceSpec | None:
    device, figures = dram_device(chip), prices.technology.dram
    return device if device is None or figures is None else figures.instead_of(device)


def _vector(prices: Prices) -> Iterator[EnergyTerm]:
    yield "vector", "narrow MAC", "vector_macs", prices.unit_mac(prices.widest_product)
    yield "vector", "wide MAC", "vector_wide_macs", prices.unit_mac(prices.precision.master_bits**2)
    yield "vector", "multiply", "vector_multiplies", prices.unit_multiply(prices.precision.master_bits**2)
    yield "vector", "add", "vector_adds", prices.unit_add()
    yield "vector", "compare", "vector_compares", prices.unit_compare()
    yield "vector", "shift", "vector_shifts", prices.unit_shift()
    yield "vector", "divide", "vector_divides", prices.divide()
    yield "vector", "requantise", "requantises", prices.requantise()
    yield "vector", "random draw", "rng_draws", prices.draw()
    yield "vector", "peak", "peaks", prices.peak()


def _local(chip: AcceleratorSpec, prices: Prices) -> Iterator[EnergyTerm]:
    table = prices.table_row(chip.scratchpad.word_bits)
    read = Cost(table.read_pj, (f"{prices.technology.sram.source}, {table.size_kb} KB",))
    yield "local", "MAC", "local_macs", prices.unit_mac(prices.local_word_bits**2)
    yield "local", "multiply", "local_multiplies", prices.unit_multiply(prices.local_word_bits**2)
    yield "local", "add", "local_adds", prices.unit_add()
    yield "local", "compare", "local_compares", prices.unit_compare()
    yield "local", "shift", "local_shifts", prices.unit_shift()
    yield "local", "divide", "local_divides", prices.divide()
    yield "local", "requantise", "local_requantises", prices.requantise()
    yield "local", "softmax table read", "local_table_reads", read
    yield "local", "basis phase step", "phase_steps", prices.phase_step(chip.local.phase_bits)


def _dram_powers_mw(chip: AcceleratorSpec, prices: Prices) -> Iterator[EnergyTerm]:
    """The DRAM's powers, state by state; refreshes on command and the PHY are on in all but self refresh."""
    device, level = _dram(chip, prices), prices.level
    if device is None:
        return
    on = entry_cost(device.refresh, level) + entry_cost(device.phy, level)
    states = (
        ("active standby", "dram_active_cycles", entry_cost(device.active_standby, level) + on),
        ("precharge standby", "dram_standby_cycles", entry_cost(device.precharge_standby, level) + on),
        ("power-down", "dram_power_down_cycles", entry_cost(device.power_down, level) + on),
        ("self refresh", "dram_self_refresh_cycles", entry_cost(device.self_refresh, level)),
    )
    for state, counted, power in states:
        yield "dram_background", f"cycle in {state}", counted, power


def _powers_mw(chip: AcceleratorSpec, prices: Prices) -> Iterator[EnergyTerm]:
    """Leakage while units are powered; of the scratchpad, a part for as long as a macro holds something."""
    level, p, sram = prices.level, prices.precision, prices.technology.sram
    share, acc = prices.leakage.powered_share, p.accumulator_bits
    shifter = entry_cost(prices.leakage.shifter, level, acc)
    wide = max(prices.widest_product, p.master_bits**2)
    phase = chip.local.phase_bits if chip.local.basis == "generated" else 0
    table = Cost(prices.table_row(chip.scratchpad.word_bits).leak_total_mw, (sram.source,))
    pad, idle = sram_price(chip.scratchpad, sram), chip.scratchpad.idle_leak_share
    vector = prices.leak_mw(wide, acc, acc) + shifter
    local = prices.leak_mw(prices.local_word_bits**2, acc + phase, acc + phase)
    elements = chip.array.rows * chip.array.cols
    yield "leakage", "cycle of the array", "cycles", prices.leak_element_mw(chip) * (elements * share)
    yield "leakage", "cycle of the scratchpad", "cycles", Cost(pad.leak_mw, (sram.source,)) * (share * idle)
    used = Cost(pad.macro.leak_mw, (sram.source,)) * (share * (1 - idle))
    yield "leakage", "cycle of a macro in use, beyond an idle one's", "scratchpad_macro_cycles", used
    if (sums := accumulator_price(chip, sram, sum_bits=acc)) is not None:
        yield "leakage", "cycle of the accumulators", "cycles", Cost(sums.leak_mw, (sram.source,)) * share
    if chip.second is not None:
        outer = sram_price(chip.second, sram, where=SECOND)
        yield "leakage", "cycle of the second level", "cycles", Cost(outer.leak_mw, (sram.source,)) * share
    yield "leakage", "cycle of the vector unit", "cycles", vector * (chip.vector.lanes * share)
    yield "leakage", "cycle of the local unit", "cycles", (local * chip.local.lanes + table) * share
