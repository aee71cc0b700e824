"""The page of one simulated run."""

from collections.abc import Callable, Mapping
from typing import Any

from lls_hw.costs.totals import TOTALS, totals_of
from lls_hw.report.chart import Card, Chart, Page, Section, Table
from lls_hw.report.formatting import energy, factor, flat, full, kib, short
from lls_hw.report.levels import level_of
from lls_hw.report.roofline import run_roofline
from lls_hw.report.run_costs import cycles_chart, energy_chart, memory_chart
from lls_hw.report.run_data import RunData, rule_name, run_data
from lls_hw.report.run_numbers import float_chart, loss_table, saturation_table
from lls_hw.report.run_time import occupancy_chart, timeline_chart

MAC_NOTE = (
    "Multiply-accumulates count the whole batch. Training step: everything. Learning signal: what tells the weights "
    "their error (backpropagation: input-gradient products; LLS: projections, back-projections and modulation). "
    "Inference: the forward products."
)
SAID: Mapping[str, Callable[[float], str]] = {"µJ": energy, "bytes": kib}
"""The spelling of a value of this unit in a headline."""


def run_page(data: Mapping[str, Any], title: str | None) -> Page:
    """Everything the run's file holds; what it does not hold is named in a sentence."""
    inputs = data.get("inputs") or {}
    found, totals = run_data(data), data.get("totals")
    net, chip = (str((inputs.get(key) or {}).get("name", "?")) for key in ("network", "chip"))
    return Page(
        kind="run",
        title=title or f"{net} with {found.rule}",
        subtitle=f"One training step on {chip}, batch {inputs.get('batch', '?')}, {widths_text(inputs)}",
        cards=_cards(data),
        sections=(
            _totals(data),
            *(_costs(data, found) if totals and found.ours else (_without("costs", "Costs", "--no-costs"),)),
            _numbers(data),
            Section(
                key="inputs", title="Inputs", tables=(("Every resolved input", inputs_table(inputs)),), folded=True
            ),
        ),
        version=str(data.get("version", "")),
    )


def widths_text(inputs: Mapping[str, Any]) -> str:
    """Word widths in a few characters.

    Examples
    --------
    >>> widths_text({"precision": {"weight_bits": 8, "activation_bits": 8, "error_bits": 8, "master_bits": 16}})
    'words w8 a8 e8 m16'
    """
    precision = inputs.get("precision") or {}
    roles = (("w", "weight_bits"), ("a", "activation_bits"), ("e", "error_bits"), ("m", "master_bits"))
    return "words " + " ".join(f"{short_name}{precision[key]}" for short_name, key in roles if key in precision)


def inputs_table(inputs: Mapping[str, Any]) -> Table:
    """Dotted names and values."""
    return Table(headings=("input", "value"), rows=tuple(flat(dict(inputs))))


def _without(key: str, title: str, option: str) -> Section:
    return Section(key=key, title=title, text=(f"This run was made with {option}: it has no such numbers.",))


def _cards(data: Mapping[str, Any]) -> tuple[Card, ...]:
    totals, baseline = data.get("totals"), data.get("baseline")
    if not totals:
        return ()
    theirs, ratio = (baseline or {}).get("totals"), (baseline or {}).get("ratio") or {}
    name = (baseline or {}).get("rule")

    cards = []
    for total in totals_of("compare"):
        said = SAID.get(total.unit, short)
        other = f"{name}: {said(total.value(theirs))}, {factor(ratio.get(total.ratio))}" if theirs else ""
        more = _by_sources(totals) if total.key == "energy_uj" else ""
        beside = tuple(text for text in (other, more) if text)
        title = total.label[0].upper() + total.label[1:]
        cards.append(Card(name=title, value=said(total.value(totals)), beside=beside))
    return tuple(cards)


