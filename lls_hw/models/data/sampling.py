"""Choice of the pictures of a step: seeded, without replacement within an epoch, reshuffled each epoch."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lls_hw.models.data.images import Bytes, Images, Labels
from lls_hw.models.spec.errors import SpecError

_SHUFFLE = 0x5A  # keeps this stream apart from others drawn from the same seed


@lru_cache(maxsize=4)
def epoch_order(count: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """The order of `count` pictures in one epoch; read-only, because it is shared."""
    order = np.random.default_rng([seed, _SHUFFLE, epoch]).permutation(count)
    order.flags.writeable = False
    return order


def batch(images: Images, size: int, seed: int, step: int) -> tuple[Bytes, Labels]:
    """The pictures (size, H, W, C) and labels of one training step.

    An epoch has ⌊n / size⌋ steps; step s takes the (s mod steps)-th slice of the shuffle of epoch
    ⌊s / steps⌋, so the n mod size last pictures of a shuffle wait for a later epoch. The result
    depends on its arguments only: a resumed run sees what an uninterrupted one would.

    Raises
    ------
    SpecError : the batch is not positive, or larger than the training split.
    """
    count = len(images.train_labels)
    if size < 1:
        raise SpecError("--batch", size, "a batch holds at least one picture", "Use 1 or more.")
    if size > count:
        more = " or synthetic:N with a larger N" if images.name == "synthetic" else " or more data"
        raise SpecError("--batch", size, f"{images.name} has {count} training pictures", f"Use at most {count}{more}.")
    epoch, slot = divmod(step, count // size)
    chosen = epoch_order(count, seed, epoch)[slot * size : (slot + 1) * size]
    return images.train_images[chosen], images.train_labels[chosen]
