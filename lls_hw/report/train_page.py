"""The page of one training: curves in integers beside float, losses, saturation, ranges."""

from collections.abc import Mapping, Sequence
from typing import Any

from lls_hw.report.chart import XY, Axis, Bars, Card, Chart, Page, Section, Segment, Series, Stack, Table, View
from lls_hw.report.formatting import energy, short
from lls_hw.report.run_data import rule_name
from lls_hw.report.run_page import inputs_table, widths_text
from lls_hw.report.style import DASHES, SERIES, SYMBOLS

CurveRows = Sequence[Mapping[str, Any]]


def train_page(data: Mapping[str, Any], title: str | None) -> Page:
    """Everything the training's file holds."""
    inputs = data.get("inputs") or {}
    curve, theirs = data.get("curve") or [], data.get("float_curve") or []
    net = str((inputs.get("network") or {}).get("name", "?"))
    sections = [_learning(curve, theirs), _numbers(curve, data.get("tensors") or [])]
    return Page(
        kind="train",
        title=title or f"Training {net} with {rule_name(data)}",
        subtitle=f"{inputs.get('data', '?')}, batch {inputs.get('batch', '?')}, {widths_text(inputs)}, "
        f"seed {inputs.get('seed', '?')}" + (" (stopped early)" if data.get("stopped") else ""),
        cards=_cards(data, curve, theirs),
        sections=(
            *(section for section in sections if section is not None),
            Section(
                key="inputs", title="Inputs", tables=(("Every resolved input", inputs_table(inputs)),), folded=True
            ),
        ),
        version=str(data.get("version", "")),
    )


def _cards(data: Mapping[str, Any], curve: CurveRows, theirs: CurveRows) -> tuple[Card, ...]:
    last = (curve or theirs or [{}])[-1]
    float_last = theirs[-1] if curve and theirs else None
    cards = []
    if last:
        beside = (f"float: {float_last['test_accuracy']:.2f} %",) if float_last else ()
        cards.append(
            Card(name=f"Test accuracy, epoch {last['epoch']}", value=f"{last['test_accuracy']:.2f} %", beside=beside)
        )
        beside = (f"float: {float_last['loss']:.4f}",) if float_last else ()
        cards.append(Card(name="Training loss", value=f"{last['loss']:.4f}", beside=beside))
    if data.get("energy_uj_per_image") is not None:
        cards.append(
            Card(name="Energy per image", value=energy(data["energy_uj_per_image"]), beside=("one training step",))
        )
        cards.append(
            Card(name="Cycles per image", value=short(data["cycles_per_image"]), beside=("one training step",))
        )
    if data.get("images_per_s"):
        cards.append(Card(name="Speed of this computer", value=f"{data['images_per_s']:,.0f} images/s"))
    return tuple(cards)


def _learning(curve: CurveRows, theirs: CurveRows) -> Section:
    text = []
    if not curve:
        text.append("No epoch in integers was finished." if not theirs else "Only the float reference was trained.")
    if not theirs:
        text.append("Train with --float to see the float reference beside these curves.")
    charts = []
    if curve or theirs:
        charts = [
            _curves(curve, theirs, "test_accuracy", title="Test accuracy", axis="test accuracy, %", form="{:.2f} %"),
            _curves(curve, theirs, "loss", title="Training loss", axis="mean training loss", form="{:.4f}"),
        ]
    blocks = [name for name in ((curve[-1].get("losses") or {}) if curve else {}) if name != "classifier"]
    if blocks:
        charts.append(_block_losses(curve, blocks))
    return Section(key="learning", title="Does it learn?", text=tuple(text), charts=tuple(charts))


def _curves(curve: CurveRows, theirs: CurveRows, key: str, *, title: str, axis: str, form: str) -> Chart:
    series, said = [], []
    for name, rows, colour, symbol, dash in (
        ("fixed point", curve, "@red", "circle", "solid"),
        ("float", theirs, "@ink", "square", "dash"),
    ):
        if not rows:
            continue
        series.append(
            Series(
                name=name, x=tuple(row["epoch"] for row in rows), y=tuple(row[key] for row in rows), colour=colour,
                symbol=symbol, mode="lines+markers", dash=dash,
                hover=tuple(f"{name}, epoch {row['epoch']}: {form.format(row[key])}" for row in rows),
            )
        )  # fmt: skip
        said.append(f"{name} ends at {form.format(rows[-1][key])} after epoch {rows[-1]['epoch']}")
    epochs = sorted({row["epoch"] for row in (*curve, *theirs)})
    ours, other = ({row["epoch"]: row[key] for row in rows} for rows in (curve, theirs))
    table = Table(
        headings=("epoch", f"fixed point, {axis}", f"float, {axis}"),
        rows=tuple((epoch, ours.get(epoch), other.get(epoch)) for epoch in epochs),
    )
    plot = XY(series=tuple(series), x=Axis(title="epoch", whole=True), y=Axis(title=axis), height=360)
    views = (View(name="", plot=plot),)
    caption = f"{title} by epoch: {'; '.join(said)}."
    return Chart(key=key.replace("_", "-"), title=title, caption=caption, views=views, table=table)


