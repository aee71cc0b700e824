"""The part of a COCO instances file that Visual Wake Words needs, checked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lls_hw.models.data.refuse import corrupt

Box = tuple[float, float, float, float]
_LISTS = ("images", "annotations", "categories")
_KEYS = (*_LISTS, "id", "image_id", "category_id", "bbox", "file_name", "width", "height", "subset", "name")
_MOST_PIXELS = 2**31  # beyond it a number is no coordinate; NaN is refused by the same comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """One picture: its size in pixels, its file, and the folder it was published in (may be empty)."""

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
    SpecError : not JSON, a list is missing, no category is called person, or an entry is impossible.
    """
    data = _load(path)
    persons = {category.get("id") for category in data["categories"] if category.get("name") == "person"}
    if not persons:
        raise corrupt(path, "none of its categories is called 'person'")
    fallback = path.stem.removeprefix("instances").strip("_")
    photos = tuple(sorted((_photo(path, entry, fallback) for entry in data["images"]), key=lambda photo: photo.id))
    known = {photo.id for photo in photos}
    if len(known) != len(photos):
        raise corrupt(path, "two of its images have the same id")
    boxes: dict[int, list[Box]] = {}
    for entry in data["annotations"]:
        if entry.get("category_id") in persons:
            image_id, box = _person(path, entry)
            if image_id not in known:
                raise corrupt(path, f"annotation {entry.get('id')!r} is of image {image_id}, which is not listed")
            boxes.setdefault(image_id, []).append(box)
    return Coco(photos=photos, person_boxes=boxes)


def _needed(entry: dict[str, Any]) -> dict[str, Any]:
    """Only the keys read here: outlines and addresses are nine tenths of a file."""
    return {key: entry[key] for key in _KEYS if key in entry}


def _load(path: Path) -> dict[str, list[dict[str, Any]]]:
    try:
        with path.open(encoding="utf-8") as stream:
            data = json.load(stream, object_hook=_needed)
    except OSError as error:
        raise corrupt(path, f"it cannot be read ({error.strerror or error})") from None
    except (ValueError, RecursionError) as error:
        raise corrupt(path, f"it is not valid JSON ({error})") from None
    for key in _LISTS:
        entries = data.get(key) if isinstance(data, dict) else None
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise corrupt(path, f"it has no list {key!r} of objects, as COCO instances files have")
    return dict(data)


def _photo(path: Path, entry: Mapping[str, Any], fallback: str) -> Photo:
    numbers: list[Any] = [entry.get(key) for key in ("id", "width", "height")]
    if not all(type(number) is int for number in numbers) or not all(
        1 <= number <= _MOST_PIXELS for number in numbers[1:]
    ):
        raise corrupt(path, f"image {entry.get('id')!r} needs an integer id, width and height")
    name = entry.get("file_name")
    if not isinstance(name, str) or not name or ".." in name or "\0" in name or name.endswith("/"):
        raise corrupt(path, f"image {entry['id']} has the file name {name!r}")
    subset = entry.get("subset", fallback)
    subset = subset if isinstance(subset, str) and subset not in ("..", ".") and "/" not in subset else ""
    return Photo(id=entry["id"], file_name=name, width=entry["width"], height=entry["height"], subset=subset)


def _person(path: Path, entry: Mapping[str, Any]) -> tuple[int, Box]:
    box = entry.get("bbox")
    numbers: list[Any] = box if isinstance(box, list) and len(box) == 4 else [None]
    if type(entry.get("image_id")) is not int or not all(
        type(n) in (int, float) and abs(n) <= _MOST_PIXELS for n in numbers
    ):
        raise corrupt(path, f"annotation {entry.get('id')!r} needs an image_id and a bbox of four numbers")
    x, y, wide, tall = numbers
    if wide < 0 or tall < 0:
        raise corrupt(path, f"annotation {entry.get('id')!r} has a box of negative size")
    return int(entry["image_id"]), (x, y, wide, tall)
