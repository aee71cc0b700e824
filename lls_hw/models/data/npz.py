"""A set in one numpy archive: train_images, train_labels, test_images, test_labels."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lls_hw.models.data.assemble import Split, Statistics, Wanted, assemble
from lls_hw.models.data.images import Bytes, Images
from lls_hw.models.data.refuse import SOURCES, corrupt, missing, named_path, refusal

_KEYS = ("train_images", "train_labels", "test_images", "test_labels")
_MOST_MEASURED = 4096  # pictures that the mean and the deviation are taken from
_LEAST_STD = 1 / 255


def read_npz(argument: str, wanted: Wanted) -> Images:
    """Your own arrays; normalised by the mean and deviation of their first training pictures.

    The number of classes is the optional integer `classes`, or else one more than the largest label.
    """
    path = named_path(argument)
    if not argument:
        raise refusal("npz", "npz needs a file after a colon", f"Write npz:FILE with {SOURCES['npz'][1]}.")
    if not path.is_file():
        raise missing("npz", path, "there is no such file")
    arrays = _load(path)
    train = _split(path, "train", arrays)
    test = _split(path, "test", arrays)
    stored = np.asarray(train.pictures)
    _, height, width, channels = stored.shape
    return assemble(
        path.stem,
        train,
        test,
        native=(channels, height, width),
        classes=_classes(path, arrays, train, test),
        statistics=_measured(stored[:_MOST_MEASURED]),
        wanted=wanted,
        files=(path,),
    )


def _load(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of the archive, without unpickling anything."""
    try:
        with path.open("rb") as stream:
            if not zipfile.is_zipfile(stream):
                raise ValueError("no zip archive")
            stream.seek(0)
            archive = np.load(stream, allow_pickle=False)
            arrays = {key: np.asarray(archive[key]) for key in (*_KEYS, "classes") if key in archive.files}
    except Exception as error:  # numpy's header parser and zipfile raise many kinds, and all mean this
        raise corrupt(path, f"it is not a numpy archive that can be read ({error})") from None
    absent = [key for key in _KEYS if key not in arrays]
    if absent:
        raise corrupt(path, f"it has no {', '.join(absent)} (wanted: {SOURCES['npz'][1]})")
    return arrays


def _split(path: Path, part: str, arrays: dict[str, npt.NDArray[Any]]) -> Split:
    pictures, labels = arrays[f"{part}_images"], arrays[f"{part}_labels"]
    if pictures.dtype != np.uint8 or pictures.ndim not in (3, 4):
        raise corrupt(path, f"{part}_images is {pictures.dtype} {pictures.shape}, not uint8 (n, H, W, C)")
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise corrupt(path, f"{part}_labels is {labels.dtype} {labels.shape}, not integers (n,)")
    return Split(pictures=pictures[..., None] if pictures.ndim == 3 else pictures, labels=labels, source=str(path))


def _classes(path: Path, arrays: dict[str, npt.NDArray[Any]], *splits: Split) -> int:
    if "classes" in arrays:
        stated = arrays["classes"]
        if stated.size != 1 or stated.dtype.kind not in "iu" or int(stated.reshape(())) < 1:
            raise corrupt(path, "its 'classes' is not one positive integer")
        return int(stated.reshape(()))
    used = np.unique(np.concatenate([split.labels for split in splits]))
    classes = 1 + int(used.max(initial=0))
    fix = "Number the classes from 0, or store their number as 'classes'."
    if used.size and used[0] == 1:
        raise refusal(f"npz:{path}", f"its labels are 1 to {classes - 1}: class 0 has no picture", fix)
    if 2 * used.size < classes:
        need = f"its labels reach {classes - 1}, and only {used.size} of the {classes} classes have a picture"
        raise refusal(f"npz:{path}", need, fix)
    return classes


def _measured(pictures: Bytes) -> Statistics:
    """Mean and deviation per channel in [0, 1]; a constant channel gets one level, so nothing divides by 0."""
    if not pictures.size:
        return (0.0,) * pictures.shape[3], (1.0,) * pictures.shape[3]
    levels = [np.bincount(pictures[..., c].ravel(), minlength=256) for c in range(pictures.shape[3])]
    value = np.arange(256) / 255
    means = [float(count @ value / count.sum()) for count in levels]
    spreads = [float(count @ (value - m) ** 2 / count.sum()) for count, m in zip(levels, means, strict=True)]
    return tuple(means), tuple(max(_LEAST_STD, spread**0.5) for spread in spreads)
