"""Drawn scenes: the data set that is always there.

A scene is a sky, a ground, some boulders and crates, and in front of them the objects that its label
names. With two classes label 1 has a standing figure and label 0 has a bush instead, so that both
have as much drawn in the same random colours, lighter or darker than the scenery: brightness says
nothing, form does. Up to 10 classes show one object, up to 100 two side by side and up to 1000 three:
the label's decimal digits, left to right, are the objects of `shapes.SHAPES`.

Picture i of a split is a pure function of (seed, split, i) and is drawn when it is asked for.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lls_hw.models.data.assemble import Wanted
from lls_hw.models.data.images import Bytes, Images, LazyImages, Shape
from lls_hw.models.data.refuse import refusal
from lls_hw.models.data.shapes import SHAPES, Patch
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.quantities import Whole

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

TRAIN_COUNT = 512
_TEST_SHARE = 4  # a test picture for every four training pictures
_LEAST_PER_CLASS = 8
_MOST_CLASSES = len(SHAPES) ** 3
_SCENES = Whole(least=1, most=10**7)
_NATIVE: Shape = (3, 128, 128)
_LEAST_CANVAS = 48  # smaller pictures are drawn larger and averaged down
_MEAN, _STD = 0.48, 0.19  # of the scenes themselves, measured over seeds
_NOISE = 8
_SPLITS = {"train": 0x71, "test": 0x7E}

Rng = np.random.Generator
Colour = tuple[int, int, int]


def read_synthetic(argument: str, wanted: Wanted) -> Images:
    """`synthetic` or `synthetic:N`: N training scenes (default 512) and a quarter as many for testing.

    Raises
    ------
    SpecError : N is not a number, or more classes are wanted than scenes can tell apart.
    """
    classes = wanted.classes or 2
    if classes > _MOST_CLASSES:
        raise refusal(
            "synthetic", f"scenes can tell {_MOST_CLASSES} classes apart and {classes} are wanted", "Use real data."
        )
    count = _count(argument, classes)
    shape = wanted.shape or _NATIVE
    held_out = max(-(-count // _TEST_SHARE), min(count, classes))
    return Images(
        name="synthetic",
        train_images=_scenes("train", count, classes, shape, wanted.seed),
        train_labels=np.arange(count, dtype=np.int64) % classes,
        test_images=_scenes("test", held_out, classes, shape, wanted.seed),
        test_labels=np.arange(held_out, dtype=np.int64) % classes,
        classes=classes,
        mean=(_MEAN,) * shape[0],
        std=(_STD,) * shape[0],
        notes=(f"drawn from seed {wanted.seed}",),
    )


def _count(argument: str, classes: int) -> int:
    if not argument:
        return max(TRAIN_COUNT, _LEAST_PER_CLASS * classes)
    try:
        return _SCENES.read("--data", argument)
    except SpecError:
        need = f"after the colon comes the number of training scenes, {_SCENES.range}"
        raise refusal(f"synthetic:{argument}", need, "Write synthetic or, say, synthetic:2048.") from None


def _scenes(split: str, count: int, classes: int, shape: Shape, seed: int) -> LazyImages:
    slots = len(str(max(classes - 1, 0)))

    def make(place: int) -> Bytes:
        rng = np.random.default_rng([seed, _SPLITS[split], place])
        digits = [int(digit) for digit in str(place % classes).zfill(slots)]
        return draw_scene(rng, digits, shape)

    return LazyImages(make, count=count, shape=shape)


def draw_scene(rng: Rng, objects: Sequence[int], shape: Shape) -> Bytes:
    """One scene, uint8 (H, W, C), showing `objects` (numbers into `SHAPES`) from left to right.

    One channel is the scene in grey, three are RGB, other counts repeat red, green and blue in turn.
    """
    from PIL import Image, ImageDraw

    channels, height, width = shape
    grow = -(-_LEAST_CANVAS // min(height, width))
    tall, wide = height * grow, width * grow
    scene = Image.fromarray(_scenery(rng, tall, wide))
    pen = ImageDraw.Draw(scene)
    _clutter(pen, rng, tall, wide)
    for slot, number in enumerate(objects):
        _stand(pen, rng, SHAPES[number][1], (slot * wide / len(objects), wide / len(objects), tall))
    if grow > 1:
        scene = scene.reduce(grow)
    noisy = _noise(rng, np.asarray(scene, np.uint8))
    if channels == 1:
        return np.asarray(Image.fromarray(noisy).convert("L"), np.uint8)[..., None]
    return noisy if channels == 3 else noisy[..., np.arange(channels) % 3]


def _scenery(rng: Rng, tall: int, wide: int) -> Bytes:
    """A sky above a ground, each of one middling colour that fades a little downward."""
    horizon = int(tall * rng.uniform(0.35, 0.65))
    sky, ground = rng.uniform(95, 150, (2, 3))
    fade = np.linspace(-14, 14, tall)[:, None] * rng.choice([-1, 1])
    rows = np.where(np.arange(tall)[:, None] < horizon, sky, ground) + fade
    return np.ascontiguousarray(np.broadcast_to(rows.astype(np.uint8)[:, None, :], (tall, wide, 3)))


def _ink(rng: Rng) -> Colour:
    """A colour clearly darker or clearly lighter than any scenery, either with probability 1/2."""
    low, high = ((5, 65), (180, 250))[int(rng.integers(2))]
    red, green, blue = rng.integers(low, high, 3).tolist()
    return red, green, blue


def _clutter(pen: "ImageDraw", rng: Rng, tall: int, wide: int) -> None:
    """Two to four boulders and crates on the ground, small, in the colours that objects have too."""
    for _ in range(int(rng.integers(2, 5))):
        half = rng.uniform(0.04, 0.1) * min(tall, wide)
        x, y = rng.uniform(0, wide), rng.uniform(0.55, 0.95) * tall
        corners = (x - half, y - half, x + half, y + half)
        (pen.ellipse if rng.random() < 0.5 else pen.rectangle)(corners, fill=_ink(rng))


def _stand(pen: "ImageDraw", rng: Rng, patches: Sequence[Patch], slot: tuple[float, float, int]) -> None:
    """Draw one object in its slot (left, width, height): size, place and mirror at random."""
    left, across, tall = slot
    high = rng.uniform(0.6, 0.85) * tall
    broad = min(high, 0.95 * across)
    room = max(0.0, across - 0.6 * broad) / 2
    centre = left + across / 2 + rng.uniform(-0.6, 0.6) * room
    top = rng.uniform(0.3, 0.9) * (tall - high)
    flip = -1 if rng.random() < 0.5 else 1
    inks = [_ink(rng) for _ in range(3)]
    for patch in patches:
        points = [(centre + flip * x * broad, top + y * high) for x, y in patch.points]
        if patch.is_ellipse:
            (x0, y0), (x1, y1) = points
            pen.ellipse((min(x0, x1), y0, max(x0, x1), y1), fill=inks[patch.ink])
        else:
            pen.polygon(points, fill=inks[patch.ink])


def _noise(rng: Rng, scene: Bytes) -> Bytes:
    """Sensor noise, uniform in ±8 levels, the same in all three channels."""
    grain: npt.NDArray[np.int16] = rng.integers(-_NOISE, _NOISE + 1, scene.shape[:2], dtype=np.int16)
    noisy: npt.NDArray[np.int16] = np.clip(scene + grain[..., None], 0, 255)
    return noisy.astype(np.uint8)
