"""`--data`: from what the user types to the pictures that a network takes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lls_hw.models.data.assemble import Wanted
from lls_hw.models.data.cifar import read_cifar10, read_cifar100
from lls_hw.models.data.folders import read_folder, read_imagenette, read_tinyimagenet
from lls_hw.models.data.idx import read_fashion_mnist, read_mnist
from lls_hw.models.data.images import Images, LazyImages, Shape
from lls_hw.models.data.npz import read_npz
from lls_hw.models.data.refuse import refusal
from lls_hw.models.data.synthetic import read_synthetic
from lls_hw.models.data.vww import read_vww
from lls_hw.models.spec.choices import chosen
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.quantities import CLASSES, SEED

READERS: dict[str, Callable[[str, Wanted], Images]] = {
    "synthetic": read_synthetic,
    "fashion-mnist": read_fashion_mnist,
    "mnist": read_mnist,
    "cifar10": read_cifar10,
    "cifar100": read_cifar100,
    "tinyimagenet": read_tinyimagenet,
    "imagenette": read_imagenette,
    "vww": read_vww,
    "npz": read_npz,
    "folder": read_folder,
}
_LIMIT = 0x11


def load_data(spec: str, *, shape: Shape | None, classes: int | None, seed: int, limit: int | None = None) -> Images:
    """The data set that `spec` names, in the shape and with the classes that a network takes.

    Parameters
    ----------
    spec : `kind` or `kind:path`, as in `READERS`.
    shape : channels, height, width wanted; None keeps the set's own (photographs: 3 x 128 x 128).
    classes : classes wanted; None takes the set's own number (synthetic: 2).
    seed : draws synthetic scenes and chooses the `limit` pictures; other sets ignore it otherwise.
    limit : keep this many training pictures, a seeded choice; the test split stays whole.

    Raises
    ------
    SpecError : unknown kind, missing or broken files, or a set of another number of classes.

    Examples
    --------
    >>> images = load_data("synthetic", shape=(1, 28, 28), classes=10, seed=0, limit=64)
    >>> images.train_images.shape, images.test_images.shape, images.classes
    ((64, 28, 28, 1), (128, 28, 28, 1), 10)
    """
    argument = spec.partition(":")[2]
    kind = kind_of(spec)
    _check_wanted(shape, classes, seed)
    try:
        images = READERS[kind](argument, Wanted(shape=shape, classes=classes, seed=seed))
    except OSError as error:  # a path too long, a folder without permission
        raise refusal(spec, f"it cannot be read ({error.strerror or error})", "Check the path.") from None
    if not CLASSES.least <= images.classes <= CLASSES.most:
        need = f"it has {images.classes} classes, and a network tells {CLASSES.range} apart"
        raise refusal(spec, need, "Give a set of as many.")
    if classes is not None and images.classes != classes:
        raise refusal(
            spec,
            f"it has {images.classes} classes and the network tells {classes} apart",
            f"Use --classes {images.classes}, or other data.",
        )
    return images if limit is None else _limited(images, limit, seed)


def kind_of(spec: str) -> str:
    """The kind of data that a spec names.

    Raises
    ------
    SpecError : there is no such kind.
    """
    fix = "Write kind or kind:path, such as vww:DIR."
    return chosen("--data", spec.partition(":")[0], READERS, "the kinds are", fix, typed=spec)


def _check_wanted(shape: Shape | None, classes: int | None, seed: int) -> None:
    if shape is not None and min(shape) < 1:
        text = "x".join(str(side) for side in shape)
        raise SpecError("--input", text, "pictures have at least one channel, row and column", "Use CxHxW.")
    if classes is not None:
        CLASSES.check("--classes", classes)
    SEED.check("--seed", seed)


def _limited(images: Images, limit: int, seed: int) -> Images:
    """`limit` training pictures, chosen by the seed, in their stored order."""
    count = len(images.train_labels)
    if limit < 1:
        raise SpecError("--limit", limit, "at least one picture is needed to train on", "Use 1 or more.")
    if limit >= count:
        return images
    chosen = np.sort(np.random.default_rng([seed, _LIMIT]).permutation(count)[:limit])
    pictures = images.train_images
    kept = pictures.subset(chosen) if isinstance(pictures, LazyImages) else pictures[chosen]
    return replace(images, train_images=kept, train_labels=images.train_labels[chosen])
