"""What a sweep's page computes by itself is what Python computes, and its buttons hide nothing."""

import pytest

from lls_hw.report.sweep_data import designs


def test_buttons__of_the_heat_map_stand_above_its_cells(pages):
    places = """() => ['.modebar', '.nsewdrag'].map((name) =>
        document.querySelector(`#plot-heat ${name}`).getBoundingClientRect())"""
    buttons, cells = pages["sweep"].ask(places)
    assert buttons["bottom"] <= cells["top"]


def test_designs__are_pythons_and_ties_go_to_the_other_axis(pages):
    """Two optimizers are two designs, a seed told twice is one; of equal accuracies the least energy is named."""
    made = [("a", 0, 50, 9), ("a", 0, 54, 9), ("a", 1, 60, 9), ("b", 0, 90, 7), ("c", 0, 90, 5)]
    rows = [
        {"design": design, "seed": seed, "test_accuracy": accuracy, "energy_per_image_uj": energy, "rule": design}
        for design, seed, accuracy, energy in made
    ]
    found = pages["sweep"].ask("(rows) => designs(rows, 'energy_per_image_uj', 'test_accuracy')", rows)
    own = designs(rows, "energy_per_image_uj", "test_accuracy")
    assert [(d["x"], d["y"], d["seeds"]) for d in found] == [(d.x, d.y, d.seeds) for d in own]
    assert [d["spread"] for d in found] == pytest.approx([d.spread for d in own])
    say = """(points) => {
        const kept = byId('caption-pareto').textContent;
        const [x, y] = ['energy_per_image_uj', 'test_accuracy'].map((key) => MEASURES.get(key));
        sayPareto(points, points.slice(1), x, y, 'array');
        const said = byId('caption-pareto').textContent;
        byId('caption-pareto').textContent = kept;
        return said;
    }"""
    assert "Best test accuracy: rule c" in pages["sweep"].ask(say, found)
