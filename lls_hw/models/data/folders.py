"""Pictures sorted into folders: your own, Imagenette, TinyImageNet."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from lls_hw.models.data.assemble import IMAGENET, Split, Wanted, assemble
from lls_hw.models.data.images import Images, Shape
from lls_hw.models.data.refuse import corrupt, existing_folder, missing, read_bytes, refusal

_ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".ppm", ".pgm", ".tif", ".tiff", ".webp"}
PHOTOGRAPH: Shape = (3, 128, 128)
_TINY_CLASSES = 200


def read_folder(argument: str, wanted: Wanted) -> Images:
    """DIR/train/<class>/* and DIR/test/<class>/*; classes are numbered in the order of their names."""
    return _class_folders("folder", existing_folder("folder", argument), wanted)


def read_imagenette(argument: str, wanted: Wanted) -> Images:
    """DIR/train/<wnid>/* and DIR/val/<wnid>/*, also one folder below DIR."""
    return _class_folders("imagenette", _root("imagenette", existing_folder("imagenette", argument)), wanted)


def read_tinyimagenet(argument: str, wanted: Wanted) -> Images:
    """The published archive as it unpacks; its val split, which has labels, is the test split."""
    root = _root("tinyimagenet", existing_folder("tinyimagenet", argument))
    if not (root / "wnids.txt").is_file():
        raise missing("tinyimagenet", root, "wnids.txt is not in it")
    names = _wnids(root / "wnids.txt")
    train = _labelled(root / "train", names, ((name, _pictures(_inner(root / "train" / name))) for name in names))
    annotations = root / "val" / "val_annotations.txt"
    test = _annotated(annotations, names) if annotations.is_file() else _by_class(root / "val", names)
    return assemble(
        "tinyimagenet",
        train,
        test,
        native=(3, 64, 64),
        classes=len(names),
        statistics=IMAGENET,
        wanted=wanted,
        notes=() if len(names) == _TINY_CLASSES else (f"{len(names)} classes instead of {_TINY_CLASSES}",),
    )


def _wnids(path: Path) -> list[str]:
    """Class names, in order; each is the name of a folder."""
    names = sorted(_lines(path))
    bad = next((name for name in names if not name.isalnum()), None)
    if bad is not None or len(set(names)) != len(names) or not names:
        raise corrupt(path, "it is not a list of distinct class names" + (f" ({bad!r})" if bad else ""))
    return names


def _class_folders(kind: str, root: Path, wanted: Wanted) -> Images:
    held_out = next((root / name for name in ("test", "val") if (root / name).is_dir()), None)
    if not (root / "train").is_dir() or held_out is None:
        absent = "train" if not (root / "train").is_dir() else "test (or val)"
        raise missing(kind, root, f"there is no folder {absent} in it")
    names = sorted(entry.name for entry in (root / "train").iterdir() if entry.is_dir())
    if not names:
        raise missing(kind, root, "train holds no folder per class")
    unknown = sorted({entry.name for entry in held_out.iterdir() if entry.is_dir()} - set(names))
    if unknown:
        raise refusal(
            str(held_out), f"class {unknown[0]!r} is not among those of train", "Use the same class folders in both."
        )
    return assemble(
        kind,
        _by_class(root / "train", names),
        _by_class(held_out, names),
        native=PHOTOGRAPH,
        classes=len(names),
        statistics=IMAGENET,
        wanted=wanted,
    )


def _root(kind: str, folder: Path) -> Path:
    """The folder itself, or the one folder in it that has a train folder (as archives unpack)."""
    if (folder / "train").is_dir():
        return folder
    inner = [entry for entry in folder.iterdir() if (entry / "train").is_dir()]
    if len(inner) != 1:
        found = "several folders" if inner else "no folder"
        raise missing(kind, folder, f"{found} with train in it")
    return inner[0]


def _by_class(place: Path, names: Sequence[str]) -> Split:
    present = ((name, _pictures(_inner(place / name))) for name in names if (place / name).is_dir())
    return _labelled(place, names, present)


def _labelled(place: Path, names: Sequence[str], classes: Iterable[tuple[str, list[Path]]]) -> Split:
    number = {name: label for label, name in enumerate(names)}
    paths: list[Path] = []
    labels: list[int] = []
    for name, found in classes:
        paths += found
        labels += [number[name]] * len(found)
    return Split(pictures=paths, labels=np.asarray(labels, np.int64), source=str(place))


def _inner(folder: Path) -> Path:
    """TinyImageNet keeps pictures one level deeper."""
    return folder / "images" if (folder / "images").is_dir() else folder


def _pictures(folder: Path) -> list[Path]:
    """Picture files of a class, by name.

    Raises
    ------
    SpecError : the folder does not exist or has none.
    """
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in _ENDINGS)
    except OSError as error:
        raise corrupt(folder, f"this class folder cannot be read ({error.strerror})") from None
    if not found:
        raise corrupt(folder, "this class folder has no picture in it")
    return found


def _annotated(annotations: Path, names: Sequence[str]) -> Split:
    """TinyImageNet's val: file, wnid and a box on each line, separated by tabs."""
    number = {name: label for label, name in enumerate(names)}
    folder = annotations.parent / "images"
    present = {path.name for path in _pictures(folder)}
    paths: list[Path] = []
    labels: list[int] = []
    for row, line in enumerate(_lines(annotations), start=1):
        name, wnid = (*line.split("\t"), "")[:2]
        if wnid not in number or name not in present:
            what = f"class {wnid!r} is not in wnids.txt" if wnid not in number else f"{name!r} is not in {folder}"
            raise corrupt(annotations, f"line {row}: {what}")
        paths.append(folder / name)
        labels.append(number[wnid])
    return Split(pictures=paths, labels=np.asarray(labels, np.int64), source=str(annotations))


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in read_bytes(path).decode("utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError:
        raise corrupt(path, "it is not text") from None
