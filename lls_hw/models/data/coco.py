"""The part of a COCO instances file that Visual Wake Words needs, checked."""

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from lls_hw.models.data.refuse import corrupt
from lls_hw.models.spec.errors import shown

Box = tuple[float, float, float, float]
_PERSON = "person"
_LISTS = ("images", "annotations", "categories")
_KEYS = (*_LISTS, "id", "image_id", "category_id", "bbox", "file_name", "width", "height", "subset", "name")
_MOST_PIXELS = 2**31  # beyond it a number is no coordinate; NaN is refused by the same comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """One picture: its size in pixels, its file, and the folder that its entry names (may be empty)."""

    id: int
    file_name: str
    width: int
    height: int
    subset: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coco:
    """Pictures by increasing id, and the boxes (x, y, width, height) of persons, crowds included."""

    photos: tuple[Photo, ...]
    person_boxes: Mapping[int, list[Box]]


def read_coco(path: Path) -> Coco:
    """Read an instances file; outlines of objects are dropped while parsing.

    Raises
    ------
    SpecError : not JSON, a list is missing, no category is called person, an entry is impossible, or an
        annotation is of a category or of an image that is not listed.
    """
    data = _load(path)
    categories = _categories(path, data["categories"])
    photos = tuple(sorted((_photo(path, entry) for entry in data["images"]), key=lambda photo: photo.id))
    known = {photo.id for photo in photos}
    if len(known) != len(photos):
        raise corrupt(path, "two of its images have the same id")
    boxes: dict[int, list[Box]] = {}
    for entry in data["annotations"]:
        name, image_id = _category_of(path, entry, categories), _image_of(path, entry, known)
        if name == _PERSON:
            boxes.setdefault(image_id, []).append(_box(path, entry))
    return Coco(photos=photos, person_boxes=boxes)


def _categories(path: Path, entries: list[dict[str, Any]]) -> dict[int, object]:
    """Names by id."""
    names: dict[int, object] = {}
    for entry in entries:
        number = entry.get("id")
        if type(number) is not int or number in names:
            named, found = shown(entry.get("name")), shown(number)
            raise corrupt(path, f"category {named} needs an integer id of its own, and has {found}")
        names[number] = entry.get("name")
    if _PERSON not in names.values():
        raise corrupt(path, f"none of its categories is called {_PERSON!r}")
    return names


def _category_of(path: Path, entry: Mapping[str, Any], categories: Mapping[int, object]) -> object:
    """The name of an annotation's category."""
    number = entry.get("category_id")
    if type(number) is not int or number not in categories:
        need = f"annotation {shown(entry.get('id'))} is of category {shown(number)}, which is not listed"
        raise corrupt(path, need)
    return categories[number]


def _image_of(path: Path, entry: Mapping[str, Any], known: Set[int]) -> int:
    """The id of an annotation's image; a wrong one, of whatever category, says that persons' may be shifted too."""
    number = entry.get("image_id")
    if type(number) is not int or number not in known:
        raise corrupt(path, f"annotation {shown(entry.get('id'))} is of image {shown(number)}, which is not listed")
    return number


def _needed(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Only the keys read here: outlines and addresses are nine tenths of a file.

    Raises
    ------
    ValueError : one of them is there twice, so that the first would be lost.
    """
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in _KEYS:
            if key in found:
                raise ValueError(f"one object has two {key!r}")
            found[key] = value
    return found


def _load(path: Path) -> dict[str, list[dict[str, Any]]]:
    try:
        with path.open(encoding="utf-8-sig") as stream:
            data = json.load(stream, object_pairs_hook=_needed)
    except OSError as error:
        raise corrupt(path, f"it cannot be read ({error.strerror or error})") from None
    except (ValueError, RecursionError) as error:
        raise corrupt(path, f"it is not valid JSON ({error})") from None
    for key in _LISTS:
        entries = data.get(key) if isinstance(data, dict) else None
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise corrupt(path, f"it has no list {key!r} of objects, as COCO instances files have")
    return dict(data)


def _photo(path: Path, entry: Mapping[str, Any]) -> Photo:
    numbers: list[Any] = [entry.get(key) for key in ("id", "width", "height")]
    if not all(type(number) is int for number in numbers) or not all(
        1 <= number <= _MOST_PIXELS for number in numbers[1:]
    ):
        raise corrupt(path, f"image {shown(entry.get('id'))} needs an integer id, width and height")
    name = entry.get("file_name")
    if not isinstance(name, str) or not name or ".." in name.split("/") or "\0" in name or name.endswith("/"):
        raise corrupt(path, f"image {entry['id']} has the file name {shown(name)}")
    subset = entry.get("subset", PurePosixPath(name).parent.name)
    subset = subset if isinstance(subset, str) and subset not in ("..", ".") and "/" not in subset else ""
    return Photo(id=entry["id"], file_name=name, width=entry["width"], height=entry["height"], subset=subset)


def _box(path: Path, entry: Mapping[str, Any]) -> Box:
    box = entry.get("bbox")
    numbers: list[Any] = box if isinstance(box, list) and len(box) == 4 else [None]
    if not all(type(n) in (int, float) and abs(n) <= _MOST_PIXELS for n in numbers):
        raise corrupt(path, f"annotation {shown(entry.get('id'))} needs a bbox of four numbers")
    x, y, wide, tall = numbers
    if wide < 0 or tall < 0:
        raise corrupt(path, f"annotation {shown(entry.get('id'))} has a box of negative size")
    return x, y, wide, tall
