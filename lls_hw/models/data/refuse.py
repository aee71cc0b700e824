"""The one way this wing says no, and where each set comes from."""

import os
from pathlib import Path

from lls_hw.models.spec.errors import SpecError

SOURCES: dict[str, tuple[str, str]] = {
    "fashion-mnist": (
        "apt-get install dataset-fashion-mnist, or https://github.com/zalandoresearch/fashion-mnist",
        "DIR/train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte,"
        " each plain or .gz",
    ),
    "mnist": (
        "https://ossci-datasets.s3.amazonaws.com/mnist/ (mirror of yann.lecun.com/exdb/mnist)",
        "DIR/train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte,"
        " each plain or .gz",
    ),
    "cifar10": (
        "https://www.cs.toronto.edu/~kriz/cifar.html (binary version preferred)",
        "the .tar.gz, or a folder with data_batch_1.bin ... data_batch_5.bin and test_batch.bin"
        " (python version: the same names without .bin)",
    ),
    "cifar100": (
        "https://www.cs.toronto.edu/~kriz/cifar.html (binary version preferred)",
        "the .tar.gz, or a folder with train.bin and test.bin (python version: train and test)",
    ),
    "tinyimagenet": (
        "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
        "DIR/wnids.txt, DIR/train/<wnid>/images/*.JPEG, DIR/val/images/*.JPEG, DIR/val/val_annotations.txt",
    ),
    "imagenette": (
        "https://github.com/fastai/imagenette (imagenette2, -160 or -320)",
        "DIR/train/<wnid>/*.JPEG and DIR/val/<wnid>/*.JPEG",
    ),
    "vww": (
        "https://cocodataset.org/#download (2014 or 2017 images and instances annotations)",
        "DIR/instances*.json or DIR/annotations/instances*.json; pictures in DIR, DIR/images, DIR/<subset>"
        " or DIR/images/<subset>",
    ),
    "npz": (
        "numpy.savez of your own arrays",
        "train_images and test_images uint8 (n, H, W, C) or (n, H, W), train_labels and test_labels integers (n,)",
    ),
    "folder": ("your own pictures", "DIR/train/<class>/* and DIR/test/<class>/* (val instead of test is accepted)"),
}


def refusal(found: object, need: str, fix: str) -> SpecError:
    """An error about what `--data` names; `found` is the text or the file at fault."""
    return SpecError("--data", str(found) if isinstance(found, Path) else found, need, fix)


def missing(kind: str, path: Path, what: str) -> SpecError:
    """`what` is not there: says where the set comes from and in which layout it is wanted."""
    source, layout = SOURCES[kind]
    return refusal(f"{kind}:{path}", what, f"Get it from {source}; layout: {layout}.")


def corrupt(path: Path | str, reason: str) -> SpecError:
    """A file that is there but does not hold what its name says."""
    return refusal(str(path), reason, "Fetch or write this file again.")


def read_bytes(path: Path) -> bytes:
    """A whole file; what the system refuses becomes a `SpecError` naming the file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise corrupt(path, f"it cannot be read ({error.strerror or error})") from None


def named_path(argument: str) -> Path:
    """The path that the user named; a leading `~` is a home folder, if there is such a one."""
    return Path(os.path.expanduser(argument))  # pathlib's raises where there is none


def existing_folder(kind: str, argument: str) -> Path:
    """The folder the user named.

    Raises
    ------
    SpecError : no path was given, or it is not a folder.
    """
    folder = named_path(argument)
    if not argument:
        raise refusal(kind, f"{kind} needs a path after a colon", f"Write {kind}:DIR; {SOURCES[kind][1]}.")
    if not folder.is_dir():
        raise missing(kind, folder, "there is no such folder")
    return folder
