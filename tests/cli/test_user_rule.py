"""A user's rule by `module:attr` and by entry point, wherever a command takes a rule."""

import csv
import json
from pathlib import Path

import pytest

from lls_hw.cli import main
from lls_hw.models.program.builder import Builder
from lls_hw.models.program.lower import lower
from lls_hw.models.registry import load_network
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.errors import SpecError
from tests.children import ROOT, python
from tests.unit.sweep.helpers import small_net

NAME = "tests.unit.rules.fixed_head:FIXED_HEAD"
REGISTERED = """
from dataclasses import replace
from tests.unit.rules.fixed_head import FIXED_HEAD
MINE = replace(FIXED_HEAD, name="mine", note="a rule that a package registers")
OTHER = replace(MINE, name="other")
LLS = replace(MINE, name="lls")
"""


def test_simulate__runs_it_in_integers_beside_its_float_reference(tmp_path: Path) -> None:
    """The reference is another process: it finds the rule by its name."""
    line = ("simulate", "--net", small_net(tmp_path), "--rule", NAME, "--batch", "4", "--bits", "16", "--json", "-")
    data = json.loads(python("-m", "lls_hw", *line)[0])
    assert data["inputs"]["rule"]["name"] == NAME
    cosines = {row["tensor"]: row["cosine"] for row in data["numerics"]["against_float"]}
    assert min(cosine for tensor, cosine in cosines.items() if tensor.endswith("/weight_grad")) > 0.999
    assert data["totals"]["macs"]["learning_signal"] > 0


def test_compare_and_baseline__take_it(tmp_path: Path, capsys) -> None:
    net = small_net(tmp_path)
    assert main(["compare", "--net", net, "--rules", f"bp,{NAME}", "--json", "-"]) == 0
    rows = {row["rule"]: row["totals"] for row in json.loads(capsys.readouterr().out)["rules"]}
    line = ["simulate", "--net", net, "--rule", "lls", "--baseline", NAME, "--no-numerics", "--json", "-"]
    assert main(line) == 0
    baseline = json.loads(capsys.readouterr().out)["baseline"]
    assert (baseline["rule"], baseline["totals"]) == (NAME, rows[NAME])


def test_sweep__trains_it_in_worker_processes(tmp_path: Path) -> None:
    line = (
        "sweep", "--net", small_net(tmp_path), "--rule", f"lls,{NAME}", "--batch", "4", "--arrays", "4x4,8x8",
        "--train", "--epochs", "1", "--limit", "16", "--test-limit", "16", "--jobs", "2", "--quiet",
        "--out", str(tmp_path / "s.db"), "--csv", str(tmp_path / "s.csv"),
    )  # fmt: skip
    python("-m", "lls_hw", *line)
    rows = list(csv.DictReader((tmp_path / "s.csv").read_text().splitlines()))
    assert {(row["rule"], row["array"], row["status"]) for row in rows} == {
        (rule, array, "done") for rule in ("lls", NAME) for array in ("4x4", "8x8")
    }
    assert all(0 <= float(row["test_accuracy"]) <= 100 for row in rows)


def test_rule__is_found_in_the_current_directory(tmp_path: Path, monkeypatch, capsys) -> None:
    source = Path(ROOT, "tests", "unit", "rules", "fixed_head.py").read_text()
    (tmp_path / "rule_of_this_directory.py").write_text(source)
    net = small_net(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["simulate", "--net", net, "--rule", "rule_of_this_directory:FIXED_HEAD", "--no-numerics"]) == 0
    assert "rule_of_this_directory:FIXED_HEAD" in capsys.readouterr().out


def package(folder: Path, *lines: str) -> dict[str, str]:
    """The environment of a process in which a package is installed that registers these rules."""
    (folder / "registered_rules.py").write_text(REGISTERED)
    metadata = folder / "registered_rules-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: registered-rules\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("\n".join(["[lls_hw.rules]", *lines]) + "\n")
    return {"PYTHONPATH": f"{ROOT}:{folder}"}


