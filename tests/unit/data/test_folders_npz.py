"""Class folders, TinyImageNet, npz, and what `load_data` says itself."""

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lls_hw.models.data import load_data
from lls_hw.models.data.load import READERS
from lls_hw.models.spec.errors import SpecError

RNG = np.random.default_rng(0)
DIGITS = RNG.integers(0, 256, (6, 28, 28), np.uint8)
COLOURS = RNG.integers(0, 256, (6, 32, 32, 3), np.uint8)
LABELS = np.array([3, 0, 9, 1, 2, 9], np.uint8)


def load(text: str, **changes):
    return load_data(text, **({"shape": None, "classes": None, "seed": 0} | changes))


def paint(path: Path, level: int, size: tuple[int, int] = (8, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (level, level, level)).save(path, format="PNG")


def tiny(root: Path) -> Path:
    (root / "val" / "images").mkdir(parents=True)
    (root / "wnids.txt").write_text("n02\nn01\n")
    for wnid, level in (("n01", 10), ("n02", 20)):
        for number in range(2):
            paint(root / "train" / wnid / "images" / f"{wnid}_{number}.JPEG", level)
    paint(root / "val" / "images" / "val_0.JPEG", 200)
    (root / "val" / "val_annotations.txt").write_text("val_0.JPEG\tn02\t0\t0\t62\t62\n")
    return root


def test_tinyimagenet__reads_train_and_annotated_val(tmp_path: Path) -> None:
    tiny(tmp_path / "tiny-imagenet-200")
    images = load(f"tinyimagenet:{tmp_path}", shape=(3, 8, 8), classes=2)
    assert images.train_images[:][:, 0, 0, 0].tolist() == [10, 10, 20, 20]
    assert images.train_labels.tolist() == [0, 0, 1, 1]
    assert images.test_images[0].max() == 200
    assert images.test_labels.tolist() == [1]
    assert images.notes == ("2 classes instead of 200",)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("val/val_annotations.txt", "val_0.JPEG\tn09\n", r"val_annotations\.txt': line 1: class 'n09' is not in"),
        ("val/val_annotations.txt", "val_1.JPEG\tn01\n", r"line 1: 'val_1\.JPEG' is not in"),
        ("val/val_annotations.txt", "val_0.JPEG\n", r"line 1: class '' is not in"),
        ("wnids.txt", "n01\n\0x\n", r"wnids\.txt': it is not a list of distinct class names"),
        ("wnids.txt", "n01\n../n02\n", r"wnids\.txt': it is not a list of distinct class names"),
        ("wnids.txt", "n01\nn03\n", r"n03': this class folder cannot be read"),
    ],
)
def test_tinyimagenet__broken_lists_name_the_line(tmp_path: Path, name: str, text: str, says: str) -> None:
    tiny(tmp_path)
    (tmp_path / name).write_text(text)
    with pytest.raises(SpecError, match=says):
        load(f"tinyimagenet:{tmp_path}")


@pytest.mark.parametrize(("kind", "held_out"), [("imagenette", "val"), ("folder", "test"), ("folder", "val")])
def test_class_folders__classes_in_the_order_of_their_names(tmp_path: Path, kind: str, held_out: str) -> None:
    for number, wnid in enumerate(("b", "a")):
        paint(tmp_path / "set" / "train" / wnid / "1.png", number, (30, 20))
    paint(tmp_path / "set" / held_out / "b" / "x.JPEG", 50)
    images = load(f"{kind}:{tmp_path / 'set' if kind == 'folder' else tmp_path}", shape=(1, 8, 8))
    assert images.train_labels.tolist() == [0, 1]
    assert images.train_images[:][:, 0, 0, 0].tolist() == [1, 0]
    assert images.test_labels.tolist() == [1]
    assert images.classes == 2


def test_class_folders__complaints(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"there is no folder train in it\. Get it from your own pictures; layout:"):
        load(f"folder:{tmp_path}")
    paint(tmp_path / "train" / "a" / "1.png", 1)
    with pytest.raises(SpecError, match=r"there is no folder test \(or val\) in it"):
        load(f"folder:{tmp_path}")
    paint(tmp_path / "test" / "z" / "1.png", 1)
    with pytest.raises(SpecError, match=r"class 'z' is not among those of train"):
        load(f"folder:{tmp_path}")
    (tmp_path / "train" / "z").mkdir()
    with pytest.raises(SpecError, match=r"/z': this class folder has no picture in it"):
        load(f"folder:{tmp_path}")


def save_npz(path: Path, **changes) -> Path:
    arrays = {"train_images": COLOURS, "train_labels": LABELS, "test_images": COLOURS[:2], "test_labels": LABELS[:2]}
    np.savez(path, **{key: value for key, value in (arrays | changes).items() if value is not None})
    return path


