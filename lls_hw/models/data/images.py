"""A data set as the engines see it: pictures that can be indexed, labels, mean and deviation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Bytes: TypeAlias = npt.NDArray[np.uint8]
Labels: TypeAlias = npt.NDArray[np.int64]
RealPictures: TypeAlias = npt.NDArray[np.float32]
Shape: TypeAlias = tuple[int, int, int]  # channels, height, width: as networks are described

CACHE_BYTES = 192 * 2**20  # per split


class LazyImages:
    """Pictures made one by one when they are indexed; looks like a uint8 array (n, H, W, C).

    Indexing takes whatever a numpy axis takes (int, slice, integer or boolean array) and returns
    an array. Pictures made once are kept until `cache_bytes` are full; the others are made again,
    so memory is bounded by the cache and the batch, however large the set.

    Parameters
    ----------
    make : the picture at a position, uint8 (H, W, C).
    count : number of pictures.
    shape : channels, height, width of every picture.
    cache_bytes : most bytes of made pictures to keep.

    Examples
    --------
    >>> lazy = LazyImages(lambda i: np.full((2, 2, 1), i, np.uint8), count=9, shape=(1, 2, 2))
    >>> lazy.shape, lazy[[7, 3]][:, 0, 0, 0].tolist()
    ((9, 2, 2, 1), [7, 3])
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(
        self, make: Callable[[int], Bytes], *, count: int, shape: Shape, cache_bytes: int = CACHE_BYTES
    ) -> None:
        channels, height, width = shape
        self.shape: tuple[int, int, int, int] = (count, height, width, channels)
        self._make = make
        self._cached: dict[int, Bytes] = {}
        self._cache_count = cache_bytes // max(1, channels * height * width)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int | slice | Sequence[int] | npt.NDArray[Any]) -> Bytes:
        positions = np.arange(len(self))[index]
        if positions.ndim == 0:
            return self._picture(int(positions)).copy()
        out = np.empty((*positions.shape, *self.shape[1:]), np.uint8)
        for place in np.ndindex(positions.shape):
            out[place] = self._picture(int(positions[place]))
        return out

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """All pictures at once: for small sets only."""
        if copy is False:
            raise ValueError("lazy pictures have no array to share: copy=False cannot be met")
        return self[:].astype(self.dtype if dtype is None else dtype, copy=False)

    def subset(self, positions: npt.NDArray[np.int64]) -> "LazyImages":
        """The pictures at these positions, still unmade."""
        _, height, width, channels = self.shape
        return LazyImages(
            lambda place: self._picture(int(positions[place])),
            count=len(positions),
            shape=(channels, height, width),
            cache_bytes=0,
        )

    def _picture(self, position: int) -> Bytes:
        found = self._cached.get(position)
        if found is None:
            found = self._make(position)
            if len(self._cached) < self._cache_count:
                self._cached[position] = found
        return found


Pictures: TypeAlias = Bytes | LazyImages


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Images:
    """A labelled data set, split into training and test pictures.

    Pictures are uint8 (n, H, W, C), an array when they fit as they are and `LazyImages` when each
    must be decoded, drawn or resized; labels are int64 (n,) in [0, classes). `mean` and `std` are
    per channel, in units of the full range [0, 1]. `notes` says what a reader decided, `files` what it read.
    """

    name: str
    train_images: Pictures
    train_labels: Labels
    test_images: Pictures
    test_labels: Labels
    classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    notes: tuple[str, ...] = ()
    files: Sequence[Path] = ()

    @property
    def shape(self) -> Shape:
        """Channels, height, width of every picture."""
        _, height, width, channels = self.train_images.shape
        return channels, height, width


def normalise(images: Bytes, mean: Sequence[float], std: Sequence[float]) -> RealPictures:
    """(images / 255 − mean) / std per channel, float32, in the layout (n, H, W, C) it came in.

    The result lies within ±max((1 − mean) / std, mean / std), so a fixed-point format for it is
    known before any picture is.

    Examples
    --------
    >>> normalise(np.array([[[[0], [255]]]], np.uint8), [0.5], [0.25]).ravel().tolist()
    [-2.0, 2.0]
    """
    levels = np.arange(256, dtype=np.float64)[:, None] / 255.0
    table = ((levels - np.asarray(mean, np.float64)) / np.asarray(std, np.float64)).astype(np.float32)
    return table[images, np.arange(images.shape[-1])]
