"""Costs of a step, as tables for people."""

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from lls_hw.costs.json import ratios, stage_stalls, stage_utilization, totals_json
from lls_hw.costs.step import Costs
from lls_hw.costs.totals import PART_LABELS, totals_of
from lls_hw.models.spec.accelerator import AcceleratorSpec

SMALL_BYTES = 1024
"""Tensors from here on are named where the scratchpad's contents are listed."""
PART_HEADINGS = {"leakage": "leak"}
"""Parts of the energy whose name is too long for a column."""


def stage_table(costs: Costs, *, wide: bool = False) -> Table:
    """Layer x stage: cycles, stalls, utilization of the array, energy (`wide`: each part too), DRAM traffic."""
    table = Table(title=f"one training step of {costs.rule}, layer by layer", title_justify="left")
    for name, justify in (
        ("layer", "left"),
        ("stage", "left"),
        ("cycles", "right"),
        ("stall", "right"),
        ("util", "right"),
    ):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    parts = (*PART_LABELS, "static") if wide else ()
    for name in ("uJ", *(PART_HEADINGS.get(part, part) for part in parts), "DRAM KiB"):
        table.add_column(name, justify="right", no_wrap=True)
    last = ""
    for stage, energy in zip(costs.events.stages, costs.stage_energy, strict=True):
        split = {**energy.to_uj(), "static": energy.static * 1e-6}
        moved = stage.counts.dram_read_bytes + stage.counts.dram_write_bytes
        table.add_row(
            stage.layer if stage.layer != last else "",
            stage.stage,
            f"{stage.cycles:,}",
            _percent(stage_stalls(stage), stage.cycles),
            f"{100 * stage_utilization(costs, stage):.0f}%",
            *(f"{split[key]:.2f}" for key in ("total", *parts)),
            f"{moved / 1024:,.1f}",
        )
        last = stage.layer
    return table


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}%" if whole else "-"


def totals_table(costs: Costs, baseline: Costs | None, chip: AcceleratorSpec) -> Table:
    """Totals of one step, beside the baseline's; the scratchpad's peak with its capacity."""
    table = Table(title="totals of one training step", title_justify="left")
    table.add_column("")
    table.add_column(costs.rule, justify="right")
    if baseline is not None:
        table.add_column(baseline.rule, justify="right")
        table.add_column(f"{baseline.rule} / {costs.rule}", justify="right")
    ours, theirs = totals_json(costs), totals_json(baseline) if baseline is not None else {}
    quotients = ratios(costs, baseline) if baseline is not None else {}
    for total in totals_of("terminal"):
        limit = f" of {in_kib(chip.scratchpad.capacity_bytes)}" if total.key == "sram_peak_bytes" else ""
        row = [total.heading + limit, total.text(total.value(ours))]
        if baseline is not None:
            quotient = quotients.get(total.ratio)
            row += [total.text(total.value(theirs)), f"{quotient:.2f}" if quotient is not None else ""]
        table.add_row(*row)
    return table


def closing_text(costs: Costs, chip: AcceleratorSpec) -> Text:
    """Lines below the tables: the fullest moment of the scratchpad, and the convention of the MACs."""
    events = costs.events
    held = chip.scratchpad.capacity_bytes
    second = ""
    if chip.second is not None:
        there = _sizes(events.second_tensors)
        fullest, most = in_kib(events.second_peak_bytes), in_kib(chip.second.capacity_bytes)
        second = f"second level peak {fullest} of {most} KiB: {there}\n"
    peak = f"{in_kib(events.scratchpad_peak_bytes)} of {in_kib(held)} KiB: {_sizes(events.peak_tensors)}"
    return Text(
        f"scratchpad peak {peak}\n{second}"
        "static energy: the DRAM's background power and leakage, over all cycles; the rest is dynamic\n"
        "MACs count the whole batch; learning signal: BP's input-gradient products, "
        "LLS's projections and modulation."
    )


def in_kib(size_bytes: int) -> str:
    """KiB with as many decimals as they need, at most one.

    Examples
    --------
    >>> in_kib(262_144), in_kib(261_904), in_kib(16)
    ('256', '255.8', '0.0')
    """
    return f"{size_bytes / 1024:,.1f}".removesuffix(".0") if size_bytes >= 1024 else f"{size_bytes / 1024:.1f}"


def _sizes(tensors: Mapping[str, int]) -> str:
    """Names and KiB, the largest first; small ones are counted only."""
    large = {name: size for name, size in tensors.items() if size >= SMALL_BYTES}
    named = [f"{name} {in_kib(size)}" for name, size in large.items()]
    others = len(tensors) - len(large)
    return ", ".join([*named, f"{others} smaller than 1 KiB"] if others else named)
