"""Bring any picture to the shape a network wants: channels, centre, size."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lls_hw.models.data.images import Bytes, LazyImages, Pictures, Shape
from lls_hw.models.data.modes import eight_bit
from lls_hw.models.data.refuse import corrupt, read_bytes, refusal

if TYPE_CHECKING:
    from PIL.Image import Image

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow converts to grey
_RUNS_A_PROGRAM = "EPS"  # Pillow would start Ghostscript on it
_MODES = {1: "L", 3: "RGB"}


def check_channels(shape: Shape, name: str) -> None:
    """Refuse a channel count that stored pictures cannot be converted to."""
    if shape[0] not in _MODES:
        raise refusal(
            name,
            f"the network takes {shape[0]} channels and pictures have 1 (grey) or 3 (RGB)",
            "Choose --input 1xHxW or 3xHxW, or --data synthetic.",
        )


def fit(picture: "Image", shape: Shape) -> Bytes:
    """uint8 (H, W, C): converted to grey or RGB, cut to its centre, resized.

    The largest centred window of the wanted aspect ratio is kept, resized by Pillow's bilinear
    filter, whose support grows when shrinking (no aliasing): the same as resizing the whole picture
    and cutting its centre. A picture that has the wanted size already is not touched.
    """
    from PIL.Image import Resampling

    channels, height, width = shape
    converted = eight_bit(picture, _MODES[channels])
    if converted.size != (width, height):
        scale = min(converted.width / width, converted.height / height)
        left = (converted.width - scale * width) / 2
        top = (converted.height - scale * height) / 2
        window = (max(0.0, left), max(0.0, top), converted.width - left, converted.height - top)
        converted = converted.resize((width, height), Resampling.BILINEAR, box=window)
    return np.asarray(converted, np.uint8).reshape(height, width, channels)


def read_picture(path: Path, shape: Shape) -> Bytes:
    """Decode a file (of several frames the first) and fit it.

    Raises
    ------
    SpecError : the file is missing, not a picture, truncated, absurdly large, or in a mode without a rule.
    """
    picture = _decoded(path)
    try:
        return fit(picture, shape)
    except ValueError as error:
        raise corrupt(path, f"it cannot be brought to eight bits: {error}") from None


def _decoded(path: Path) -> "Image":
    import io

    from PIL import Image, UnidentifiedImageError

    data = read_bytes(path)
    Image.init()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on metadata we do not use
            picture = Image.open(io.BytesIO(data), formats=[name for name in Image.ID if name != _RUNS_A_PROGRAM])
            picture.load()
    except UnidentifiedImageError:
        raise corrupt(path, "it is not a picture that can be decoded (no format fits it)") from None
    except Exception as error:  # hostile bytes make decoders raise anything at all, and all of it means this
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise corrupt(path, f"it is not a picture that can be decoded ({reason})") from None
    return picture


def from_files(paths: Sequence[Path], shape: Shape) -> LazyImages:
    """Pictures decoded when they are asked for."""
    return LazyImages(lambda place: read_picture(paths[place], shape), count=len(paths), shape=shape)


def from_array(stored: Bytes, shape: Shape) -> Pictures:
    """Stored pictures (n, H, W, C) as they are, or fitted one by one when the shape differs."""
    _, height, width, channels = stored.shape
    if shape == (channels, height, width):
        return stored
    return LazyImages(_fitter(stored, shape), count=len(stored), shape=shape)


def _fitter(stored: Bytes, shape: Shape) -> Callable[[int], Bytes]:
    from PIL.Image import fromarray

    def make(place: int) -> Bytes:
        picture = stored[place]
        return fit(fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture), shape)

    return make


def fit_statistics(
    mean: tuple[float, ...], std: tuple[float, ...], channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Published per-channel constants for another channel count.

    Grey to RGB repeats them. RGB to grey weights both by BT.601 luma: exact for the mean; for the
    deviation exact if the channels were fully correlated, as those of photographs nearly are.
    """
    if len(mean) == channels:
        return mean, std
    if len(mean) == 1:
        return mean * channels, std * channels
    luma = np.asarray(LUMA)
    return (float(luma @ mean),), (float(luma @ std),)
