"""docs/data.md's table of what every reader accepts, converts, leaves out and refuses: each row is tried here."""

import json
import re
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lls_hw.models.data import load_data
from lls_hw.models.data.fit import read_picture
from lls_hw.models.spec.base import read_toml
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.topology import read_array_config, read_topology

PAGE = Path(__file__).resolve().parents[2] / "docs" / "data.md"
HEADING = "| reader | input | outcome |"
GREY = np.arange(16, dtype=np.uint8).reshape(4, 4)
CONV = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n"
CONV_ROW = "c, 8, 8, 3, 3, 1, 2, 1,"

ODD = np.zeros((2, 4, 4, 5), np.uint8)
BATCHED = CONV[:-1] + " Batch Size,\n" + CONV_ROW + " 8,\n"
HABITS = "\ufeff" + CONV + CONV_ROW.replace(" ", "\t") + "#dw\n"
DEPTHWISE = CONV + "DP" + CONV_ROW.replace(" 1, 2, 1,", " 3, 2, 1,") + "\n"
ARABIC = CONV + CONV_ROW.replace("8", "٨") + "\n"

Outcome = str
Probe = Callable[[Path], Outcome]


def rows() -> list[tuple[str, str, Outcome]]:
    """(reader, input, outcome) of the page's table; the outcome is its first word."""
    after = PAGE.read_text(encoding="utf-8").partition(HEADING)[2].splitlines()[2:]
    table = takewhile(lambda line: line.startswith("|"), after)
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]
    return [(reader, what, outcome.split(":")[0].split(",")[0]) for reader, what, outcome in cells]


def picture(save: Callable[[Path], None], ending: str = "png") -> Probe:
    """Whether one picture is read as grey of the same size."""

    def probe(folder: Path) -> Outcome:
        path = folder / f"x.{ending}"
        save(path)
        found = read_picture(path, (1, 4, 4))
        with Image.open(path) as opened:
            plain = opened.mode in ("L", "RGB") and getattr(opened, "n_frames", 1) == 1
        return "accepted" if plain and found.shape == (4, 4, 1) else "converted"

    return probe


def saved(mode: str, **options: object) -> Callable[[Path], None]:
    return lambda path: Image.fromarray(GREY).convert(mode).save(path, **options)


def array(values: np.ndarray) -> Callable[[Path], None]:
    return lambda path: Image.fromarray(values).save(path)


def lab(path: Path) -> None:
    Image.fromarray(GREY).convert("RGB").convert("LAB").save(path)


def frames(path: Path) -> None:
    Image.fromarray(GREY).save(path, save_all=True, append_images=[Image.fromarray(GREY[::-1].copy())])


def folder(*extra: str, drop: str | None = None) -> Probe:
    """Class folders a and b with a picture in each, and then what is added or taken away."""

    def probe(root: Path) -> Outcome:
        for place in ("train/a", "train/b", "test/a"):
            (root / place).mkdir(parents=True)
            Image.fromarray(GREY).save(root / place / "1.png")
        if drop is not None:
            (root / drop).unlink()
        for name in extra:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(GREY).save(root / name, format="PNG")
        images = load_data(f"folder:{root}", shape=(1, 4, 4), classes=2, seed=0)
        return "left out" if any("left out" in note for note in images.notes) else "accepted"

    return probe


def coco(key: str = "images", encoding: str = "utf-8", first: str = "1.png", **changes: object) -> Probe:
    """Two pictures and a person in the first; `changes` of the first entry of a list, None for a key taken away."""
    names = (first, "2.png")

    def probe(root: Path) -> Outcome:
        data = {
            "images": [{"id": i, "file_name": name, "width": 4, "height": 4} for i, name in enumerate(names, start=1)],
            "annotations": [{"id": 9, "image_id": 1, "category_id": 1, "bbox": [0, 0, 4, 4]}],
            "categories": [{"id": 1, "name": "person"}],
        }
        entry = {**data[key][0], **changes}
        data[key][0] = {name: value for name, value in entry.items() if value is not None}
        (root / "instances.json").write_text(json.dumps(data), encoding=encoding)
        for name in names:
            Image.fromarray(GREY).save(root / name)
        images = load_data(f"vww:{root}", shape=(1, 4, 4), classes=2, seed=0)
        count = len(images.train_labels) + len(images.test_labels)
        return "accepted" if count == len(data["images"]) else "left out"

    return probe


def npz(**changes: np.ndarray) -> Probe:
    def probe(root: Path) -> Outcome:
        stack = np.stack([GREY, GREY])
        arrays = {
            f"{split}_{what}": value
            for split in ("train", "test")
            for what, value in (("images", stack), ("labels", np.arange(2)))
        }
        np.savez(root / "d.npz", **{**arrays, **changes})
        load_data(f"npz:{root / 'd.npz'}", shape=None, classes=None, seed=0)
        return "accepted"

    return probe


def topology(text: str, *, converted: bool = False) -> Probe:
    def probe(root: Path) -> Outcome:
        (root / "t.csv").write_text(text, encoding="utf-8")
        layers = read_topology(root / "t.csv")
        plain = [layer.gemm("up") for layer in read_topology(write(root / "p.csv", CONV + CONV_ROW + "\n"))]
        return "converted" if converted and [layer.gemm("up") for layer in layers] != plain else "accepted"

    return probe


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def cfg(text: str) -> Probe:
    def probe(root: Path) -> Outcome:
        read_array_config(write(root / "s.cfg", text))
        return "accepted"

    return probe


