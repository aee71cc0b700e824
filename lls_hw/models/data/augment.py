"""The published training augmentations, seeded, on uint8 pictures.

Source of the recipes: github.com/mapolinario94/LLS-DNN, utils/dataloader.py (the runs of the
LLS paper, arXiv 2405.15868). Random erasing follows Zhong et al., AAAI 2020.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lls_hw.models.data.images import Bytes

_AUGMENT = 0xA6
_ERASE_AREA = (0.02, 0.33)
_ERASE_LOG_RATIO = float(np.log(10 / 3))  # height / width within [0.3, 3.33]
_ERASE_TRIES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """Random crop from a border of `padding` zeros, mirror with probability 1/2, erase a patch."""

    padding: int = 0
    flip: bool = False
    erase_probability: float = 0.0


PUBLISHED: dict[str, Augmentation] = {
    "mnist": Augmentation(padding=4),
    "fashion-mnist": Augmentation(padding=4, flip=True),
    "cifar10": Augmentation(padding=4, flip=True, erase_probability=0.2),
    "cifar100": Augmentation(padding=4, flip=True, erase_probability=0.2),
    "tinyimagenet": Augmentation(flip=True, erase_probability=0.2),
    "imagenette": Augmentation(padding=4, flip=True, erase_probability=0.2),
    "vww": Augmentation(padding=4, flip=True),
}


def augment(images: Bytes, recipe: Augmentation, *, seed: int, step: int, mean: Sequence[float] | None = None) -> Bytes:
    """A new array of the same shape (n, H, W, C), fixed by `recipe`, `seed` and `step` alone.

    Erased patches take the colour `mean` (in [0, 1], default black), which is zero once normalised.
    """
    rng = np.random.default_rng([seed, _AUGMENT, step])
    out = _crop(images, recipe.padding, rng) if recipe.padding else images.copy()
    if recipe.flip:
        mirrored = rng.random(len(out)) < 0.5
        out[mirrored] = out[mirrored, :, ::-1]
    if recipe.erase_probability:
        colour = np.rint(255 * np.asarray(mean or [0.0])).astype(np.uint8)
        for place in np.flatnonzero(rng.random(len(out)) < recipe.erase_probability):
            _erase(out[place], colour, rng)
    return out


def _crop(images: Bytes, padding: int, rng: np.random.Generator) -> Bytes:
    """Each picture shifted by up to `padding` pixels in both directions, zeros moving in."""
    count, height, width, _ = images.shape
    padded = np.pad(images, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    tops, lefts = rng.integers(0, 2 * padding + 1, (2, count))
    rows = tops[:, None] + np.arange(height)
    columns = lefts[:, None] + np.arange(width)
    shifted: Bytes = padded[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return shifted


def _erase(picture: Bytes, colour: Bytes, rng: np.random.Generator) -> None:
    """Paint one random rectangle in place; a picture no try fits stays as it is."""
    height, width, _ = picture.shape
    for _ in range(_ERASE_TRIES):
        area = height * width * rng.uniform(*_ERASE_AREA)
        ratio = np.exp(rng.uniform(-_ERASE_LOG_RATIO, _ERASE_LOG_RATIO))
        tall, wide = round(float(np.sqrt(area * ratio))), round(float(np.sqrt(area / ratio)))
        if 0 < tall < height and 0 < wide < width:
            top, left = rng.integers(0, height - tall + 1), rng.integers(0, width - wide + 1)
            picture[top : top + tall, left : left + wide] = colour
            return
