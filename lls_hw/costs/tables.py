"""What a step costs, as tables for people."""

from rich.table import Table
from rich.text import Text

from lls_hw.costs.json import ratios, stage_stalls, stage_utilization
from lls_hw.costs.step import Costs
from lls_hw.models.spec.accelerator import AcceleratorSpec


def stage_table(costs: Costs) -> Table:
    """Layer x stage: cycles, stalls, utilization of the array, energy split, DRAM bytes."""
    table = Table(title=f"one training step of {costs.rule}, layer by layer", title_justify="left")
    for name, justify in (
        ("layer", "left"),
        ("stage", "left"),
        ("cycles", "right"),
        ("stall", "right"),
        ("util", "right"),
    ):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for name in ("uJ", "array", "sram", "dram", "vector", "local", "leak", "DRAM kB"):
        table.add_column(name, justify="right", no_wrap=True)
    last = ""
    for stage, energy in zip(costs.events.stages, costs.stage_energy, strict=True):
        split = energy.to_uj()
        moved = stage.counts.dram_read_bytes + stage.counts.dram_write_bytes
        table.add_row(
            stage.layer if stage.layer != last else "",
            stage.stage,
            f"{stage.cycles:,}",
            _percent(stage_stalls(stage), stage.cycles),
            f"{100 * stage_utilization(costs, stage):.0f}%",
            *(f"{split[key]:.2f}" for key in split),
            f"{moved / 1000:,.1f}",
        )
        last = stage.layer
    return table


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}%" if whole else "-"


def totals_table(costs: Costs, baseline: Costs | None) -> Table:
    """Totals of one step, beside the baseline's."""
    table = Table(title="totals of one training step", title_justify="left")
    table.add_column("")
    table.add_column(costs.rule, justify="right")
    if baseline is not None:
        table.add_column(baseline.rule, justify="right")
        table.add_column(f"{baseline.rule} / {costs.rule}", justify="right")
    quotients = ratios(costs, baseline) if baseline is not None else {}
    theirs = dict(_total_rows(baseline)) if baseline is not None else {}
    keys = {
        "cycles": "cycles", "energy, uJ": "energy", "peak scratchpad, kB": "sram_peak",
        "training memory, kB": "training_memory",
        "MACs, training step, M": "training_step_macs", "MACs, learning signal, M": "learning_signal_macs",
        "DRAM traffic, kB": "dram_bytes",
    }  # fmt: skip
    for name, value in _total_rows(costs):
        row = [name, value]
        if baseline is not None:
            quotient = quotients.get(keys.get(name, ""))
            row += [theirs[name], f"{quotient:.2f}" if quotient is not None else ""]
        table.add_row(*row)
    return table


def _total_rows(costs: Costs) -> list[tuple[str, str]]:
    split, events = costs.energy.to_uj(), costs.events
    low, high = costs.energy_uj_low_high
    moved = events.counts.dram_read_bytes + events.counts.dram_write_bytes
    return [
        ("cycles", f"{events.cycles:,}"),
        ("time, ms", f"{costs.time_ms:.3f}"),
        ("array utilization", f"{100 * events.utilization:.1f}%"),
        ("energy, uJ", f"{split['total']:,.1f}"),
        ("  low - high, uJ", f"{low:,.0f} - {high:,.0f}"),
        *((f"  {part}, uJ", f"{split[part]:,.1f}") for part in split if part != "total"),
        ("DRAM traffic, kB", f"{moved / 1000:,.1f}"),
        ("peak scratchpad, kB", f"{events.scratchpad_peak_bytes / 1000:,.1f}"),
        ("training memory, kB", f"{costs.program.training_memory_bytes() / 1000:,.1f}"),
        ("MACs, training step, M", f"{costs.macs.training_step / 1e6:,.2f}"),
        ("MACs, learning signal, M", f"{costs.macs.learning_signal / 1e6:,.3f}"),
        ("MACs, inference, M", f"{costs.macs.inference / 1e6:,.2f}"),
        ("average power, mW", f"{costs.average_power_mw:,.1f}"),
        ("energy-delay product, uJ ms", f"{costs.edp_uj_ms:,.1f}"),
        ("area (SRAM macros), mm2", f"{costs.area_mm2:.3f}"),
    ]


def closing_text(costs: Costs, chip: AcceleratorSpec) -> Text:
    """What stands below the tables: what filled the scratchpad most, and what the MACs count."""
    events = costs.events
    peak = ", ".join(f"{name} {size:,}" for name, size in events.peak_tensors.items())
    held = chip.scratchpad.capacity_bytes
    return Text(
        f"scratchpad peak {events.scratchpad_peak_bytes:,} of {held:,} bytes: {peak}\n"
        "MACs count the whole batch; learning signal: BP's input-gradient products, "
        "LLS's projections and modulation."
    )
