"""The request to a reader of data, and the form in which it hands over its find."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from lls_hw.models.data.fit import check_channels, fit_statistics, from_array, from_files
from lls_hw.models.data.images import Bytes, Images, Labels, Pictures, Shape
from lls_hw.models.data.refuse import corrupt, refusal

_MOST_NAMED = 5
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
    left_out: Sequence[Path] = ()  # what stands among the pictures and is none

    @property
    def files(self) -> Sequence[Path]:
        """Files of pictures; none where they are stored in one array."""
        return () if isinstance(self.pictures, np.ndarray) else self.pictures

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
    files: Sequence[Path] = (),
) -> Images:
    """Check both splits in the same way and fit them to the wanted shape, or to `native` when there is none.

    `files` are those that were read besides pictures.

    Raises
    ------
    SpecError : no training picture, as many labels as pictures do not exist, or a label is not in
        [0, classes), stored pictures have no pixel or neither 1 nor 3 channels, or the wanted channels
        are neither 1 nor 3.
    """
    for split in (train, test):
        _check_stored(split)
    shape = wanted.shape or native
    check_channels(shape, name)
    mean, std = fit_statistics(*statistics, channels=shape[0])
    if not len(train.labels):
        raise refusal(train.source, "there is no training picture in it", "Give a set with at least one.")
    left_out = [*train.left_out, *test.left_out]
    return Images(
        name=name,
        train_images=train.fitted(shape),
        train_labels=checked_labels(train, classes),
        test_images=test.fitted(shape),
        test_labels=checked_labels(test, classes),
        classes=classes,
        mean=mean,
        std=std,
        notes=(*notes, *_left_out_note(left_out)),
        files=(*files, *train.files, *test.files),
    )


def _check_stored(split: Split) -> None:
    if not isinstance(split.pictures, np.ndarray) or not len(split.pictures):
        return
    _, height, width, channels = split.pictures.shape
    if channels not in (1, 3):
        raise corrupt(split.source, f"its pictures have {channels} channels, where 1 or 3 are read")
    if not height or not width:
        raise corrupt(split.source, f"its pictures have {height} rows and {width} columns")


def _left_out_note(paths: Sequence[Path]) -> tuple[str, ...]:
    """Number of the entries left out, and the first of them by name."""
    if not paths:
        return ()
    shown = ", ".join(f"{path.parent.name}/{path.name}" for path in paths[:_MOST_NAMED])
    more = f" and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else ""
    return (f"{len(paths)} left out that are no pictures: {shown}{more}",)


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