def _block_losses(curve: CurveRows, blocks: Sequence[str]) -> Chart:
    dashes = tuple(DASHES)
    series = tuple(
        Series(
            name=name, x=tuple(row["epoch"] for row in curve), y=tuple(row["losses"].get(name) for row in curve),
            colour=SERIES[at % len(SERIES)], symbol=SYMBOLS[at % len(SYMBOLS)], mode="lines+markers",
            dash=dashes[at // len(SERIES) % len(dashes)],
            hover=tuple(f"{name}, epoch {row['epoch']}: {row['losses'].get(name)}" for row in curve),
        )
        for at, name in enumerate(blocks)
    )  # fmt: skip
    last = {name: curve[-1]["losses"][name] for name in blocks}
    low, high = min(last, key=lambda name: last[name]), max(last, key=lambda name: last[name])
    caption = (
        f"Local loss of each block by epoch, in fixed point. In the last epoch the least is {low} ({last[low]:.4f}), "
        f"the largest {high} ({last[high]:.4f})."
    )
    table = Table(
        headings=("epoch", *blocks),
        rows=tuple((row["epoch"], *(row["losses"].get(name) for name in blocks)) for row in curve),
    )
    plot = XY(series=series, x=Axis(title="epoch", whole=True), y=Axis(title="mean local loss"))
    return Chart(
        key="local-losses", title="Local losses", caption=caption, views=(View(name="", plot=plot),), table=table
    )


def _numbers(curve: CurveRows, tensors: CurveRows) -> Section | None:
    charts = [*([_lost(curve)] if curve else []), *([_ranges(tensors)] if tensors else [])]
    return Section(key="numbers", title="What the integers did", charts=tuple(charts)) if charts else None


def _lost(curve: CurveRows) -> Chart:
    epochs = tuple(row["epoch"] for row in curve)
    keys = (("lost_update_fraction", "updates lost, %", 100), ("saturated", "codes saturated", 1),
            ("accumulator_overflows", "accumulators overflowed", 1))  # fmt: skip
    values = {key: tuple(scale * row.get(key, 0) for row in curve) for key, _, scale in keys}
    views = tuple(
        View(
            name=title,
            plot=XY(
                series=(Series(name=title, x=epochs, y=values[key], colour="@blue", mode="lines+markers"),),
                x=Axis(title="epoch", whole=True),
                y=Axis(title=title, low=0),
                height=340,
            ),
        )
        for key, title, _ in keys
    )
    last = curve[-1]
    caption = (
        f"In epoch {last['epoch']}, {values['lost_update_fraction'][-1]:.2f} % of the updates that wanted to move a "
        f"weight moved no code, {last['saturated']:,} codes saturated and "
        f"{last.get('accumulator_overflows', 0):,} accumulators overflowed."
    )
    rows = tuple((epoch, *(values[key][at] for key, _, _ in keys)) for at, epoch in enumerate(epochs))
    table = Table(headings=("epoch", *(title for _, title, _ in keys)), rows=rows)
    return Chart(key="lost-updates", title="Lost updates and saturation", caption=caption, views=views, table=table)


SHOWN = 30


def _ranges(tensors: CurveRows) -> Chart:
    least = sorted(tensors, key=lambda row: (row["range_use"], row["tensor"]))
    most = sorted(tensors, key=lambda row: (-row["saturated"], row["tensor"]))
    views = tuple(
        View(name=name, plot=_bits(rows))
        for name, rows in (
            (f"least used {min(SHOWN, len(least))}", least[:SHOWN]),
            ("most saturated", [row for row in most if row["saturated"]][:SHOWN]),
            ("all tensors", list(tensors)),
        )
        if rows
    )
    full_use = sum(row["used_bits"] == row["bits"] for row in tensors)
    caption = (
        f"Bits that the largest code of each tensor needs, of those it has (hatched). {full_use} of {len(tensors)} "
        f"tensors use all of them; the least used is {least[0]['tensor']} with {least[0]['used_bits']} of "
        f"{least[0]['bits']} bits. Most codes saturated in {most[0]['tensor']} ({most[0]['saturated']:,} in the epoch)."
    )
    table = Table(
        headings=("tensor", "bits", "fraction bits", "bits used", "range used, %", "codes saturated"),
        rows=tuple(
            (
                row["tensor"],
                row["bits"],
                row["fraction_bits"],
                row["used_bits"],
                100 * row["range_use"],
                row["saturated"],
            )
            for row in tensors
        ),
    )
    return Chart(key="range-use", title="Range use", caption=caption, views=views, table=table)


def _bits(rows: CurveRows) -> Bars:
    stacks = tuple(
        Stack(name=name, segments=(Segment(name=name, colour="@blue", values=tuple(float(row[key]) for row in rows)),))
        for name, key in (("bits used", "used_bits"), ("bits there are", "bits"))
    )
    return Bars(rows=tuple(row["tensor"] for row in rows), stacks=stacks, title="bits", unit="bits")
