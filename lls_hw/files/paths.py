"""Names of files: two names of one file, and names that stand for an open stream."""

import os
import re
import stat
import tempfile
from pathlib import Path

STDOUT = "-"
_STREAM = re.compile(r"/dev/fd/([0-9]+)|/proc/self/fd/([0-9]+)")
_MOST_LINKS = 40


def same_file(one: str, other: str) -> bool:
    """Whether two names are, or would become, one file; character devices may be shared."""
    streams = descriptor(one), descriptor(other)
    if streams != (None, None):
        return streams[0] == streams[1]
    if os.path.exists(one) and os.path.exists(other):
        return identity(one) == identity(other) and not stat.S_ISCHR(os.stat(one).st_mode)
    if os.path.exists(one) or os.path.exists(other):
        return False
    a, b = Path(os.path.realpath(one)), Path(os.path.realpath(other))
    if a.name == b.name or a.name.casefold() != b.name.casefold():
        return a == b
    return a.parent == b.parent and ignores_case(a.parent)


def identity(path: str) -> tuple[int, int]:
    """Device and inode, by which the system knows an existing file whatever its names."""
    found = os.stat(path)
    return found.st_dev, found.st_ino


def is_regular(path: str) -> bool:
    """Whether it is an existing file that can be replaced whole."""
    return descriptor(path) is None and os.path.isfile(path)


def ignores_case(folder: Path) -> bool:
    """Whether `x` and `X` are one file in a folder: one is made and the other looked for."""
    if not folder.is_dir():
        return False
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".case-") as probe:
        return Path(probe.name).with_name(Path(probe.name).name.upper()).exists()


def descriptor(path: str) -> int | None:
    """The open file that a name such as `-`, /dev/stdout or /dev/fd/3 stands for.

    Examples
    --------
    >>> descriptor("-"), descriptor("/dev/fd/3"), descriptor("run.json")
    (1, 3, None)
    """
    if path == STDOUT:
        return 1
    place = os.path.abspath(path)
    for _ in range(_MOST_LINKS):
        found = _STREAM.fullmatch(place)
        if found is not None:
            return int(found[1] or found[2])
        if not os.path.islink(place):
            return None
        place = os.path.normpath(os.path.join(os.path.dirname(place), os.readlink(place)))
    return None
