"""Read the pickles CIFAR's python version ships without letting them run anything.

A pickle is a program whose only way out is to import a callable. Here every import but those of
a uint8 array is refused, and even those are answered by inert records of this module, which keep
the bytes and never call numpy's own reconstruction.
"""

import io
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from lls_hw.models.data.images import Bytes
from lls_hw.models.data.refuse import corrupt

_BYTE_CODES = ("u1", b"u1", "|u1", b"|u1")


class _DType:
    """Stands for numpy.dtype; only unsigned bytes may be described."""

    def __init__(self, code: object, *_: object) -> None:
        if code not in _BYTE_CODES:
            raise pickle.UnpicklingError(f"an array of type {code!r}, where only uint8 is read")

    def __setstate__(self, state: object) -> None:
        """Byte order and alignment mean nothing for bytes."""


class _Array:
    """Stands for numpy.ndarray: remembers shape and bytes."""

    def __init__(self, *_: object) -> None:
        self.value: Bytes = np.zeros(0, np.uint8)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, shape, _dtype, fortran, data = state
        self.value = _as_array(data, shape, "F" if fortran else "C")


def _as_array(data: object, shape: object, order: object) -> Bytes:
    if not isinstance(data, bytes | bytearray | str) or not isinstance(shape, tuple):
        raise pickle.UnpicklingError("an array without bytes or shape")
    raw = data.encode("latin1") if isinstance(data, str) else bytes(data)
    if not all(isinstance(side, int) and side >= 0 for side in shape) or math.prod(shape) != len(raw):
        raise pickle.UnpicklingError(f"an array of shape {shape} with {len(raw)} bytes")
    return np.frombuffer(raw, np.uint8).reshape(shape, order="F" if order == "F" else "C")


def _from_buffer(data: object, dtype: object, shape: object, order: object = "C", *_: object) -> _Array:
    if not isinstance(dtype, _DType):
        raise pickle.UnpicklingError("an array without a type")
    array = _Array()
    array.value = _as_array(bytes(data) if isinstance(data, pickle.PickleBuffer) else data, shape, order)
    return array


def _latin1(text: object, encoding: object = "latin1") -> bytes:
    """The codec in which protocols below 3 write bytes; no other is allowed."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError("text in another codec than latin1")
    return text.encode("latin1")


_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _DType,
    ("_codecs", "encode"): _latin1,
} | {
    (f"numpy.{core}.{module}", name): stand_in
    for core in ("core", "_core")
    for module, name, stand_in in (("multiarray", "_reconstruct", _Array), ("numeric", "_frombuffer", _from_buffer))
}


class _PlainUnpickler(pickle.Unpickler):
    """Containers, bytes, strings, integers and uint8 arrays; anything else is refused by name."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401  (the base class's signature)
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks to import {module}.{name}, which data never needs")
        return _ALLOWED[module, name]


def read_plain_pickle(data: bytes, source: Path | str) -> dict[str, Any]:
    """The dictionary in a pickle, its keys as text and its arrays as uint8.

    Raises
    ------
    SpecError : it asks for anything else than data, is cut short, or holds no dictionary.
    """
    try:
        found = _PlainUnpickler(io.BytesIO(data), encoding="bytes").load()
    except Exception as error:  # hostile bytes may raise anything at all, and all of it means this
        raise corrupt(source, f"it is not a pickle of plain data ({error})") from None
    if not isinstance(found, dict):
        raise corrupt(source, "it holds no dictionary")
    return {_text(key): _plain(value) for key, value in found.items()}


def _text(key: object) -> str:
    return key.decode("latin1") if isinstance(key, bytes) else str(key)


def _plain(value: object) -> object:
    return value.value if isinstance(value, _Array) else value
