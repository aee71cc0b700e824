"""The request to a reader of data, and the form in which it hands over its find."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from lls_hw.models.data.fit import check_channels, fit_statistics, from_array, from_files
from lls_hw.models.data.images import Bytes, Images, Labels, Pictures, Shape
from lls_hw.models.data.refuse import refusal

Statistics: TypeAlias = tuple[tuple[float, ...], tuple[float, ...]]

# The constants of the published LLS runs (github.com/mapolinario94/LLS-DNN, utils/dataloader.py).
GREY_HALF: Statistics = ((0.5,), (0.5,))
FASHION: Statistics = ((0.286,), (0.353,))
CIFAR: Statistics = ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))
IMAGENET: Statistics = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The network's demands on its data; None leaves the choice to the set."""

    shape: Shape | None = None
    classes: int | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Stored pictures (n, H, W, C) or files, a label each."""

    pictures: Bytes | Sequence[Path]
    labels: npt.NDArray[Any]
    source: str  # the file or folder the labels came from, for complaints

    def fitted(self, shape: Shape) -> Pictures:
        """The pictures in the shape that is wanted."""
        if isinstance(self.pictures, np.ndarray):
            return from_array(self.pictures, shape)
        return from_files(self.pictures, shape)


def assemble(
    name: str,
    train: Split,
    test: Split,
    *,
    native: Shape,
    classes: int,
    statistics: Statistics,
    wanted: Wanted,
    notes: tuple[str, ...] = (),
) -> Images:
    """Check both splits and fit them to the wanted shape, or to `native` when there is none.

    Raises
    ------
    SpecError : no training picture, as many labels as pictures do not exist, or a label is not in
        [0, classes), or the wanted channels are neither 1 nor 3.
    """
    shape = wanted.shape or native
    check_channels(shape, name)
    mean, std = fit_statistics(*statistics, channels=shape[0])
    if not len(train.labels):
        raise refusal(train.source, "there is no training picture in it", "Give a set with at least one.")
    return Images(
        name=name,
        train_images=train.fitted(shape),
        train_labels=checked_labels(train, classes),
        test_images=test.fitted(shape),
        test_labels=checked_labels(test, classes),
        classes=classes,
        mean=mean,
        std=std,
        notes=notes,
    )


def checked_labels(split: Split, classes: int) -> Labels:
    """The labels as int64, each in [0, classes), one for each picture."""
    labels = split.labels.astype(np.int64)
    if len(labels) != len(split.pictures):
        raise refusal(
            split.source,
            f"it has {len(labels)} labels for {len(split.pictures)} pictures",
            "Fetch or write both files again.",
        )
    outside = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(outside):
        raise refusal(
            split.source,
            f"picture {outside[0]} has label {labels[outside[0]]}, outside 0 to {classes - 1}",
            "Fetch or write this file again.",
        )
    return labels
