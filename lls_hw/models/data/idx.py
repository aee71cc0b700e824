"""MNIST and Fashion-MNIST: idx files, plain or gzip.

Layout of an idx file: two zero bytes, a type byte (8: unsigned byte), the number of dimensions,
each dimension as a big-endian 32-bit integer, then the data, row-major.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from lls_hw.models.data.assemble import FASHION, GREY_HALF, Split, Statistics, Wanted, assemble
from lls_hw.models.data.images import Bytes, Images
from lls_hw.models.data.refuse import corrupt, existing_folder, missing

DEBIAN_FASHION = "/usr/share/datasets/fashion-mnist"
_UNSIGNED_BYTE = 8
_MOST_BYTES = 2**32


def read_fashion_mnist(argument: str, wanted: Wanted) -> Images:
    """Fashion-MNIST; without a folder, where Debian's dataset-fashion-mnist puts it."""
    folder = existing_folder("fashion-mnist", argument or DEBIAN_FASHION)
    return _read("fashion-mnist", folder, wanted, statistics=FASHION)


def read_mnist(argument: str, wanted: Wanted) -> Images:
    """MNIST."""
    return _read("mnist", existing_folder("mnist", argument), wanted, statistics=GREY_HALF)


def _read(kind: str, folder: Path, wanted: Wanted, *, statistics: Statistics) -> Images:
    paths = {
        (split, what): _find(kind, folder, f"{split}-{what}-ubyte")
        for split in ("train", "t10k")
        for what in ("images-idx3", "labels-idx1")
    }
    train, test = (
        Split(
            pictures=read_idx(paths[split, "images-idx3"], dimensions=3)[..., None],
            labels=read_idx(paths[split, "labels-idx1"], dimensions=1),
            source=str(paths[split, "labels-idx1"]),
        )
        for split in ("train", "t10k")
    )
    return assemble(
        kind, train, test, native=(1, 28, 28), classes=10, statistics=statistics, wanted=wanted,
        files=tuple(paths.values()),
    )  # fmt: skip


def _find(kind: str, folder: Path, name: str) -> Path:
    """The file, plain or .gz; some mirrors write a dot before idx."""
    dotted = name.replace("-idx", ".idx")
    for candidate in (name, f"{name}.gz", dotted, f"{dotted}.gz"):
        if (folder / candidate).is_file():
            return folder / candidate
    raise missing(kind, folder, f"{name} (or {name}.gz) is not in it")


def read_idx(path: Path, *, dimensions: int) -> Bytes:
    """An idx file of unsigned bytes.

    Raises
    ------
    SpecError : it is not one, has other dimensions, or is shorter or longer than its header says.
    """
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if not zipped:
                return _parse(path, raw, dimensions)
            with gzip.GzipFile(fileobj=raw) as unzipped:
                return _parse(path, unzipped, dimensions)  # type: ignore[arg-type]
    except (OSError, EOFError, zlib.error) as error:
        raise corrupt(path, f"it cannot be read to its end ({error})") from None


def _parse(path: Path, stream: BinaryIO, dimensions: int) -> Bytes:
    header = stream.read(4 + 4 * dimensions)
    expected = bytes((0, 0, _UNSIGNED_BYTE, dimensions))
    if header[:4] != expected or len(header) != 4 + 4 * dimensions:
        raise corrupt(path, f"an idx file of {dimensions}-dimensional bytes starts with {expected.hex()}")
    shape = struct.unpack(f">{dimensions}I", header[4:])
    size = math.prod(shape)
    if size > _MOST_BYTES:
        raise corrupt(path, f"its header promises {size} bytes")
    data = stream.read(size + 1)
    if len(data) != size:
        found = "more" if len(data) > size else str(len(data))
        raise corrupt(path, f"its header promises {size} bytes of data and it has {found}")
    return np.frombuffer(data, np.uint8).reshape(shape)
