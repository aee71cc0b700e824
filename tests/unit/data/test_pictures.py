"""Lazy pictures, normalisation, fitting, batches and augmentations."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lls_hw.models.data import PUBLISHED, Augmentation, Images, LazyImages, augment, batch, load_data, normalise
from lls_hw.models.data.fit import fit, fit_statistics, from_array, read_picture
from lls_hw.models.spec.errors import SpecError


def counting(count: int, cache_bytes: int) -> tuple[LazyImages, list[int]]:
    made: list[int] = []

    def make(place: int) -> np.ndarray:
        made.append(place)
        return np.full((2, 3, 1), place % 256, np.uint8)

    return LazyImages(make, count=count, shape=(1, 2, 3), cache_bytes=cache_bytes), made


def numbered(count: int) -> Images:
    pictures = np.arange(count, dtype=np.uint8).reshape(-1, 1, 1, 1)
    labels = np.arange(count, dtype=np.int64) % 2
    return Images(
        name="n",
        train_images=pictures,
        train_labels=labels,
        test_images=pictures,
        test_labels=labels,
        classes=2,
        mean=(0.5,),
        std=(0.5,),
    )


def test_lazy_images__index_like_an_array() -> None:
    lazy, _ = counting(10, 10**6)
    eager = np.asarray(lazy)
    assert lazy.shape == eager.shape == (10, 2, 3, 1)
    for index in (3, -1, slice(2, 7, 2), [4, 4, 0], np.arange(10) > 6, np.array([[1, 2], [3, 4]])):
        np.testing.assert_array_equal(lazy[index], eager[index])
    with pytest.raises(IndexError):
        lazy[10]


def test_lazy_images__makes_only_what_is_asked_and_keeps_only_what_fits() -> None:
    lazy, made = counting(100, cache_bytes=2 * 6)
    lazy[[5, 6, 7]]
    lazy[[5, 6, 7]]
    assert made == [5, 6, 7, 7], "two pictures of 6 bytes fit, the third is made again"


def test_lazy_images__a_caller_cannot_spoil_the_cache() -> None:
    lazy, _ = counting(3, 10**6)
    lazy[1][:] = 99
    lazy[[1]][:] = 99
    assert lazy[1].max() == 1


def test_lazy_images__subset_keeps_positions() -> None:
    lazy, made = counting(10, 10**6)
    part = lazy.subset(np.array([8, 2]))
    assert part[:][:, 0, 0, 0].tolist() == [8, 2]
    assert made == [8, 2]


def test_normalise__float64_definition_within_half_an_ulp() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(1, 256, 1, 1).repeat(3, axis=3)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    expect = (levels / 255.0 - np.array(mean)) / np.array(std)
    found = normalise(levels, mean, std)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expect.astype(np.float32))


def test_fit__takes_the_largest_centred_window() -> None:
    wide = np.zeros((4, 8, 3), np.uint8)
    wide[:, 2:6] = 200
    assert (fit(Image.fromarray(wide), (3, 4, 4)) == 200).all()


def test_fit__equals_resize_then_centre_crop() -> None:
    tall = Image.fromarray(np.random.default_rng(0).integers(0, 255, (16, 8, 3), np.uint8))
    resized = np.asarray(tall.resize((4, 8), Image.Resampling.BILINEAR))
    difference = np.abs(fit(tall, (3, 4, 4)).astype(int) - resized[2:6])
    assert difference.max() <= 1, "one level: rows and columns are rounded in another order"


def test_fit__shrinking_averages() -> None:
    checks = np.indices((64, 64)).sum(0) % 2 * 255
    out = fit(Image.fromarray(checks.astype(np.uint8)), (1, 4, 4))
    assert abs(out.astype(int) - 127).max() <= 8, "an unfiltered resize would give 0 or 255"


def test_fit__grey_and_rgb() -> None:
    grey = Image.fromarray(np.full((2, 2), 77, np.uint8))
    np.testing.assert_array_equal(fit(grey, (3, 2, 2)), np.full((2, 2, 3), 77))
    red = Image.fromarray(np.tile(np.array([255, 0, 0], np.uint8), (2, 2, 1)))
    assert fit(red, (1, 2, 2)).tolist() == [[[76], [76]], [[76], [76]]]  # 0.299 * 255
    assert fit(red.convert("RGBA"), (3, 2, 2)).shape == (2, 2, 3)


def test_fit_statistics__follows_the_channels() -> None:
    assert fit_statistics((0.2,), (0.3,), channels=3) == ((0.2,) * 3, (0.3,) * 3)
    mean, _ = fit_statistics((1.0, 0.0, 0.0), (1.0, 1.0, 1.0), channels=1)
    assert mean == pytest.approx((0.299,))


def test_from_array__same_shape_is_not_copied() -> None:
    stored = np.zeros((3, 4, 4, 1), np.uint8)
    assert from_array(stored, (1, 4, 4)) is stored
    assert from_array(stored, (3, 8, 8))[1].shape == (8, 8, 3)


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda _: b"not a picture", lambda _: b""])
def test_read_picture__corrupt_names_the_file(tmp_path: Path, damage) -> None:
    path = tmp_path / "bad.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(SpecError, match=r"^--data = '.*bad\.jpg': it is not a picture that can be decoded"):
        read_picture(path, (3, 8, 8))


def test_read_picture__missing_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"gone\.jpg': it cannot be read \(No such file"):
        read_picture(tmp_path / "gone.jpg", (3, 8, 8))


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 5))
def test_batch__an_epoch_has_no_picture_twice(count: int, size: int, seed: int) -> None:
    images = numbered(count)
    if size > count:
        with pytest.raises(SpecError, match=f"^--batch = {size}: n has {count} training pictures"):
            batch(images, size, seed, 0)
        return
    steps = count // size
    seen = np.concatenate([batch(images, size, seed, step)[0].ravel() for step in range(steps)])
    assert len(set(seen.tolist())) == steps * size


def test_batch__reshuffles_and_repeats() -> None:
    images = numbered(32)
    first, labels = batch(images, 32, 0, 0)
    second, _ = batch(images, 32, 0, 1)
    again, _ = batch(images, 32, 0, 0)
    other, _ = batch(images, 32, 1, 0)
    np.testing.assert_array_equal(first, again)
    assert (first != second).any()
    assert (first != other).any()
    np.testing.assert_array_equal(labels, first.ravel() % 2)


def test_batch__needs_a_picture() -> None:
    with pytest.raises(SpecError, match=r"^--batch = 0: a batch holds at least one"):
        batch(numbered(4), 0, 0, 0)


def test_batch__makes_no_more_than_the_batch() -> None:
    lazy, made = counting(1000, 10**6)
    images = load_data("synthetic:1000", shape=(1, 8, 8), classes=2, seed=0)
    images = type(images)(**{name: getattr(images, name) for name in images.__slots__} | {"train_images": lazy})
    batch(images, 8, 0, 3)
    assert len(made) == 8


def test_augment__crop_is_a_shift_with_zeros() -> None:
    picture = np.arange(1, 37, dtype=np.uint8).reshape(1, 6, 6, 1)
    padded = np.pad(picture, ((0, 0), (4, 4), (4, 4), (0, 0)))
    windows = {padded[:, r : r + 6, c : c + 6].tobytes() for r in range(9) for c in range(9)}
    out = augment(picture.repeat(500, axis=0), Augmentation(padding=4), seed=0, step=0)
    assert {one.tobytes() for one in out} == windows, "all 81 shifts and nothing else"


def test_augment__flip_is_a_mirror_half_the_time() -> None:
    picture = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3).repeat(400, axis=0)
    out = augment(picture, Augmentation(flip=True), seed=0, step=0)
    mirrored = (out == picture[:, :, ::-1]).all((1, 2, 3))
    assert (mirrored ^ (out == picture).all((1, 2, 3))).all()
    assert 150 < mirrored.sum() < 250  # five standard deviations


def test_augment__erases_one_rectangle_in_a_fifth_of_the_pictures() -> None:
    picture = np.full((500, 16, 16, 3), 255, np.uint8)
    out = augment(picture, Augmentation(erase_probability=0.2), seed=0, step=0, mean=(0.0, 0.4, 1.0))
    touched = np.flatnonzero((out != picture).any((1, 2, 3)))
    assert 55 < len(touched) < 145
    for place in touched:
        hole = out[place, :, :, 0] == 0
        rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
        assert hole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
        assert hole.mean() < 0.45
        assert (out[place][hole] == (0, 102, 255)).all()


def test_augment__seeded_and_leaves_its_input() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (8, 8, 8, 3), np.uint8)
    before = picture.copy()
    recipe = PUBLISHED["cifar10"]
    one, two = (augment(picture, recipe, seed=1, step=step) for step in (0, 1))
    np.testing.assert_array_equal(one, augment(picture, recipe, seed=1, step=0))
    assert (one != two).any()
    np.testing.assert_array_equal(picture, before)
