"""Visual Wake Words from COCO annotations: is there a person in the picture?

The rule (Chowdhery et al. 2019, arXiv 1906.05721): label 1 if some person box covers at least
0.5 % of the picture's area, 0 if there is no person box at all; a picture whose only persons are
smaller is left out. A crowd box (`iscrowd` = 1) encloses persons and counts like any other, as in
the published conversion, which does not look at the flag.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from lls_hw.models.data.assemble import IMAGENET, Split, Wanted, assemble
from lls_hw.models.data.coco import Coco, Photo, read_coco
from lls_hw.models.data.folders import PHOTOGRAPH
from lls_hw.models.data.images import Images
from lls_hw.models.data.refuse import SOURCES, existing_folder, missing, refusal

_ONE_IN = 200  # 0.5 %
_TEST_ONE_IN = 5


def label(photo: Photo, person_boxes: Sequence[tuple[float, float, float, float]]) -> int | None:
    """1, 0, or None when the picture is to be left out; boxes are x, y, width, height in pixels.

    Only the part of a box inside the picture covers it.

    Examples
    --------
    >>> photo = Photo(id=1, file_name="a.jpg", width=100, height=100, subset="")
    >>> label(photo, []), label(photo, [(0, 0, 10, 5)]), label(photo, [(0, 0, 10, 4.9)])
    (0, 1, None)
    """
    if not person_boxes:
        return 0
    area = max(_area_inside(photo, box) for box in person_boxes)
    return 1 if _ONE_IN * area >= photo.width * photo.height else None


def _area_inside(photo: Photo, box: tuple[float, float, float, float]) -> float:
    x, y, wide, tall = box
    if x >= 0 and y >= 0 and x + wide <= photo.width and y + tall <= photo.height:
        return wide * tall  # exact where the subtraction below would round
    across = min(x + wide, photo.width) - max(x, 0)
    down = min(y + tall, photo.height) - max(y, 0)
    return max(0.0, across) * max(0.0, down)


def in_test_split(photo_id: int) -> bool:
    """One picture in five, chosen by the SHA-256 of its id: the same on every machine, for any set."""
    digest = hashlib.sha256(str(photo_id).encode()).digest()
    return int.from_bytes(digest[:8], "big") % _TEST_ONE_IN == 0


def read_vww(argument: str, wanted: Wanted) -> Images:
    """DIR with COCO annotations and pictures; no picture is decoded before it is asked for."""
    root = existing_folder("vww", argument)
    train_json, test_json = _annotations(root)
    folders = _folders(root)
    if test_json is None:
        counts, photos = _label_all(read_coco(train_json))
        train = [entry for entry in photos if not in_test_split(entry[0].id)]
        test = [entry for entry in photos if in_test_split(entry[0].id)]
        notes: tuple[str, ...] = (
            f"{train_json.name}: {counts}",
            f"no test annotations: {len(test)} pictures, one in {_TEST_ONE_IN} by a hash of the id, are the test split",
        )
    else:
        train_counts, train = _label_all(read_coco(train_json))
        test_counts, test = _label_all(read_coco(test_json))
        notes = (f"{train_json.name}: {train_counts}", f"{test_json.name}: {test_counts}")
    return assemble(
        "vww",
        _split(root, folders, train, train_json),
        _split(root, folders, test, test_json or train_json),
        native=PHOTOGRAPH,
        classes=2,
        statistics=IMAGENET,
        wanted=wanted,
        notes=notes,
        files=(train_json,) if test_json is None else (train_json, test_json),
    )


def _annotations(root: Path) -> tuple[Path, Path | None]:
    """The training annotations, and those of a test split if there is a second file."""
    found = [
        path
        for place in (root, root / "annotations")
        if place.is_dir()
        for path in sorted(place.glob("instances*.json"))
    ]
    if not found:
        raise missing("vww", root, "no instances*.json in it nor in its folder annotations")
    if len(found) == 1:
        return found[0], None
    tests = [path for path in found if _role(path.stem) == "test"]
    if len(found) != 2 or len(tests) != 1:
        names = ", ".join(path.name for path in found)
        raise refusal(
            f"vww:{root}",
            f"it has {names}, where one file is wanted, or two of which one has val or test in its name",
            "Keep one pair of annotation files in this folder.",
        )
    return next(path for path in found if path not in tests), tests[0]


def _label_all(coco: Coco) -> tuple[str, list[tuple[Photo, int]]]:
    """Pictures with their labels in the order of their ids, and how many there were of each kind."""
    labelled: list[tuple[Photo, int]] = []
    counts = {0: 0, 1: 0, None: 0}
    for photo in coco.photos:
        found = label(photo, coco.person_boxes.get(photo.id, ()))
        counts[found] += 1
        if found is not None:
            labelled.append((photo, found))
    return f"{counts[0]} without a person, {counts[1]} with, {counts[None]} left out", labelled


def _folders(root: Path) -> dict[Path, set[str]]:
    """Names in every folder that pictures may be in: DIR, DIR/images and the folders in both."""
    places = [root, root / "images"]
    inner = [entry for place in places if place.is_dir() for entry in sorted(place.iterdir()) if entry.is_dir()]
    ordered = dict.fromkeys([*places, *inner])
    return {place: {entry.name for entry in place.iterdir()} for place in ordered if place.is_dir()}


def _split(root: Path, folders: dict[Path, set[str]], photos: Iterable[tuple[Photo, int]], source: Path) -> Split:
    entries = list(photos)
    paths = [_locate(root, folders, photo, source) for photo, _ in entries]
    absent = [photo for (photo, _), path in zip(entries, paths, strict=True) if path is None]
    if absent:
        raise refusal(
            f"vww:{root}",
            f"{len(absent)} of {len(entries)} pictures of {source.name} are missing, first {absent[0].file_name}",
            f"Layout: {SOURCES['vww'][1]}.",
        )
    labels = np.asarray([found for _, found in entries], np.int64)
    return Split(pictures=[path for path in paths if path is not None], labels=labels, source=str(source))


def _locate(root: Path, folders: dict[Path, set[str]], photo: Photo, source: Path) -> Path | None:
    """The picture's file: in the folder that its entry names, if there is one, and nowhere else.

    Otherwise in the folder that the annotations are named after, or in any that is not another split's.
    """
    name = PurePosixPath(photo.file_name).name
    own = _named(root, folders, photo.subset)
    named_after = _named(root, folders, source.stem.removeprefix("instances").strip("_"))
    role = _role(source.stem)
    others = [place for place in folders if place == root or not role or _role(place.name) in ("", role)]
    for place in own or (*named_after, *others):
        if name in folders[place]:
            return Path(place, name)
    return None


def _named(root: Path, folders: dict[Path, set[str]], subset: str) -> list[Path]:
    """Folders of pictures called `subset`."""
    return [place for place in (root / subset, root / "images" / subset) if subset and place in folders]


def _role(name: str) -> str:
    """The split of a folder or annotation file, by its name; empty where it says nothing."""
    return "test" if "val" in name or "test" in name else "train" if "train" in name else ""