def toml(data: bytes) -> Probe:
    def probe(root: Path) -> Outcome:
        (root / "x.toml").write_bytes(data)
        read_toml(root / "x.toml")
        return "accepted"

    return probe


PROBES: dict[tuple[str, str], Probe] = {
    ("picture", "8-bit grey or RGB"): picture(saved("RGB")),
    ("picture", "one bit a pixel, palette, CMYK, YCbCr, HSV"): picture(saved("CMYK"), "tif"),
    ("picture", "transparency"): picture(saved("LA")),
    ("picture", "16-bit grey"): picture(array(GREY.astype(np.uint16) * 257)),
    ("picture", "real samples in 0 … 1"): picture(array(GREY.astype(np.float32) / 255), "tif"),
    ("picture", "real samples outside 0 … 1"): picture(array(GREY.astype(np.float32)), "tif"),
    ("picture", "32-bit integers (TIFF)"): picture(array(GREY.astype(np.int32)), "tif"),
    ("picture", "L\\*a\\*b\\*"): picture(lab, "tif"),
    ("picture", "several frames or pages"): picture(frames, "tif"),
    ("picture", "cut short, or no picture"): picture(lambda path: path.write_bytes(b"GIF89a")),
    ("picture", "PostScript"): picture(lambda path: path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n"), "eps"),
    ("folder", "`train/<class>/*`, `test/<class>/*`"): folder(),
    ("folder", "files that are no pictures by their ending"): folder("train/a/notes.txt"),
    ("folder", "hidden files and folders"): folder("train/.cache/1.png"),
    ("folder", "a folder `images` beside pictures"): folder("train/a/images/2.png"),
    ("folder", "a folder `images` and no picture beside it"): folder("train/b/images/2.png", drop="train/b/1.png"),
    ("folder", "a class folder without a picture"): folder(drop="train/b/1.png"),
    ("folder", "a class that training does not have"): folder("test/c/1.png"),
    ("vww", "a byte-order mark"): coco(encoding="utf-8-sig"),
    ("vww", "`photo..1.png`"): coco(first="photo..1.png"),
    ("vww", "a name with the part `..`"): coco(file_name="../1.png"),
    ("vww", "persons that are all too small"): coco("annotations", bbox=[0, 0, 0.1, 0.1]),
    ("vww", "a category's id that is no integer, or another's"): coco("categories", id="1"),
    ("vww", "an annotation of a category that is not listed"): coco("annotations", category_id=0),
    ("vww", "an annotation without a category"): coco("annotations", category_id=None),
    ("vww", "an annotation of an image that is not listed"): coco("annotations", image_id=7),
    ("vww", "a picture that is missing, or only in another split's folder"): coco(file_name="3.png"),
    ("npz", "uint8 pictures, integer labels"): npz(),
    ("npz", "pictures of another type, or of other channels than 1 and 3"): npz(test_images=ODD),
    ("npz", "pictures without a row or a column"): npz(test_images=np.zeros((2, 0, 4), np.uint8)),
    ("npz", "labels that are negative, or no integers"): npz(train_labels=np.array([0, -1])),
    ("topology", "columns in any order, by their headings"): topology("Layer, K, N, M,\na, 1, 2, 3,\n"),
    ("topology", "a byte-order mark, tabs, a comment after the last comma"): topology(HABITS),
    ("topology", "a column Batch Size"): topology(BATCHED, converted=True),
    ("topology", "a `DP` row"): topology(DEPTHWISE, converted=True),
    ("topology", "a heading that is not known"): topology(CONV[:-1] + " Padding,\n" + CONV_ROW + " 1,\n"),
    ("topology", "a row that was cut"): topology(CONV + CONV_ROW[:12] + "\n"),
    ("topology", "a number behind the last column"): topology(CONV + CONV_ROW + " 8,\n"),
    ("topology", "N:M density with N < M"): topology(CONV + CONV_ROW + " 2:4,\n"),
    ("topology", "digits that are not ASCII, or of more than 40 characters"): topology(ARABIC),
    ("cfg", "without Dataflow, or without the array's sides"): cfg("[architecture_presets]\nDataflow: ws\n"),
    ("cfg", "without [architecture_presets]"): cfg("[general]\nrun_name = x\n"),
    ("TOML", "a byte-order mark"): toml(b"\xef\xbb\xbfname = 'n'\n"),
    ("TOML", "not UTF-8, not TOML, nested too deeply, numbers of thousands of digits"): toml(b"n = " + b"9" * 5000),
}  # fmt: skip


def test_table__has_a_row_for_every_probe_and_no_other() -> None:
    assert sorted(row[:2] for row in rows()) == sorted(PROBES)


@pytest.mark.parametrize(("reader", "what", "outcome"), rows())
def test_row__is_what_happens(reader: str, what: str, outcome: Outcome, tmp_path: Path) -> None:
    if outcome == "refused":
        with pytest.raises(SpecError, match=rf"{re.escape(str(tmp_path))}|^t\.csv, line \d|s\.cfg"):
            PROBES[reader, what](tmp_path)
        return
    assert PROBES[reader, what](tmp_path) == outcome
