"""Pictures sorted into folders: your own, Imagenette, TinyImageNet."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lls_hw.models.data.assemble import IMAGENET, Split, Wanted, assemble
from lls_hw.models.data.images import Images, Shape
from lls_hw.models.data.refuse import corrupt, existing_folder, missing, read_bytes, refusal

_ENDINGS = frozenset(
    ".jpg .jpeg .jpe .jfif .png .apng .bmp .dib .gif .pbm .pgm .ppm .pnm .pfm .tif .tiff .webp .jp2 .j2k .avif"
    " .tga .pcx .sgi .ico .dds .qoi".split()
)
PHOTOGRAPH: Shape = (3, 128, 128)
_TINY_CLASSES = 200
_MOST_NAMED = 10


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
    train = _by_class(root / "train", names, names)
    annotations = root / "val" / "val_annotations.txt"
    listed = annotations.is_file()
    test = _annotated(annotations, names) if listed else _by_class(root / "val", names)
    return assemble(
        "tinyimagenet",
        train,
        test,
        native=(3, 64, 64),
        classes=len(names),
        statistics=IMAGENET,
        wanted=wanted,
        notes=() if len(names) == _TINY_CLASSES else (f"{len(names)} classes instead of {_TINY_CLASSES}",),
        files=(root / "wnids.txt", *((annotations,) if listed else ())),
    )


def _wnids(path: Path) -> list[str]:
    """Class names, in order; each is the name of a folder."""
    names = sorted(_lines(path))
    bad = next((name for name in names if not name.isalnum()), None)
    if bad is not None or len(set(names)) != len(names) or not names:
        raise corrupt(path, "it is not a list of distinct class names" + (f" ({bad!r})" if bad else ""))
    return names


def _class_folders(kind: str, root: Path, wanted: Wanted) -> Images:
    held_out = [root / name for name in ("test", "val") if (root / name).is_dir()]
    if not (root / "train").is_dir() or not held_out:
        absent = "train" if not (root / "train").is_dir() else "test (or val)"
        raise missing(kind, root, f"there is no folder {absent} in it")
    names = _class_names(root / "train")
    if not names:
        raise missing(kind, root, "train holds no folder per class")
    place = next((folder for folder in held_out if _class_names(folder)), held_out[0])
    unknown = sorted(set(_class_names(place)) - set(names))
    if unknown:
        raise refusal(
            str(place), f"class {unknown[0]!r} is not among those of train", "Use the same class folders in both."
        )
    return assemble(
        kind,
        _by_class(root / "train", names),
        _by_class(place, names),
        native=PHOTOGRAPH,
        classes=len(names),
        statistics=IMAGENET,
        wanted=wanted,
        notes=(f"classes {', '.join(names[:_MOST_NAMED])}{', ...' if len(names) > _MOST_NAMED else ''}",),
    )


def _class_names(folder: Path) -> list[str]:
    """Folders that hold a class, sorted; hidden ones are a program's."""
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _root(kind: str, folder: Path) -> Path:
    """The folder itself, or the one folder in it that has a train folder (as archives unpack)."""
    if (folder / "train").is_dir():
        return folder
    inner = [entry for entry in folder.iterdir() if (entry / "train").is_dir()]
    if len(inner) != 1:
        found = "several folders" if inner else "no folder"
        raise missing(kind, folder, f"{found} with train in it")
    return inner[0]


def _by_class(place: Path, names: Sequence[str], required: Sequence[str] = ()) -> Split:
    """Pictures of every class folder that is there, and whatever else stands beside and in them."""
    paths: list[Path] = []
    labels: list[int] = []
    left_out = sorted(entry for entry in place.iterdir() if entry.name not in names)
    for label, name in enumerate(names):
        if name in required or (place / name).is_dir():
            found, others = _pictures(place / name)
            paths += found
            labels += [label] * len(found)
            left_out += others
    return Split(pictures=paths, labels=np.asarray(labels, np.int64), source=str(place), left_out=left_out)


def _pictures(folder: Path) -> tuple[list[Path], list[Path]]:
    """Picture files of a class by name, and what is none.

    Where there is no picture beside a folder `images` (as TinyImageNet has), it holds them.

    Raises
    ------
    SpecError : the folder does not exist or has none.
    """
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise corrupt(folder, f"this class folder cannot be read ({error.strerror})") from None
    found = [path for path in entries if _is_picture(path)]
    inner = folder / "images"
    if not found and inner.is_dir():
        found, others = _pictures(inner)
        return found, [path for path in entries if path != inner] + others
    if not found:
        raise corrupt(folder, "this class folder has no picture in it")
    return found, [path for path in entries if not _is_picture(path)]


def _is_picture(path: Path) -> bool:
    """By its name; what is hidden is a program's."""
    return path.suffix.lower() in _ENDINGS and not path.name.startswith(".") and path.is_file()


def _annotated(annotations: Path, names: Sequence[str]) -> Split:
    """TinyImageNet's val: file, wnid and a box on each line, separated by tabs."""
    number = {name: label for label, name in enumerate(names)}
    folder = annotations.parent / "images"
    present = {path.name for path in _pictures(folder)[0]}
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
