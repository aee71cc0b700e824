"""What the charts of a run show adds up to the run's totals, in every view."""

import pytest

from lls_hw.report.chart import XY, Bars, Spans
from lls_hw.report.levels import level_of
from lls_hw.report.roofline import run_roofline
from lls_hw.report.run_costs import cycles_chart, energy_chart, memory_chart
from lls_hw.report.run_data import run_data
from lls_hw.report.run_page import run_page


@pytest.mark.parametrize("at", range(4))
def test_energy__sums_to_the_totals_in_every_view(run, at):
    plot = energy_chart(run_data(run)).views[at].plot
    assert isinstance(plot, Bars)
    for stack, totals in enumerate((run["totals"], run["baseline"]["totals"])):
        assert plot.total(stack) == pytest.approx(totals["energy_uj"]["total"], rel=1e-9)


@pytest.mark.parametrize("at", range(4))
def test_cycles__sum_to_the_totals_in_every_view(run, at):
    plot = cycles_chart(run_data(run)).views[at].plot
    assert isinstance(plot, Bars)
    assert len(set(plot.rows)) == len(plot.rows)
    for stack, totals in enumerate((run["totals"], run["baseline"]["totals"])):
        assert plot.total(stack) == totals["cycles"]


def test_energy_parts__are_the_totals_parts(run):
    chart = energy_chart(run_data(run))
    sums = dict(
        zip(
            chart.table.headings[4:],
            zip(*[row[4:] for row in chart.table.rows if row[0] == "lls_m"], strict=True),
            strict=True,
        )
    )
    assert sum(sums["DRAM, µJ"]) == pytest.approx(run["totals"]["energy_uj"]["dram"])
    assert sum(sums["leakage, µJ"]) == pytest.approx(run["totals"]["energy_uj"]["leakage"])


def test_stalls__are_the_totals_stalls(run):
    plot = cycles_chart(run_data(run)).views[0].plot
    shown = {segment.name: sum(segment.values) for segment in plot.stacks[0].segments}
    stalls = run["totals"]["stall_cycles"]
    assert shown.get("waits for DRAM reads", 0) == stalls["dram_read"]
    assert shown["first unit works"] == run["totals"]["cycles"] - sum(stalls.values())


def test_cycles__say_why_they_stall_only_where_they_do(run):
    found = cycles_chart(run_data(run)).caption
    assert "mostly because it waits for" in found
    bare = [
        {"layer": "a", "stage": "forward", "cycles": 10, "stall_causes": {}},
        {"layer": "b", "stage": "loss", "cycles": 30, "stall_causes": {}},
    ]
    caption = cycles_chart(run_data({"stages": bare})).caption
    assert caption == "Cycles of one training step of this run: 40. The longest layer is b (75 %)."
    causes = ({"dram_read": 1, "bank_conflict": 2}, {"bank_conflict": 4, "dependency": 3})
    mixed = [{**stage, "stall_causes": one} for stage, one in zip(bare, causes, strict=True)]
    caption = cycles_chart(run_data({"stages": mixed})).caption
    assert "In 25 % of them" in caption
    assert "because it waits for a scratchpad bank (15 %)" in caption


def test_memory__sums_to_the_totals(run):
    chart = memory_chart(run_data(run), run["totals"], run["baseline"]["totals"])
    assert sum(row[1] for row in chart.table.rows) == run["totals"]["training_memory_bytes"]
    assert sum(row[2] for row in chart.table.rows) == run["baseline"]["totals"]["training_memory_bytes"]


def test_occupancy_and_timeline__end_where_the_run_does(run):
    charts = {chart.key: chart for chart in run_page(run, None).charts()}
    line = charts["occupancy"].views[0].plot
    assert isinstance(line, XY)
    in_use = next(series for series in line.series if series.name == "in use")
    assert max(in_use.y) * 1024 == run["totals"]["sram_peak_bytes"]
    spans = charts["timeline"].views[0].plot
    assert isinstance(spans, Spans)
    assert max(span.end for span in spans.spans) <= run["totals"]["cycles"]
    assert all(0 < span.share <= 1 for span in spans.spans)


def test_roofline__no_point_lies_above_the_roof(run):
    chip = run["inputs"]["chip"]
    peak, speed = chip["array"]["rows"] * chip["array"]["cols"], level_of(chip, "dram")["bytes_per_cycle"]
    rows = run_roofline(run_data(run), chip).table.rows
    assert len(rows) > 10
    for _, _, _, intensity, speed_found in rows:
        assert speed_found <= min(peak, speed * intensity) * (1 + 1e-9)


def test_tensors__are_worst_first(run):
    chart = {chart.key: chart for chart in run_page(run, None).charts()}["against-float"]
    values = [row[1] for row in chart.table.rows]
    assert values == sorted(values)
    assert len(values) == len(run["numerics"]["against_float"])


def test_roofline__caption_says_what_the_tables_say(run):
    """Who waits for DRAM and which point is the fastest are read off the stages, counted here again."""
    chart = run_roofline(run_data(run), run["inputs"]["chip"])
    fastest = max(chart.table.rows, key=lambda row: row[4])
    assert f"The fastest point is {fastest[0]}'s {fastest[2]}" in chart.caption
    assert f"with {fastest[4]:.3g} MACs a cycle" in chart.caption
    groups = {
        "forward": "forward",
        "loss": "signal",
        "local_error": "signal",
        "input_grad": "signal",
        "weight_grad": "grad",
    }
    sums: dict[tuple[str, str], list[int]] = {}
    for stage in run["stages"]:
        if stage["stage"] in groups:
            one = sums.setdefault((stage["layer"], groups[stage["stage"]]), [0, 0, 0, 0])
            busy = stage["busy_cycles"]
            for at, value in enumerate(
                (stage["macs"], sum(stage["dram_bytes"].values()), busy.get("array", 0), busy.get("dram", 0))
            ):
                one[at] += value
    shown = [one for one in sums.values() if one[0] and one[1]]
    waiting = sum(one[3] > one[2] for one in shown)
    assert f"At {waiting} of {len(shown)} layer points the DRAM's bus" in chart.caption
