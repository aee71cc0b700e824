"""Every handed case does what its `expect` says; the judges themselves can say no."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT.parent / "shared" / "cases"
spec = importlib.util.spec_from_file_location("run_cases", ROOT / "scripts" / "run_cases.py")
run_cases = importlib.util.module_from_spec(spec)
spec.loader.exec_module(run_cases)


@pytest.mark.parametrize("name", sorted(run_cases.JUDGES))
def test_case__does_what_its_expect_says(name: str, tmp_path: Path) -> None:
    if not (CASES / name / "cmd").is_file():
        pytest.skip(f"{CASES / name} is not beside the repository")
    seen = run_cases.run_case(CASES / name, tmp_path)
    assert run_cases.verdict(name, seen) == "", seen.text


@pytest.mark.parametrize("name", sorted(run_cases.JUDGES))
def test_judge__refuses_a_case_that_did_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("{}")
    seen = run_cases.Seen("rc 1\nTraceback (most recent call last):\n", tmp_path)
    assert run_cases.verdict(name, seen) != ""


def test_run_case__runs_in_a_copy(tmp_path: Path) -> None:
    case = tmp_path / "cases" / "own"
    case.mkdir(parents=True)
    (case / "cmd").write_text('"$LLS_HW" list nope; echo rc $?; "$LLS_HW" list rules; echo rc $?; touch made\n')
    seen = run_cases.run_case(case, tmp_path / "scratch")
    assert seen.statuses == [2, 0]
    assert len(seen.refusals) == 1
    assert (seen.folder / "made").exists()
    assert [path.name for path in case.iterdir()] == ["cmd"]
    assert run_cases.verdict("own", seen) == ""
