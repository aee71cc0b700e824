"""CIFAR-10 and CIFAR-100: the binary version, or the python version through a pickle reader that runs nothing.

A binary record is one label byte (CIFAR-100: coarse, then fine, of which the fine one is used)
and 3072 bytes: the red, green and blue planes of 32 x 32 pixels, row-major.
"""

import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lls_hw.models.data.assemble import CIFAR, Split, Wanted, assemble
from lls_hw.models.data.images import Bytes, Images, Labels
from lls_hw.models.data.plain_pickle import read_plain_pickle
from lls_hw.models.data.refuse import SOURCES, corrupt, missing, named_path, read_bytes, refusal

_PIXELS = 3 * 32 * 32
_MOST_MEMBER_BYTES = 2**28


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """The file names of one set, without ending, and where its label is."""

    kind: str
    train: tuple[str, ...]
    test: str
    classes: int
    label_bytes: int
    label_key: str

    def names(self, ending: str) -> tuple[str, ...]:
        return tuple(f"{stem}{ending}" for stem in (*self.train, self.test))


_CIFAR10 = _Layout(
    kind="cifar10",
    train=tuple(f"data_batch_{part}" for part in range(1, 6)),
    test="test_batch",
    classes=10,
    label_bytes=1,
    label_key="labels",
)
_CIFAR100 = _Layout(kind="cifar100", train=("train",), test="test", classes=100, label_bytes=2, label_key="fine_labels")


def read_cifar10(argument: str, wanted: Wanted) -> Images:
    """CIFAR-10."""
    return _read(_CIFAR10, argument, wanted)


def read_cifar100(argument: str, wanted: Wanted) -> Images:
    """CIFAR-100 with its 100 fine labels."""
    return _read(_CIFAR100, argument, wanted)


def _read(layout: _Layout, argument: str, wanted: Wanted) -> Images:
    path = named_path(argument)
    if not argument:
        raise refusal(
            layout.kind,
            f"{layout.kind} needs a path after a colon",
            f"Write {layout.kind}:PATH; {SOURCES[layout.kind][1]}.",
        )
    if not path.exists():
        raise missing(layout.kind, path, "there is no such file or folder")
    files, train, ending = _gather(layout, path)
    parts = [_records(layout, files[f"{stem}{ending}"], f"{path}/{stem}{ending}") for stem in (*train, layout.test)]
    train_split = Split(
        pictures=np.concatenate([pictures for pictures, _ in parts[:-1]]),
        labels=np.concatenate([labels for _, labels in parts[:-1]]),
        source=str(path),
    )
    test_split = Split(pictures=parts[-1][0], labels=parts[-1][1], source=str(path))
    return assemble(
        layout.kind,
        train_split,
        test_split,
        native=(3, 32, 32),
        classes=layout.classes,
        statistics=CIFAR,
        wanted=wanted,
        files=_sources(layout, path),
    )


def _sources(layout: _Layout, path: Path) -> tuple[Path, ...]:
    """The archive, or every file that has the name of one that is read."""
    if path.is_dir():
        names = {*layout.names(".bin"), *layout.names("")}
        return tuple(found for found in (*path.iterdir(), *path.glob("*/*")) if found.name in names)
    return (path, path.parent / f"{layout.test}.bin")


def _gather(layout: _Layout, path: Path) -> tuple[Mapping[str, bytes], tuple[str, ...], str]:
    """File contents by name, the stems that make the training split, and the ending in use.

    A single .bin file is the training split by itself; the test file is looked for beside it.
    """
    if path.suffix == ".bin":
        test = path.parent / f"{layout.test}.bin"
        if not test.is_file() or test == path:
            raise missing(layout.kind, path, f"one training file needs {layout.test}.bin beside it")
        return {path.name: read_bytes(path), test.name: read_bytes(test)}, (path.stem,), ".bin"
    wanted = {*layout.names(".bin"), *layout.names("")}
    files = _from_folder(layout, path) if path.is_dir() else _from_tar(path, wanted)
    for ending in (".bin", ""):
        if all(name in files for name in layout.names(ending)):
            return files, layout.train, ending
    absent = next(name for name in layout.names(".bin") if name not in files)
    raise missing(layout.kind, path, f"{absent} is not in it, and no complete python version either")


def _from_folder(layout: _Layout, folder: Path) -> dict[str, bytes]:
    """The files of one version, in the folder or one folder below."""
    for place in (folder, *sorted(entry for entry in folder.iterdir() if entry.is_dir())):
        for ending in (".bin", ""):
            paths = [place / name for name in layout.names(ending)]
            if all(path.is_file() for path in paths):
                return {path.name: read_bytes(path) for path in paths}
    return {path.name: b"" for path in folder.iterdir() if path.is_file()}


def _from_tar(path: Path, wanted: set[str]) -> dict[str, bytes]:
    """Members of an archive by their last name; nothing is written to disk."""
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                name = member.name.rpartition("/")[2]
                stream = archive.extractfile(member) if member.isfile() and name in wanted else None
                if stream is not None and member.size <= _MOST_MEMBER_BYTES:
                    files[name] = stream.read()
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise corrupt(path, f"it is not a tar archive that can be read ({error})") from None
    return files


def _records(layout: _Layout, data: bytes, source: str) -> tuple[Bytes, Labels]:
    """Pictures (n, 32, 32, 3) and labels of one file of either version."""
    if source.endswith(".bin"):
        size = layout.label_bytes + _PIXELS
        if not data or len(data) % size:
            raise corrupt(source, f"{len(data)} bytes are not a whole number of {size}-byte records")
        table = np.frombuffer(data, np.uint8).reshape(-1, size)
        return _interleave(table[:, layout.label_bytes :]), table[:, layout.label_bytes - 1].astype(np.int64)
    found = read_plain_pickle(data, source)
    planes, labels = found.get("data"), found.get(layout.label_key)
    if not isinstance(planes, np.ndarray) or planes.ndim != 2 or planes.shape[1] != _PIXELS:
        raise corrupt(source, f"it has no 'data' of shape (n, {_PIXELS})")
    if not isinstance(labels, list) or not all(type(label) is int and 0 <= label < 256 for label in labels):
        raise corrupt(source, f"it has no list {layout.label_key!r} of small integers")
    if len(labels) != len(planes):
        raise corrupt(source, f"it has {len(labels)} labels for {len(planes)} pictures")
    return _interleave(planes), np.asarray(labels, np.int64)


def _interleave(planes: Bytes) -> Bytes:
    return np.ascontiguousarray(planes.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