def test_entry_point__registers_a_rule_of_an_installed_package(tmp_path: Path) -> None:
    environment = package(tmp_path, "mine = registered_rules:MINE")
    listed, _ = python("-m", "lls_hw", "list", "rules", **environment)
    assert listed.splitlines()[-1].split(maxsplit=1) == ["mine", "a rule that a package registers"]
    line = ("simulate", "--net", small_net(tmp_path), "--rule", "mine", "--batch", "4", "--no-numerics", "--json", "-")
    data = json.loads(python("-m", "lls_hw", *line, **environment)[0])
    assert data["inputs"]["rule"]["name"] == "mine"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("mine = registered_rules:OTHER", "entry point lls_hw.rules, mine = 'other': the rule has another name"),
        ("mine = registered_rules:NONE", "entry point lls_hw.rules, mine = 'registered_rules:NONE': module"),
        ("lls = registered_rules:LLS", "entry point lls_hw.rules, lls = 'registered_rules:LLS': there is a rule 'lls'"),
    ],
)
def test_entry_point__broken_is_said_in_one_line(tmp_path: Path, line: str, message: str) -> None:
    _, err = python("-m", "lls_hw", "list", "rules", status=2, **package(tmp_path, line))
    assert err.startswith(f"lls-hw: {message}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("no_such_module:RULE", "'no_such_module:RULE': it cannot be imported (No module named 'no_such_module')"),
        (f"{NAME}S", f"'{NAME}S': module 'tests.unit.rules.fixed_head' has no attribute 'FIXED_HEADS'. Write"),
        ("lls_hw.models.rules.lls:FAMILY", "'lls_hw.models.rules.lls:FAMILY': it is a tuple, not a Rule."),
        (":", "':': it cannot be imported (Empty module name). Write module:attr with both present."),
    ],
)
@pytest.mark.parametrize("option", ["--rule", "--baseline"])
def test_rule__that_is_none_is_refused(option: str, rule: str, message: str, tmp_path: Path, capsys) -> None:
    line = ["simulate", "--net", small_net(tmp_path), "--rule", "lls", option, rule, "--no-numerics"]
    assert main(line) == 2
    assert capsys.readouterr().err.startswith(f"lls-hw: {option} = {message}")


BROKEN = """
from dataclasses import replace
from tests.unit.rules.fixed_head import FIXED_HEAD

def raises(b):
    raise ValueError("my own mistake")

def undeclared(b):
    FIXED_HEAD.lower(b)
    b.add(replace(b.ops[-1], gradient="no/such"))

RAISES = replace(FIXED_HEAD, lower=raises)
UNDECLARED = replace(FIXED_HEAD, lower=undeclared)
EMPTY = replace(FIXED_HEAD, lower=lambda b: None)
NO_REFERENCE = replace(FIXED_HEAD, reference=f"{__name__}:NONE")
BAD_TERM = replace(FIXED_HEAD, reference=f"{__name__}:TERM")

def __getattr__(name):
    if name != "TERM":
        raise AttributeError(name)
    from lls_hw.models.reference.rules.rule import FloatRule
    return FloatRule(term=lambda reference, layer, tape, labels: 1 / 0)
"""


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("RAISES", "rule = '{}': its lowering fails, ValueError: my own mistake ("),
        ("UNDECLARED", "rule = '{}': its lowering fails, AssertionError: classifier: Update names tensor 'no/such'"),
        ("EMPTY", "rule = '{}': its lowering fails, AssertionError: no op was appended ("),
        ("NO_REFERENCE", "reference of rule {} = 'broken_rules:NONE': module 'broken_rules' has no attribute 'NONE'."),
        ("BAD_TERM", "rule = '{}': its float term fails, ZeroDivisionError: division by zero ("),
    ],
)
@pytest.mark.parametrize("command", ["simulate", "validate"])
def test_rule__that_fails_is_its_authors_error(command: str, rule: str, said: str, tmp_path: Path) -> None:
    """In one line, in whichever process it fails; status 2."""
    (tmp_path / "broken_rules.py").write_text(BROKEN)
    name = f"broken_rules:{rule}"
    line = (command, "--net", small_net(tmp_path), "--rule", name, "--batch", "4", "--quiet")
    _, err = python("-m", "lls_hw", *line, status=2, PYTHONPATH=f"{ROOT}:{tmp_path}")
    assert err.startswith(f"lls-hw: {said.format(name)}")
    assert err.count("\n") == 1


def test_shipped_rule__that_fails_is_a_bug_of_ours(monkeypatch) -> None:
    def fails(builder: Builder) -> None:
        raise ValueError("our own mistake")

    monkeypatch.setattr(Builder, "images", fails)
    with pytest.raises(ValueError, match="our own mistake") as error:
        lower(load_network("smallconv"), parse_rule("lls"))
    assert not isinstance(error.value, SpecError)
