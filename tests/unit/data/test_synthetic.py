"""Drawn scenes: deterministic, cheap, learnable, and not by their brightness."""

import numpy as np
import pytest

from lls_hw.models.data import batch, load_data
from lls_hw.models.data.shapes import SHAPES
from lls_hw.models.spec.errors import SpecError


def features(pictures: np.ndarray) -> np.ndarray:
    """Mean size of the grey gradient in 8 x 8 cells, per direction, and a constant."""
    grey = pictures.astype(np.float64).mean(3)
    cells = []
    for edges in (np.abs(np.diff(grey, axis=1))[:, :31, :31], np.abs(np.diff(grey, axis=2))[:, :31, :31]):
        padded = np.pad(edges, ((0, 0), (0, 1), (0, 1)))
        cells.append(padded.reshape(len(grey), 8, 4, 8, 4).mean((2, 4)).reshape(len(grey), -1))
    return np.concatenate([*cells, np.ones((len(grey), 1))], axis=1) / 10


def probe_accuracy(seed: int, classes: int, train: int) -> float:
    """Test accuracy of a ridge regression on `features`: one linear layer."""
    images = load_data(f"synthetic:{train}", shape=(3, 32, 32), classes=classes, seed=seed)
    x, y = features(images.train_images[:]), np.eye(classes)[images.train_labels]
    weights = np.linalg.solve(x.T @ x + 0.3 * np.eye(x.shape[1]), x.T @ y)
    return float(((features(images.test_images[:]) @ weights).argmax(1) == images.test_labels).mean())


def test_synthetic__brightness_says_nothing() -> None:
    images = load_data("synthetic:1024", shape=(3, 32, 32), classes=2, seed=3)
    level = images.train_images[:].mean((1, 2, 3))
    held_out = images.test_images[:].mean((1, 2, 3))
    cuts = np.sort(level)
    right = [((level > cut) == images.train_labels).mean() for cut in cuts]
    cut, sign = cuts[np.argmax(np.abs(np.array(right) - 0.5))], np.max(right) >= 1 - np.min(right)
    accuracy = (((held_out > cut) == images.test_labels) == sign).mean()
    assert 0.38 < accuracy < 0.62, "256 coins have a standard deviation of 0.03"


@pytest.mark.parametrize("seed", [0, 1])
def test_synthetic__a_linear_probe_finds_the_figure(seed: int) -> None:
    assert probe_accuracy(seed, classes=2, train=512) > 0.85


def test_synthetic__a_linear_probe_tells_ten_shapes_apart() -> None:
    assert probe_accuracy(0, classes=10, train=800) > 0.4, "chance is 0.1"


def test_synthetic__same_seed_same_bytes_in_any_order() -> None:
    one = load_data("synthetic", shape=(3, 24, 40), classes=2, seed=5)
    two = load_data("synthetic", shape=(3, 24, 40), classes=2, seed=5)
    other = load_data("synthetic", shape=(3, 24, 40), classes=2, seed=6)
    np.testing.assert_array_equal(one.train_images[:8], two.train_images[7::-1][::-1])
    assert (one.train_images[:8] != other.train_images[:8]).any()
    assert (one.train_images[:8] != one.test_images[:8]).any()


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 128, 96), (4, 9, 70), (2, 1, 1), (3, 200, 20)])
def test_synthetic__draws_any_shape(shape: tuple[int, int, int]) -> None:
    images = load_data("synthetic", shape=shape, classes=12, seed=0)
    pictures, labels = batch(images, 16, 0, 0)
    assert pictures.dtype == np.uint8
    assert pictures.shape == (16, shape[1], shape[2], shape[0])
    assert images.shape == shape
    assert len(images.mean) == len(images.std) == shape[0]
    assert labels.max() < 12


def test_synthetic__every_class_is_drawn_differently() -> None:
    assert len(SHAPES) == 10
    assert len({patches for _, patches in SHAPES}) == 10
    for classes in (2, 10, 37, 100, 200, 1000):
        images = load_data("synthetic", shape=(1, 16, 16), classes=classes, seed=0)
        assert set(images.train_labels.tolist()) == set(images.test_labels.tolist()) == set(range(classes))


def test_synthetic__defaults() -> None:
    images = load_data("synthetic", shape=None, classes=None, seed=0)
    assert images.train_images.shape == (512, 128, 128, 3)
    assert images.test_images.shape == (128, 128, 128, 3)
    assert images.classes == 2
    pictures = images.train_images[:64] / 255
    assert pictures.mean() == pytest.approx(images.mean[0], abs=0.03)
    assert pictures.std() == pytest.approx(images.std[0], abs=0.03)


@pytest.mark.parametrize("text", ["synthetic:x", "synthetic:0", "synthetic:-1", "synthetic:1e3", "synthetic:99999999"])
def test_synthetic__count_must_be_a_number(text: str) -> None:
    with pytest.raises(SpecError, match=f"^--data = '{text}': after the colon comes the number of training scenes"):
        load_data(text, shape=None, classes=None, seed=0)


def test_synthetic__has_no_more_than_a_thousand_classes() -> None:
    with pytest.raises(SpecError, match=r"^--data = 'synthetic': scenes can tell 1000 classes apart and 1001"):
        load_data("synthetic", shape=None, classes=1001, seed=0)
