"""The writing of files: links stay links, old contents outlive a failure, modes are kept."""

import os
import stat
from pathlib import Path

import pytest

from lls_hw.files import Outputs, UnwritableError, paths, refuse_bad_target, sweep_partials, whole_file, write_whole
from lls_hw.models.spec.errors import SpecError


def test_write_whole__goes_through_links_also_to_files_that_are_not_there_yet(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("there.txt", "new.txt"):
        real, link = tmp_path / "deep" / name, tmp_path / f"link-{name}"
        link.symlink_to(Path("deep", name))
        if name == "there.txt":
            real.write_text("old")
        write_whole(str(link), "new")
        assert (link.is_symlink(), real.read_text()) == (True, "new")
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["new.txt", "there.txt"]


def test_write_whole__keeps_permissions_and_gives_new_files_those_of_the_mask(tmp_path: Path) -> None:
    private, new = tmp_path / "private", tmp_path / "new"
    private.write_text("old")
    private.chmod(0o600)
    before = os.umask(0o027)
    try:
        write_whole(str(private), "x")
        write_whole(str(new), b"x")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (private, new)] == [0o600, 0o640]


def test_whole_file__leaves_the_old_file_and_nothing_else_when_writing_fails(tmp_path: Path) -> None:
    target = tmp_path / "x"
    target.write_text("old")

    def write(name: str) -> None:
        Path(name).write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(UnwritableError, match="cannot be written"), whole_file(str(target)) as name:
        write(name)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert target.read_text() == "old"


@pytest.mark.parametrize("name", ["é" * 127, "x" * 255, "run[1]*.json"])
def test_write_whole__names_that_only_just_fit_or_hold_brackets(tmp_path: Path, name: str) -> None:
    write_whole(str(tmp_path / name), "x")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "x")]


def test_sweep_partials__takes_names_as_they_are(tmp_path: Path) -> None:
    for left in (".run[1]*.json.99999999.partial", ".run1x.json.99999999.partial"):
        (tmp_path / left).write_text("")
    sweep_partials(tmp_path / "run[1]*.json")
    assert [path.name for path in tmp_path.iterdir()] == [".run1x.json.99999999.partial"]


def test_write_whole__into_an_open_stream(capfd: pytest.CaptureFixture[str]) -> None:
    write_whole("/dev/stderr", "to standard error\n")
    write_whole("/proc/self/fd/2", b"twice\n")
    assert capfd.readouterr().err == "to standard error\ntwice\n"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("none/x", "the folder '.*none' does not exist"),
        (".", "it is a folder"),
        ("x/", "it is a folder"),
        ("", "it is a folder"),
        ("n" * 300, "it cannot be written \\(File name too long\\)"),
        ("loop", "it cannot be written \\(Too many levels of symbolic links\\)"),
        ("gone/x", "the folder '.*gone' does not exist"),
        ("file/x", "it cannot be written \\(Not a directory\\)"),
        ("socket", "it is no ordinary file"),
    ],
)
def test_refuse_bad_target__says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    Path("gone").symlink_to("nowhere")
    Path("file").write_text("")
    os.mknod("socket", stat.S_IFSOCK | 0o600)
    with pytest.raises(SpecError, match=f"^--json = '{name[:100]}.*': {says}"):
        refuse_bad_target("--json", name)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is protected from the superuser")
def test_refuse_bad_target__protected_files_and_folders(tmp_path: Path) -> None:
    target = tmp_path / "x"
    target.write_text("")
    target.chmod(0o400)
    with pytest.raises(SpecError, match="the file is write-protected"):
        refuse_bad_target("--json", str(target))
    tmp_path.chmod(0o500)
    with pytest.raises(SpecError, match="cannot be written"):
        refuse_bad_target("--json", str(tmp_path / "y"))


def test_same_file__other_case_where_the_file_system_ignores_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = str(tmp_path / "Run.json"), str(tmp_path / "run.JSON")
    real = paths.ignores_case(tmp_path)
    Path(one).write_text("")
    assert real == Path(other).exists(), "what the probe says is what the file system does"
    Path(one).unlink()
    assert paths.same_file(one, other) == real
    monkeypatch.setattr(paths, "ignores_case", lambda _folder: True)
    assert paths.same_file(one, other)
    with pytest.raises(SpecError, match="another option names the same file"):
        Outputs({"--json": one, "--trace": other})
    assert not paths.same_file(str(tmp_path / "a"), str(tmp_path / "b"))
