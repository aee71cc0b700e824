"""Codes as they lie in memory: packed without gaps, two's complement, lowest byte (or bit) first."""

import numpy as np
import numpy.typing as npt

from lls_hw.models.spec.storage import storage_bytes
from lls_hw.sim.kernels.codes import Ints
from lls_hw.sim.kernels.requant import container

PackedBytes = npt.NDArray[np.uint8]
NATIVE = (8, 16, 32, 64)


def pack(codes: Ints, bits: int) -> PackedBytes:
    """Codes in order as `storage_bytes` bytes.

    Examples
    --------
    >>> pack(np.array([1, -1, 2]), 4).tolist(), pack(np.array([-2]), 16).tolist()
    ([241, 2], [254, 255])
    """
    flat = np.ascontiguousarray(codes).reshape(-1)
    if bits in NATIVE:
        return flat.astype(container(bits)).view(np.uint8)
    words = flat.astype("<i8").view(np.uint8).reshape(-1, 8)
    if bits % 8 == 0:
        return np.ascontiguousarray(words[:, : bits // 8]).reshape(-1)
    return np.packbits(np.unpackbits(words, axis=1, bitorder="little")[:, :bits].reshape(-1), bitorder="little")


def unpack(raw: PackedBytes, bits: int, elements: int) -> Ints:
    """The codes of so many packed elements, in the narrowest container."""
    kind = container(bits)
    if bits in NATIVE:
        return np.ascontiguousarray(raw).view(kind)
    if bits % 8 == 0:
        low = raw.reshape(elements, bits // 8)
    else:
        loose = np.unpackbits(raw, bitorder="little")[: elements * bits].reshape(elements, bits)
        low = np.packbits(loose, axis=1, bitorder="little")
    words = np.zeros((elements, 8), np.uint8)
    words[:, : low.shape[1]] = low
    codes = words.view("<i8").reshape(-1)
    top = 64 - bits
    return (codes << top >> top).astype(kind)


def touched_bytes(mask: npt.NDArray[np.bool_], bits: int) -> npt.NDArray[np.bool_]:
    """Of packed elements the bytes in which some of the marked ones lie."""
    loose = np.repeat(mask.reshape(-1), bits)
    padded = np.zeros(8 * storage_bytes(mask.size, bits), bool)
    padded[: loose.size] = loose
    return np.asarray(padded.reshape(-1, 8).any(axis=1), np.bool_)
