"""No file decides anything by the name of a rule: names stand where rules are defined, and in one default."""

import ast
from collections.abc import Iterator
from pathlib import Path

from lls_hw.models.rules.registry import SHIPPED
from lls_hw.options.run import DEFAULT_BASELINE

ROOT = Path(__file__).parents[3]
NAMES = {rule.name for rule in SHIPPED}
ALLOWED = {
    "lls_hw/options/run.py": {DEFAULT_BASELINE},  # the command line's default
    "lls_hw/models/reference/accounting.py": {"inference"},  # the name of a count, not of a rule
}


def strings(tree: ast.AST) -> Iterator[str]:
    """Every string of a module but its docstrings."""
    bodies = (node.body for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef))
    docstrings = {id(body[0].value) for body in bodies if body and isinstance(body[0], ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def named(path: Path) -> set[str]:
    return NAMES.intersection(strings(ast.parse(path.read_text())))


def test_package__names_no_rule_outside_the_rules() -> None:
    homes = ("lls_hw/models/rules/", "lls_hw/models/reference/rules/")
    files = {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "lls_hw").rglob("*.py")}
    found = {name: rules for name, path in files.items() if not name.startswith(homes) and (rules := named(path))}
    assert found == ALLOWED


def test_package__names_each_rule_once() -> None:
    """A family's file names its own, and the reference none: it is found through the record."""
    counted = [
        name for path in (ROOT / "lls_hw/models/rules").glob("*.py") for name in strings(ast.parse(path.read_text()))
    ]
    assert all(counted.count(name) == 1 for name in NAMES)
    assert not set().union(*map(named, (ROOT / "lls_hw/models/reference/rules").glob("*.py")))


def test_scripts__compare_with_no_rule_by_name() -> None:
    """An experiment says which rules it runs; what it does with one follows from the record."""
    for path in (ROOT / "scripts").rglob("*.py"):
        compared = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Compare)]
        assert not NAMES.intersection(text for node in compared for text in strings(node)), path


def test_scan__finds_a_name_that_is_planted(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text('"""bp"""\nif rule.name in {"dfa", "drtp"}:\n    """lls"""\n    x = f"{\'bp\'}"\n')
    assert named(planted) == {"dfa", "drtp", "bp", "lls"}
