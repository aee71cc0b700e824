"""How the face of the package is kept: few modules, every option, total and lowering in one place."""

import ast
from collections import Counter
from pathlib import Path

import lls_hw
from lls_hw.config import lower_run, resolve_run
from lls_hw.costs.json import ratios, totals_json
from lls_hw.costs.step import run_costs
from lls_hw.costs.totals import TOTALS, totals_of
from lls_hw.options.run import RunChoices
from lls_hw.sweep.rows import COLUMNS

PACKAGE = Path(lls_hw.__file__).parent
FACE = [path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in ("sim", "models")]
BY_PART = {"sram_peak_tensors", "training_memory", "busy_cycles", "stall_cycles"}
"""What `totals` hold by tensor, part, unit and cause: charts of their own show them."""


def names_in(path: Path) -> set[str]:
    """Every text that the code of a file holds, documentation apart."""
    tree = ast.parse(path.read_text())
    notes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in notes
    }


def test_face__is_packages_and_at_most_six_modules() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} <= {"__init__", "__main__", "cli", "api", "config", "processes"}


def test_options__are_described_to_typer_in_one_module() -> None:
    users = {str(path.relative_to(PACKAGE)) for path in FACE if "typer.Option(" in path.read_text()}
    assert users == {"commands/signature.py"}


def test_options__each_text_of_help_is_written_once() -> None:
    texts: Counter[str] = Counter()
    for path in FACE:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Option":
                texts[ast.unparse(node.args[0])] += 1
    assert len(texts) > 40
    shared_with_cycles = {"'Stationary operand.'"}  # `cycles` has no chip that the option could change
    assert {text for text, count in texts.items() if count > 1} <= shared_with_cycles


def test_totals__every_figure_of_a_result_is_in_the_table() -> None:
    run, _ = resolve_run(RunChoices(net="smallconv", rule="lls_m", batch=2, numerics=False))
    costs = run_costs(run, lower_run(run))
    totals = totals_json(costs)
    shown = {path.partition(".")[0] for total in TOTALS.values() for path in total.path or (total.key,)}
    assert shown | BY_PART == set(totals)
    assert all(total.value(totals) is not None for total in TOTALS.values())
    assert set(ratios(costs, costs)) == {total.ratio for total in TOTALS.values() if total.ratio}


def test_ratios__divide_what_was_counted_to_the_last_bit() -> None:
    run, _ = resolve_run(RunChoices(net="smallconv", rule="lls_m", batch=2, numerics=False))
    own, other = run_costs(run, lower_run(run)), run_costs(run, lower_run(run, "bp"))
    found = ratios(own, other)
    assert found["energy"] == other.energy.total / own.energy.total
    assert found["cycles"] == other.events.cycles / own.events.cycles
    assert found["learning_signal_macs"] == other.macs.learning_signal / own.macs.learning_signal
    moved = [c.events.counts.dram_read_bytes + c.events.counts.dram_write_bytes for c in (other, own)]
    assert found["dram_bytes"] == moved[0] / moved[1]


def test_totals__each_place_shows_those_of_the_table_alone() -> None:
    columns = {total.key for total in totals_of("sweep")} | {t.per_image for t in TOTALS.values() if t.per_image}
    assert columns <= set(COLUMNS)
    assert all(total.ratio for total in totals_of("compare"))
    labels = {total.label for total in TOTALS.values() if " " in total.label} | {t.heading for t in TOTALS.values()}
    labels -= {"cycles"}  # a word of its own
    others = [path for path in FACE if path.name != "totals.py"]
    elsewhere = {str(path.relative_to(PACKAGE)): found for path in others if (found := labels & names_in(path))}
    assert elsewhere == {}


def test_lower__is_called_where_runs_are_resolved_and_where_points_share_programs() -> None:
    callers = {
        str(path.relative_to(PACKAGE))
        for path in FACE
        if "from lls_hw.models.program.lower import" in path.read_text().replace(">>> from", "")
    }
    assert callers == {"config.py", "sweep/cost_task.py"}