def test_npz__measures_its_own_normalisation(tmp_path: Path) -> None:
    images = load(f"npz:{save_npz(tmp_path / 'own.npz')}", classes=10)
    assert images.name == "own"
    np.testing.assert_allclose(images.mean, (COLOURS / 255).mean((0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(images.std, (COLOURS / 255).std((0, 1, 2)), rtol=1e-12)


def test_npz__grey_pictures_without_a_channel_axis(tmp_path: Path) -> None:
    path = save_npz(tmp_path / "g.npz", train_images=DIGITS, test_images=DIGITS[:2], classes=np.int64(12))
    assert load(f"npz:{path}").shape == (1, 28, 28)
    assert load(f"npz:{path}").classes == 12


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"test_labels": None}, "it has no test_labels"),
        ({"train_images": COLOURS.astype(float)}, r"train_images is float64 \(6, 32, 32, 3\), not uint8"),
        ({"train_labels": LABELS[:, None]}, r"train_labels is uint8 \(6, 1\), not integers"),
        ({"train_images": np.zeros((6, 4, 4, 2), np.uint8)}, "its pictures have 2 channels"),
        ({"train_labels": LABELS.astype(np.int64) - 4}, "picture 0 has label -1, outside"),
        ({"classes": np.array([0])}, "its 'classes' is not one positive integer"),
        ({"train_labels": np.array([{}] * 6, object)}, "it is not a numpy archive that can be read"),
        ({"train_images": COLOURS[:0], "train_labels": LABELS[:0]}, "there is no training picture in it"),
        ({"test_images": np.zeros((2, 4, 4, 5), np.uint8)}, "its pictures have 5 channels, where 1 or 3 are read"),
        ({"test_images": np.zeros((2, 0, 4, 3), np.uint8)}, "its pictures have 0 rows and 4 columns"),
        ({"train_images": np.zeros((6, 4, 0), np.uint8)}, "its pictures have 4 rows and 0 columns"),
    ],
)
def test_npz__complaints_name_the_file(tmp_path: Path, changes: dict, says: str) -> None:
    with pytest.raises(SpecError, match=rf"^--data = '.*bad\.npz': {says}"):
        load(f"npz:{save_npz(tmp_path / 'bad.npz', **changes)}")


def test_npz__truncated_or_no_archive(tmp_path: Path) -> None:
    path = save_npz(tmp_path / "t.npz")
    for data in (path.read_bytes()[:-400], b"", pickle.dumps({})):
        path.write_bytes(data)
        with pytest.raises(SpecError, match=r"t\.npz': it is not a numpy archive that can be read"):
            load(f"npz:{path}")


def test_npz__a_broken_array_header_closes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "h.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train_images.npy", b"\x93NUMPY\x01\x00\x10\x00{'descr': ('''(([\n")
    with pytest.raises(SpecError, match=r"h\.npz': it is not a numpy archive that can be read"):
        load(f"npz:{path}")


def test_npz__the_shared_cifar_sample() -> None:
    path = Path(__file__).parents[4] / "shared/data/cifar10_small.npz"
    if not path.is_file():
        pytest.skip("../shared/data/cifar10_small.npz is not beside the repository")
    images = load(f"npz:{path}", shape=(3, 32, 32), classes=10)
    assert (len(images.train_labels), len(images.test_labels)) == (10000, 2000)


@pytest.mark.parametrize("kind", sorted(set(READERS) - {"synthetic"}))
def test_load_data__missing_says_where_to_get_it_and_the_layout(tmp_path: Path, kind: str) -> None:
    gone = tmp_path / "gone"
    with pytest.raises(SpecError, match=rf"^--data = '{kind}:{gone}': there is no .*Get it from .+; layout: .+\.$"):
        load(f"{kind}:{gone}")


@pytest.mark.parametrize("kind", sorted(set(READERS) - {"synthetic"}))
def test_load_data__home_of_nobody_is_missing(kind: str) -> None:
    with pytest.raises(SpecError, match=rf"^--data = '{kind}:~no-such-user/x': there is no "):
        load(f"{kind}:~no-such-user/x")


@pytest.mark.parametrize("classes", [1, 10**12])
def test_load_data__class_counts_that_no_network_has(tmp_path: Path, classes: int) -> None:
    labels = {"train_labels": LABELS * 0, "test_labels": np.zeros(2, np.uint8)} if classes == 1 else {}
    path = save_npz(tmp_path / "own.npz", classes=np.array(classes), **labels)
    with pytest.raises(SpecError, match=rf"^--data = 'npz:.*own\.npz': it has {classes} classes, and a network tells"):
        load(f"npz:{path}", classes=None)


@pytest.mark.parametrize("kind", sorted(set(READERS) - {"synthetic", "fashion-mnist"}))
def test_load_data__needs_a_path(kind: str) -> None:
    with pytest.raises(SpecError, match=rf"^--data = '{kind}': {kind} needs a (path|file) after a colon"):
        load(kind)


@pytest.mark.parametrize("text", ["", "nonsense", ":", "vw:x", "vww :x"])
def test_load_data__unknown_kind(text: str) -> None:
    with pytest.raises(SpecError, match=rf"^--data = '{text}': the kinds are synthetic, fashion-mnist,"):
        load(text)


def test_load_data__classes_of_both_sides(tmp_path: Path) -> None:
    path = save_npz(tmp_path / "own.npz")
    with pytest.raises(SpecError, match="it has 10 classes and the network tells 2 apart"):
        load(f"npz:{path}", classes=2)


def test_load_data__stored_pictures_have_one_or_three_channels(tmp_path: Path) -> None:
    path = save_npz(tmp_path / "own.npz")
    with pytest.raises(SpecError, match="the network takes 4 channels and pictures have 1"):
        load(f"npz:{path}", shape=(4, 28, 28))


def test_load_data__limit_is_a_seeded_choice_of_training_pictures(tmp_path: Path) -> None:
    path = save_npz(tmp_path / "own.npz")
    three, again, lazy = (load(f"npz:{path}", limit=3, shape=s) for s in (None, None, (3, 16, 16)))
    assert len(three.train_labels) == len(lazy.train_images) == 3
    assert len(three.test_labels) == 2
    np.testing.assert_array_equal(three.train_images, again.train_images)
    np.testing.assert_array_equal(three.train_labels, lazy.train_labels)
    assert len(load(f"npz:{path}", limit=99).train_labels) == 6
    with pytest.raises(SpecError, match=r"^--limit = 0: at least one"):
        load(f"npz:{path}", limit=0)
