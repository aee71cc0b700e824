"""Words of the package: one class or alias a name, and docstrings that say what a thing is."""

import ast
from pathlib import Path

import lls_hw

PACKAGE = Path(lls_hw.__file__).parent
TREES = {str(path.relative_to(PACKAGE)): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}
QUESTIONS = ("What", "How", "Why", "Which", "Who", "Where", "When")


def strings_of_doc(tree):
    """Every docstring, those under attributes and constants too: strings that stand alone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value


def names_of_types(tree):
    """Public classes and aliases of types at a module's top: names in capitals and small letters."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        yield from ([node.name] if isinstance(node, ast.ClassDef) else names)


def test_names_of_types__each_is_one_type():
    """One word, one meaning: no two classes or aliases of the package share a name."""
    places = {}
    for path, tree in TREES.items():
        for name in names_of_types(tree):
            if name[0].isupper() and not name.isupper():
                places.setdefault(name, []).append(path)
    assert len(places) > 100
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_docstrings__state_and_do_not_ask():
    asked = [
        (path, line)
        for path, tree in TREES.items()
        for line, text in strings_of_doc(tree)
        if text.split(None, 1)[0] in QUESTIONS
    ]
    assert asked == []


def test_spelling__utilization_is_written_one_way():
    assert [path for path in TREES if "utilis" + "ation" in (PACKAGE / path).read_text().lower()] == []
