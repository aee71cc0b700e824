"""Costs of a step, as tables for people."""

from rich.table import Table
from rich.text import Text

from lls_hw.costs.json import ratios, stage_stalls, stage_utilization, totals_json
from lls_hw.costs.step import Costs
from lls_hw.costs.totals import PART_LABELS, totals_of
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
            *(f"{split[key]:.2f}" for key in ("total", *PART_LABELS)),
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
    ours, theirs = totals_json(costs), totals_json(baseline) if baseline is not None else {}
    quotients = ratios(costs, baseline) if baseline is not None else {}
    for total in totals_of("terminal"):
        row = [total.heading, total.text(total.value(ours))]
        if baseline is not None:
            quotient = quotients.get(total.ratio)
            row += [total.text(total.value(theirs)), f"{quotient:.2f}" if quotient is not None else ""]
        table.add_row(*row)
    return table


def closing_text(costs: Costs, chip: AcceleratorSpec) -> Text:
    """Lines below the tables: the fullest moment of the scratchpad, and the convention of the MACs."""
    events = costs.events
    peak = ", ".join(f"{name} {size:,}" for name, size in events.peak_tensors.items())
    held = chip.scratchpad.capacity_bytes
    second = ""
    if chip.second is not None:
        there = ", ".join(f"{name} {size:,}" for name, size in events.second_tensors.items())
        second = f"second level peak {events.second_peak_bytes:,} of {chip.second.capacity_bytes:,} bytes: {there}\n"
    return Text(
        f"scratchpad peak {events.scratchpad_peak_bytes:,} of {held:,} bytes: {peak}\n{second}"
        "MACs count the whole batch; learning signal: BP's input-gradient products, "
        "LLS's projections and modulation."
    )
