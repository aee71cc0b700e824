"""From any of Pillow's modes to eight bits, by one stated rule each, or a refusal that names the mode.

- Eight-bit modes are Pillow's own conversions. Alpha is dropped: the stored colour counts, also where
  it is transparent.
- A 16-bit grey sample v is v / 65535 of full scale: code round(v / 257). TIFF may state fewer bits b, of
  full scale 2**b - 1, or that white is zero.
- A real sample is a share of full scale, 0 to 1: code round(255 v). Any other value is refused: no file
  says what its full scale is. The same holds for 32-bit integers but in formats that hold at most 16 bits.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL.Image import Image

EIGHT_BIT = ("1", "L", "P", "RGB", "RGBX", "RGBA", "LA", "PA", "CMYK", "YCbCr")
STEPPED = {"HSV": "RGB", "La": "LA", "RGBa": "RGBA"}
"""Modes that Pillow converts to grey or colour in two steps only."""
SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")
SIXTEEN_BIT_FORMATS = ("PNG", "PPM")
"""Formats whose integers, also where Pillow holds them in 32 bits, are of full scale 65535."""
_TIFF_BITS, _TIFF_PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0


def eight_bit(picture: "Image", mode: str) -> "Image":
    """The picture in mode "L" or "RGB".

    Raises
    ------
    ValueError : no rule converts its mode, or a sample is out of the mode's scale.
    """
    if picture.mode == mode:
        return picture
    if picture.mode in EIGHT_BIT:
        return picture.convert(mode)
    if picture.mode in STEPPED:
        return picture.convert(STEPPED[picture.mode]).convert(mode)
    return _grey(picture).convert(mode)


def _grey(picture: "Image") -> "Image":
    """A picture of 16-bit, 32-bit or real samples as eight-bit grey."""
    from PIL.Image import fromarray

    full = _full_scale(picture)
    samples: npt.NDArray[Any] = np.asarray(picture)
    shares = samples.astype(np.float64) / full
    if not (np.isfinite(shares).all() and shares.min() >= 0 and shares.max() <= 1):
        raise ValueError(f"its mode is {picture.mode} and it has samples outside 0 to {full:g}")
    if _tag(picture, _TIFF_PHOTOMETRIC) == _WHITE_IS_ZERO:
        shares = 1 - shares
    return fromarray(np.floor(255 * shares + 0.5).astype(np.uint8))


def _full_scale(picture: "Image") -> float:
    if picture.mode == "F":
        return 1.0
    if picture.mode in SIXTEEN_BIT:
        bits = _tag(picture, _TIFF_BITS)
        return 65535.0 if bits is None else 2.0**bits - 1
    if picture.mode == "I" and picture.format in SIXTEEN_BIT_FORMATS:
        return 65535.0
    raise ValueError(f"its mode is {picture.mode} in a {picture.format} file, of which no full scale is known")


def _tag(picture: "Image", number: int) -> int | None:
    """The first value of a TIFF tag; None for other files."""
    found = getattr(picture, "tag_v2", {}).get(number)
    return found[0] if isinstance(found, tuple) else found
