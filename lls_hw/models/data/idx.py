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

from lls_hw.models.data.assemble import FASHION, GREY_HALF, Split, Wanted, assemble
from lls_hw.models.data.images import Bytes, Images
from lls_hw.models.data.refuse import corrupt, existing_folder, missing

DEBIAN_FASHION = "/usr/share/datasets/fashion-mnist"
_UNSIGNED_BYTE = 8
_MOST_BYTES = 2**32


def read_fashion_mnist(argument: str, wanted: Wanted) -> Images:
    """Fashion-MNIST; without a folder, where Debian's dataset-fashion-mnist puts it."""
    folder = existing_folder("fashion-mnist", argument or DEBIAN_FASHION)
    train, test = _split("fashion-mnist", folder, "train"), _split("fashion-mnist", folder, "t10k")
    return assemble("fashion-mnist", train, test, native=(1, 28, 28), classes=10, statistics=FASHION, wanted=wanted)


def read_mnist(argument: str, wanted: Wanted) -> Images:
    """MNIST."""
    folder = existing_folder("mnist", argument)
    train, test = _split("mnist", folder, "train"), _split("mnist", folder, "t10k")
    return assemble("mnist", train, test, native=(1, 28, 28), classes=10, statistics=GREY_HALF, wanted=wanted)


def _split(kind: str, folder: Path, prefix: str) -> Split:
    pictures = read_idx(_find(kind, folder, f"{prefix}-images-idx3-ubyte"), dimensions=3)
    labels_path = _find(kind, folder, f"{prefix}-labels-idx1-ubyte")
    return Split(pictures=pictures[..., None], labels=read_idx(labels_path, dimensions=1), source=str(labels_path))


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