def _by_sources(totals: Mapping[str, Any]) -> str:
    low, high = (TOTALS[key].value(totals) for key in ("energy_low_uj", "energy_high_uj"))
    return f"{energy(low)} to {energy(high)} by the sources"


def _totals(data: Mapping[str, Any]) -> Section:
    totals, baseline = data.get("totals"), data.get("baseline")
    if not totals:
        return Section(key="totals", title="Totals", text=("This run was made with --no-costs: it has no totals.",))
    name = rule_name(data)
    text = [MAC_NOTE]
    tables = [("Totals of one training step", totals_table(name, totals, baseline))]
    if baseline is None:
        text.insert(0, "No baseline was asked for (--baseline none), so nothing stands beside these numbers.")
    tensors = totals.get("sram_peak_tensors")
    if tensors:
        rows = tuple((tensor, size) for tensor, size in tensors.items())
        tables.append(
            ("What fills the scratchpad at its fullest", Table(headings=("tensor or buffer", "bytes"), rows=rows))
        )
    return Section(key="totals", title="Totals", text=tuple(text), tables=tuple(tables))


def totals_table(name: str, totals: Mapping[str, Any], baseline: Mapping[str, Any] | None) -> Table:
    """Every total, beside the baseline's."""
    rows = []
    for total in totals_of("page"):
        own = total.value(totals)
        if own is None:
            continue
        row = [total.title, own]
        if baseline:
            quotient = (baseline.get("ratio") or {}).get(total.ratio)
            row += [total.value(baseline["totals"]), factor(quotient) if quotient is not None else ""]
        rows.append(tuple(row))
    more = (str(baseline["rule"]), f"{baseline['rule']} / {name}") if baseline else ()
    return Table(headings=("quantity", name, *more), rows=tuple(rows))


def _costs(data: Mapping[str, Any], found: RunData) -> tuple[Section, ...]:
    totals, chip = data["totals"], (data.get("inputs") or {}).get("chip")
    memory = memory_chart(found, totals, (data.get("baseline") or {}).get("totals"))
    costs = (energy_chart(found), cycles_chart(found), memory)
    moved = sum(sum(stage["dram_bytes"].values()) for stage in found.ours)
    roof = [run_roofline(found, chip)] if chip and moved else []
    return (
        Section(key="costs", title="Energy, cycles and memory", charts=costs),
        Section(key="time", title="What happens when", charts=_times(data)),
        Section(key="roof", title="What limits the speed", charts=tuple(roof)),
    )


def _times(data: Mapping[str, Any]) -> tuple[Chart, ...]:
    totals = data["totals"]
    capacity = level_of((data.get("inputs") or {}).get("chip") or {}, "sram").get("capacity_bytes")
    return (
        timeline_chart(data["timeline"], totals["cycles"]),
        occupancy_chart(data["occupancy"], capacity, totals["sram_peak_bytes"], totals["sram_peak_tensors"]),
    )


def _numbers(data: Mapping[str, Any]) -> Section:
    numerics, title = data.get("numerics"), "What the integers did"
    if not numerics:
        return _without("numbers", title, "--no-numerics")
    rows = numerics.get("against_float") or []
    text = [
        f"Codes saturated: {numerics['saturated']:,}. "
        f"Accumulators overflowed: {numerics.get('accumulator_overflows', 0):,}."
    ]
    if numerics["loss"] is not None:
        text[0] = (
            f"Loss of the classifier in the last step: {full(numerics['loss'])}. {text[0]} Of the updates that wanted "
            f"to move a weight, {100 * numerics['lost_update_fraction']:.1f} % moved no code."
        )
    if not rows:
        text.append("Nothing was held against float.")
    tables = [("Codes saturated", saturation_table(numerics)), ("Loss by block", loss_table(numerics))]
    return Section(
        key="numbers",
        title=title,
        text=tuple(text),
        charts=(float_chart(rows),) if rows else (),
        tables=tuple((name, table) for name, table in tables if table),
    )
