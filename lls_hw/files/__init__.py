"""The files that are written, and what stands in them: texts, JSON, the version.

Before any work `Outputs` refuses what could not be written, what would replace a file that the call
reads, and two options that name one file; whatever the spelling: links, `..`, hard links, and other
case where the file system ignores it. Then `write_whole` writes through links, straight into pipes and
devices, and everywhere else so that the file is there whole or not at all.
"""

import json
import math
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from glob import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lls_hw.files.paths import descriptor, identity, is_regular, same_file
from lls_hw.models.spec.errors import SpecError

_LONGEST_STEM_BYTES = 200


class UnwritableError(SpecError):
    """The disk refuses a file; the call itself is all right."""


def package_version() -> str:
    """Version of the installed package."""
    try:
        return version("lls-hw")
    except PackageNotFoundError:
        return "0+unknown"


def json_text(data: Mapping[str, Any] | list[Any]) -> str:
    """Strict JSON: no NaN, no infinity."""
    return json.dumps(data, indent=1, allow_nan=False, default=_plain) + "\n"


def _plain(value: Any) -> Any:  # noqa: ANN401  (json hands over whatever it does not know)
    if hasattr(value, "item"):
        number = value.item()
        return number if not isinstance(number, float) or math.isfinite(number) else None
    raise AssertionError(f"{type(value).__name__} is not plain data")


class Outputs:
    """The files that one call writes, by the options that name them.

    Parameters
    ----------
    named : path by option; None where the option is absent, "-" for standard output.
    read_back : path by option of files that are continued from as well: pipes cannot be.

    Raises
    ------
    SpecError : one cannot be written, or two options name one file.
    """

    def __init__(self, named: Mapping[str, str | None], *, read_back: Mapping[str, str | None] | None = None) -> None:
        self._targets: list[tuple[str, str]] = []
        for option, path in (read_back or {}).items():
            self.claim(option, path, read_back=True)
        for option, path in named.items():
            self.claim(option, path)

    def claim(self, option: str, path: str | None, *, read_back: bool = False) -> None:
        """One more file that an option names; nothing for None."""
        if path is not None:
            refuse_bad_target(option, path, read_back=read_back)
            self.add(option, path)

    @property
    def use_stdout(self) -> bool:
        """Whether one of them is standard output, which then carries nothing else."""
        return any(descriptor(path) == 1 for _, path in self._targets)

    def add(self, option: str, path: str) -> None:
        """One more file that the call writes, such as one beside a named file, or in a named folder."""
        for other, taken in self._targets:
            if other != option and (same_file(path, taken) or same_file(str(Path(path).parent), taken)):
                raise _twice(option, path, other)
        self._targets.append((option, path))

    def spare(self, inputs: Iterable[tuple[str, Path]]) -> None:
        """Refuse to write what the call reads: (option, file) pairs.

        Raises
        ------
        SpecError : an output is one of these files, under whatever name.
        """
        existing = {identity(path): (option, path) for option, path in self._targets if is_regular(path)}
        for other, source in inputs if existing else ():
            found = existing.get(identity(str(source))) if source.is_file() else None
            if found is not None:
                raise _twice(*found, other)


def _twice(option: str, path: str, other: str) -> SpecError:
    return SpecError(option, path, f"another option names the same file ({other})", "Choose another name.")


def refuse_bad_target(option: str, path: str, *, read_back: bool = False) -> None:
    """Refuse, before any work, a file that could not be written.

    Raises
    ------
    SpecError : its folder does not exist or cannot be written, it is a folder itself, is protected, or is
        neither a file nor a pipe nor a character device (only a file will do where it is `read_back`).
    """
    mode = _mode(option, path)
    if stat.S_ISDIR(mode) or path.endswith("/") or not path:
        raise SpecError(option, path, "it is a folder", "Give the name of a file.")
    if descriptor(path) is not None or not stat.S_ISREG(mode):
        if read_back or not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
            raise SpecError(option, path, "it is no ordinary file", "Give the name of a file.")
        return
    folder, shown = Path(os.path.realpath(path)).parent, Path(path).parent
    if not folder.is_dir():
        raise SpecError(option, path, f"the folder '{shown}' does not exist", "Create it first.")
    if not os.access(folder, os.W_OK):
        raise SpecError(option, path, f"the folder '{shown}' cannot be written", "Choose another.")
    if os.path.exists(path) and not os.access(path, os.W_OK):
        raise SpecError(option, path, "the file is write-protected", "Choose another name, or remove it.")


def _mode(option: str, path: str) -> int:
    """The kind of a file; one that is not there, or an open stream, counts as a regular one."""
    if descriptor(path) is not None:
        return stat.S_IFREG
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return stat.S_IFREG
    except OSError as error:  # a name too long, a loop of links, a file where a folder should be
        raise SpecError(option, path, f"it cannot be written ({error.strerror})", "Choose another name.") from None


def write_whole(path: str, content: str | bytes, option: str = "file") -> None:
    """Write text or bytes to where a name leads.

    Raises
    ------
    UnwritableError : the disk, or whoever reads the pipe, refuses.
    """
    stream_number = descriptor(path)
    if stream_number == 1 and isinstance(content, str):
        sys.stdout.write(content)
        return
    data = content.encode() if isinstance(content, str) else content
    if stream_number is None and (is_regular(path) or not os.path.exists(path)):
        with whole_file(path, option) as name:
            Path(name).write_bytes(data)
        return
    with _refusing(option, path), open(path if stream_number is None else os.dup(stream_number), "wb") as stream:
        stream.write(data)


@contextmanager
def whole_file(path: str, option: str = "file") -> Iterator[str]:
    """A name to write to; the file that `path` leads to takes its place when that has ended well.

    What is written is on the disk before that. An existing file keeps its permissions.

    Raises
    ------
    UnwritableError : the disk refuses.
    """
    target = Path(os.path.realpath(path))
    partial = target.with_name(f"{_partial_stem(target)}.{os.getpid()}.partial")
    with _refusing(option, path):
        try:
            yield str(partial)
            _settle(partial, target)
        finally:
            partial.unlink(missing_ok=True)


def _settle(partial: Path, target: Path) -> None:
    """The new file takes the name, so that both survive a power cut."""
    if target.exists():
        partial.chmod(stat.S_IMODE(target.stat().st_mode))
    with partial.open("rb+") as stream:
        os.fsync(stream.fileno())
    partial.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems sync no folders
            os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _refusing(option: str, path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        need = f"it cannot be written ({error.strerror or error})"
        raise UnwritableError(option, path, need, "Make room, or choose another.") from None


def _partial_stem(target: Path) -> str:
    """The name of the unfinished file before its number: short enough where the name itself only just fits."""
    return "." + target.name.encode()[:_LONGEST_STEM_BYTES].decode(errors="ignore")


def sweep_partials(path: Path) -> None:
    """Remove unfinished files that killed processes left beside a file."""
    target = Path(os.path.realpath(path))
    for partial in target.parent.glob(f"{escape(_partial_stem(target))}.*.partial"):
        owner = partial.name.removesuffix(".partial").rpartition(".")[2]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists() and Path("/proc/self").exists():
            partial.unlink(missing_ok=True)
