"""Pareto fronts against brute force; means over seeds; what the heat map gathers."""

import math
import statistics
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lls_hw.report.chart import Heat
from lls_hw.report.source import read_source
from lls_hw.report.sweep_data import by_size, designs, present, varied
from lls_hw.report.sweep_page import defaults, sweep_page
from lls_hw.sweep.pareto import front_line

POINTS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=40)


@given(POINTS, st.booleans(), st.booleans())
def test_front__is_what_brute_force_finds(points, lower_x, lower_y):
    def good(a: int, b: int, lower: bool) -> bool:
        return a <= b if lower else a >= b

    def beats(p: tuple[int, int], q: tuple[int, int]) -> bool:
        return p != q and good(p[0], q[0], lower_x) and good(p[1], q[1], lower_y)

    expected = {p for p in points if not any(beats(q, p) for q in points)}
    found = front_line(points, lower_x=lower_x, lower_y=lower_y)
    assert {points[at] for at in found} == expected
    assert len(found) == len(expected), "equal points are named once"
    assert [points[at][0] for at in found] == sorted(points[at][0] for at in found)


def test_designs__are_means_over_seeds(sweep_file):
    rows = [row for row in read_source(str(sweep_file)).data["rows"] if row["status"] == "done"]
    found = designs(rows, "energy_per_image_uj", "test_accuracy")
    one = next(d for d in found if (d.row["rule"], d.row["bits"], d.row["array"]) == ("bp", "8", "16x16"))
    ys = [r["test_accuracy"] for r in rows if (r["rule"], r["bits"], r["array"]) == ("bp", "8", "16x16")]
    assert (one.seeds, one.y, one.spread) == (2, statistics.fmean(ys), statistics.stdev(ys))
    assert len(found) == 36
    assert sum(d.seeds for d in found) == len(rows) == 71


COMMON = {"net": "smallconv", "rule": "lls", "array": "8x8", "bits": "8", "status": "done"}


def test_designs__another_optimizer_is_no_other_seed():
    rows = [
        {**COMMON, "seed": 0, "optimizer": name, "energy_per_image_uj": 5.0, "test_accuracy": accuracy, **hashed}
        for hashed in ({}, {"design": "named below"})
        for name, accuracy in (("sgd", 50.0), ("momentum", 90.0))
    ]
    for row in rows[2:]:
        row |= {"design": f"{len(row['optimizer']):016x}"}
    for two in (rows[:2], rows[2:]):
        found = designs(two, "energy_per_image_uj", "test_accuracy")
        assert [(d.y, d.spread, d.seeds) for d in found] == [(50.0, 0.0, 1), (90.0, 0.0, 1)]
        assert varied(two) == ("optimizer",)
    assert defaults(rows[2:], present(rows))["colour"] == "optimizer"
    assert "2 optimizers" in sweep_page(rows[2:], Path("made.db"), None).subtitle


def test_designs__one_seed_twice_is_one_seed():
    row = {**COMMON, "design": "d", "energy_per_image_uj": 5.0}
    values = ((0, 80.0), (0, 84.0), (1, 90.0))
    rows = [{**row, "seed": seed, "test_accuracy": accuracy} for seed, accuracy in values]
    (found,) = designs(rows, "energy_per_image_uj", "test_accuracy")
    assert (found.seeds, found.y, found.spread) == (2, 86.0, statistics.stdev((82.0, 90.0)))


def test_cards__name_of_equally_good_points_the_one_with_least_energy():
    made = (("lls", 90.0, 7.0), ("bp", 90.0, 5.0), ("dfa", 80.0, 5.0))
    rows = [
        {**COMMON, "rule": rule, "test_accuracy": accuracy, "energy_per_image_uj": energy}
        for rule, accuracy, energy in made
    ]
    cards = {card.name: card.beside for card in sweep_page(rows, Path("made.db"), None).cards}
    assert cards["Highest test accuracy"] == cards["Lowest energy per image"] == ("rule bp",)


def test_numbers__that_are_none_leave_the_page_whole():
    rows = [{**COMMON, "rule": rule, "cycles": 5, "energy_uj": value} for rule, value in (("a", 1.0), ("b", math.inf))]
    assert sweep_page(rows, Path("made.db"), None).sweep["rows"][1]["energy_uj"] is None


def test_varied__leaves_out_what_another_choice_decides(sweep_file):
    """Chip and scratchpad follow the array in this sweep."""
    assert varied(read_source(str(sweep_file)).data["rows"]) == ("rule", "array", "bits")


def test_sizes__stand_in_order():
    assert by_size(["32x32", "8x8", "16x16"]) == ["8x8", "16x16", "32x32"]
    assert by_size(["16", "4", "8"]) == ["4", "8", "16"]
    assert by_size(["lls_m", "bp"]) == ["bp", "lls_m"]


def test_defaults__are_energy_against_accuracy(sweep_file):
    rows = [row for row in read_source(str(sweep_file)).data["rows"] if row["status"] == "done"]
    wanted = {"x": "energy_per_image_uj", "y": "test_accuracy", "colour": "rule", "symbol": "bits", "facet": "array"}
    assert defaults(rows, present(rows)) == wanted


def test_heat__shows_the_least_energy_of_each_cell(sweep_file):
    rows = read_source(str(sweep_file)).data["rows"]
    heat = next(chart for chart in sweep_page(rows, sweep_file, None).figures if chart.key == "heat").views[0].plot
    assert isinstance(heat, Heat)
    assert (heat.rows, heat.columns) == (("8x8", "16x16", "32x32"), ("4", "8", "16"))
    cell = [
        r["energy_per_image_uj"] for r in rows if r["energy_per_image_uj"] and (r["array"], r["bits"]) == ("16x16", "8")
    ]
    assert heat.values[1][1] == min(cell)


def test_costs_alone__show_cycles_and_say_so(tmp_path):
    from tests.unit.report.made import made_sweep

    path = made_sweep(tmp_path / "costs.db", trained=False, seeds=1)
    page = sweep_page(read_source(str(path)).data["rows"], path, None)
    assert page.sweep is not None
    assert page.sweep["defaults"]["y"] == "cycles_per_image"
    assert "No point was trained" in page.sections[0].text[0]
    assert page.sections[-1].tables[0][1].rows[0][-1].startswith("chip.scratchpad")
