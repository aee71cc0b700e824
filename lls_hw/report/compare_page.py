"""The page of a comparison of rules: totals side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

from lls_hw.costs.totals import PART_LABELS, totals_of
from lls_hw.report.chart import Bars, Card, Cell, Chart, Page, Section, Segment, Stack, Table, View
from lls_hw.report.formatting import energy, factor, kib, label, short
from lls_hw.report.run_page import MAC_NOTE, inputs_table, widths_text
from lls_hw.report.style import PARTS

Rules = Sequence[Mapping[str, Any]]


def compare_page(data: Mapping[str, Any], title: str | None) -> Page:
    """One section for each batch size."""
    batches = data.get("batches", [data])
    inputs = batches[0].get("inputs") or {}
    net, chip = (str((inputs.get(key) or {}).get("name", "?")) for key in ("network", "chip"))
    rules = ", ".join(one["rule"] for one in batches[0]["rules"])
    return Page(
        kind="compare",
        title=title or f"{net}: {rules}",
        subtitle=f"One training step on {chip}, {widths_text(inputs)}",
        cards=_cards(batches[0]),
        sections=(
            *(_section(one, many=len(batches) > 1) for one in batches),
            Section(
                key="inputs", title="Inputs", tables=(("Every resolved input", inputs_table(inputs)),), folded=True
            ),
        ),
        version=str(data.get("version", "")),
    )


def _cards(one: Mapping[str, Any]) -> tuple[Card, ...]:
    return tuple(
        Card(
            name=row["rule"],
            value=energy(row["totals"]["energy_uj"]["total"]),
            beside=(
                f"{short(row['totals']['cycles'])} cycles",
                f"training memory {kib(row['totals']['training_memory_bytes'])}",
                *((f"{one['against']} / {row['rule']} energy: {factor(row['ratio'].get('energy'))}",)
                  if row["rule"] != one["against"] else ()),
            ),
        )
        for row in one["rules"]
    )  # fmt: skip


def _section(one: Mapping[str, Any], *, many: bool) -> Section:
    batch = (one.get("inputs") or {}).get("batch", "?")
    end = f"-batch-{batch}" if many else ""
    rules: Rules = one["rules"]
    return Section(
        key=f"rules{end}",
        title=f"Rules at batch {batch}",
        text=(MAC_NOTE,),
        charts=(
            _energy(rules, end),
            _single(rules, end, "cycles", title="Cycles", unit="cycles", scale=1),
            _single(rules, end, "training_memory_bytes", title="Training memory", unit="MiB", scale=1 << 20),
        ),
        tables=((f"Totals at batch {batch}", _totals(rules)),),
    )


def _names(rules: Rules) -> tuple[str, ...]:
    return tuple(str(row["rule"]) for row in rules)


def _energy(rules: Rules, end: str) -> Chart:
    parts = [part for part in rules[0]["totals"]["energy_uj"] if part in PART_LABELS]
    segments = tuple(
        Segment(
            name=label(part, PART_LABELS),
            colour=PARTS.get(part, "@sky"),
            values=tuple(row["totals"]["energy_uj"][part] for row in rules),
        )
        for part in parts
    )
    plot = Bars(rows=_names(rules), stacks=(Stack(name="energy", segments=segments),), title="energy, µJ", unit="µJ")
    totals = [(row["rule"], row["totals"]["energy_uj"]["total"]) for row in rules]
    caption = f"Energy of one training step: {', '.join(f'{name} {energy(value)}' for name, value in totals)}."
    rows: list[tuple[Cell, ...]] = [
        (row["rule"], *(row["totals"]["energy_uj"][part] for part in ("total", *parts))) for row in rules
    ]
    headings = ("rule", "total, µJ", *(f"{label(part, PART_LABELS)}, µJ" for part in parts))
    table = Table(headings=headings, rows=tuple(rows))
    return Chart(key=f"energy{end}", title="Energy", caption=caption, views=(View(name="", plot=plot),), table=table)


def _single(rules: Rules, end: str, key: str, *, title: str, unit: str, scale: int) -> Chart:
    values = tuple(row["totals"][key] / scale for row in rules)
    segment = Segment(name=title, colour="@blue", values=values)
    name = unit if title.lower() == unit else f"{title.lower()}, {unit}"
    plot = Bars(rows=_names(rules), stacks=(Stack(name=title, segments=(segment,)),), title=name, unit=unit)
    words = kib if scale > 1 else short
    said = ", ".join(f"{row['rule']} {words(row['totals'][key])}" for row in rules)
    caption = f"{title} of one training step: {said}."
    table = Table(
        headings=("rule", key.replace("_", " ")), rows=tuple((row["rule"], row["totals"][key]) for row in rules)
    )
    views = (View(name="", plot=plot),)
    return Chart(key=key.replace("_", "-") + end, title=title, caption=caption, views=views, table=table)


def _totals(rules: Rules) -> Table:
    rows = tuple((total.title, *(total.value(row["totals"]) for row in rules)) for total in totals_of("page"))
    return Table(headings=("quantity", *_names(rules)), rows=rows)
