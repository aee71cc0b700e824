"""What is said of a set before training, and the look at every picture."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lls_hw.models.data import Images, load_data, look_at_all, summary
from lls_hw.models.spec.errors import SpecError


def of_labels(train: list[int], test: list[int], classes: int) -> Images:
    train_images, test_images = (np.zeros((len(labels), 1, 1, 1), np.uint8) for labels in (train, test))
    return Images(
        name="n", train_images=train_images, train_labels=np.asarray(train, np.int64), test_images=test_images,
        test_labels=np.asarray(test, np.int64), classes=classes, mean=(0.5,), std=(0.5,), notes=("a note",),
    )  # fmt: skip


def test_summary__counts_classes_and_says_when_there_is_but_one() -> None:
    assert summary(of_labels([0, 1, 1], [1], 2)) == (
        "a note",
        "3 training pictures, by class 0: 1, 1: 2",
        "1 test pictures, by class 0: 0, 1: 1",
    )
    assert summary(of_labels([1, 1], [], 2))[1:] == (
        "2 training pictures, by class 0: 0, 1: 2",
        "0 test pictures",
        "every training picture is of class 1: there is nothing to tell apart",
    )
    many = [*range(20), 3, 3]
    assert summary(of_labels(many, many, 20))[1] == "22 training pictures, from 1 of class 0 to 3 of class 3"


@pytest.mark.parametrize("split", ["train", "test"])
def test_look_at_all__finds_the_one_that_is_broken(tmp_path: Path, split: str) -> None:
    for place in ("train/a", "train/b", "test/a", "test/b"):
        (tmp_path / place).mkdir(parents=True)
        Image.new("L", (4, 4)).save(tmp_path / place / "1.png")
    images = load_data(f"folder:{tmp_path}", shape=(1, 4, 4), classes=2, seed=0)
    seen: list[tuple[int, int]] = []
    look_at_all(images, lambda done, total: seen.append((done, total)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    (tmp_path / split / "b" / "1.png").write_bytes(b"torn")
    images = load_data(f"folder:{tmp_path}", shape=(1, 4, 4), classes=2, seed=0)
    with pytest.raises(SpecError, match=rf"{split}/b/1\.png': it is not a picture that can be decoded"):
        look_at_all(images)
