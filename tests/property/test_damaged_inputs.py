"""Whatever is done to a file, a reader reads it or refuses it in one `SpecError` that names it: never a traceback."""

import gzip
import io
import json
import struct
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lls_hw.models.data import load_data
from lls_hw.models.spec.accelerator import AcceleratorSpec, MappingFile
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.models.spec.resolve import resolve
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.models.topology import read_array_config, read_topology

MODELS = Path(__file__).parents[2] / "lls_hw" / "models"
GREY = np.arange(64, dtype=np.uint8).reshape(8, 8)
TRIES = 60
NUMBERS, TEXTS = (-1, 0, 1.5, 10**30, 1e308, float("nan")), ("", "1", "٣", "\0", "../x", "x" * 3000)
ODD = (*NUMBERS, *TEXTS, None, True, [], [[]], {}, {"a": []})
"""What stands where something else should."""
LINES = ("", ",", "\ufeff", "٣", "#", "\t", "9" * 5000, "-1", "1e400", "nan", "[", "]]", "=", '"', "\\", "'''", "\x0c")


def idx(path: Path) -> None:
    for split in ("train", "t10k"):
        head = struct.pack(">4B3I", 0, 0, 8, 3, 4, 28, 28)
        (path.parent / f"{split}-images-idx3-ubyte").write_bytes(head + bytes(4 * 28 * 28))
        labels = struct.pack(">4BI", 0, 0, 8, 1, 4) + bytes(4)
        (path.parent / f"{split}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))


def cifar(path: Path) -> None:
    record = bytes(3073) * 2
    with tarfile.open(path, "w:gz") as archive:
        for name in [*(f"data_batch_{part}.bin" for part in range(1, 6)), "test_batch.bin"]:
            member = tarfile.TarInfo(name)
            member.size = len(record)
            archive.addfile(member, io.BytesIO(record))


def npz(path: Path) -> None:
    stack, labels = np.stack([GREY, GREY]), np.arange(2)
    np.savez(path, train_images=stack, train_labels=labels, test_images=stack, test_labels=labels)


def coco(path: Path) -> None:
    data = {
        "images": [{"id": i, "file_name": f"{i}.png", "width": 8, "height": 8} for i in (1, 2)],
        "annotations": [{"id": 9, "image_id": 1, "category_id": 1, "bbox": [0, 0, 4, 4]}],
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "cat"}],
    }
    path.write_text(json.dumps(data))
    for number in (1, 2):
        Image.fromarray(GREY).save(path.parent / f"{number}.png")


def table(path: Path) -> None:
    heading = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n"
    path.write_text(heading + "c1, 8, 8, 3, 3, 1, 2, 1,\nDPc2, 8, 8, 3, 3, 2, 2, 1,#dw\n")


def shipped(name: str) -> Callable[[Path], None]:
    return lambda path: path.write_bytes((MODELS / name).read_bytes()) and None


def data(kind: str, file: str = "") -> Callable[[Path], object]:
    def read(path: Path) -> object:
        images = load_data(f"{kind}:{path if file else path.parent}", shape=None, classes=None, seed=0)
        return images.train_images[:], images.test_images[:]

    return read


READERS: dict[str, tuple[str, Callable[[Path], None], Callable[[Path], object]]] = {
    "mnist pictures": ("train-images-idx3-ubyte", idx, data("mnist")),
    "mnist labels": ("t10k-labels-idx1-ubyte.gz", idx, data("mnist")),
    "cifar10": ("c.tar.gz", cifar, data("cifar10", "file")),
    "npz": ("d.npz", npz, data("npz", "file")),
    "coco": ("instances.json", coco, data("vww")),
    "topology": ("t.csv", table, read_topology),
    "cfg": (
        "s.cfg",
        lambda path: path.write_text("[architecture_presets]\nArrayHeight: 8\nArrayWidth: 8\nDataflow: ws\n") and None,
        read_array_config,
    ),
    "network": ("n.toml", shipped("nets/smallconv.toml"), lambda path: resolve(NetworkSpec.from_toml(path))),
    "chip": ("c.toml", shipped("chips/edge_8x8.toml"), AcceleratorSpec.from_toml),
    "technology": ("t.toml", shipped("technology/cmos_45nm.toml"), TechnologySpec.from_toml),
    "mapping": (
        "m.toml",
        lambda path: path.write_text('[[op]]\nlayer = "a"\nstage = "forward"\norder = "rio"\nrows = 4\n') and None,
        MappingFile.from_toml,
    ),
}


def damaged(whole: bytes) -> Iterator[bytes]:
    """The file cut, with bytes changed, and (text) with something odd put in."""
    rng = np.random.default_rng(len(whole))
    for number in range(TRIES):
        broken = bytearray(whole[: rng.integers(0, len(whole) + 1)] if number % 3 == 0 else whole)
        if number % 3 == 1:
            for place in rng.integers(0, len(broken), rng.integers(1, 6)):
                broken[place] = rng.integers(0, 256)
        elif number % 3 == 2:
            place, odd = rng.integers(0, len(broken) + 1), LINES[int(rng.integers(len(LINES)))]
            broken[place:place] = odd.encode()
        yield bytes(broken)


@pytest.mark.parametrize("kind", READERS)
def test_damaged_bytes__are_read_or_refused(kind: str, tmp_path: Path) -> None:
    name, make, read = READERS[kind]
    path = tmp_path / name
    make(path)
    read(path)
    refused = 0
    for broken in damaged(path.read_bytes()):
        path.write_bytes(broken)
        try:
            read(path)
        except SpecError as error:
            refused += "\n" not in str(error)
    assert refused > TRIES // 6, "damage is seen"


def swapped(found: object) -> Iterator[object]:
    """Plain data with one value (or key) after the other replaced by something odd."""
    if isinstance(found, dict):
        for key, value in found.items():
            yield {other: kept for other, kept in found.items() if other != key}
            yield from ({**found, key: inner} for inner in (*ODD, *swapped(value)))
    elif isinstance(found, list):
        for place, value in enumerate(found):
            yield from ([*found[:place], inner, *found[place + 1 :]] for inner in (*ODD, *swapped(value)))


def test_coco__every_value_replaced_by_something_odd(tmp_path: Path) -> None:
    path = tmp_path / "instances.json"
    coco(path)
    kept = json.loads(path.read_text())
    read_person_labels = tried = 0
    for changed in swapped(kept):
        path.write_text(json.dumps(changed))
        tried += 1
        try:
            images = load_data(f"vww:{tmp_path}", shape=(1, 8, 8), classes=2, seed=0)
        except SpecError:
            continue
        labels = sorted([*images.train_labels.tolist(), *images.test_labels.tolist()])
        read_person_labels += labels == [0, 1]
    assert tried > 400
    assert read_person_labels > 20, "what does not matter is not refused"
