"""Small files in each published format, and what readers say of broken ones."""

import gzip
import io
import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest

from lls_hw.models.data import load_data
from lls_hw.models.data.idx import DEBIAN_FASHION
from lls_hw.models.data.plain_pickle import read_plain_pickle
from lls_hw.models.spec.errors import SpecError

RNG = np.random.default_rng(0)
DIGITS = RNG.integers(0, 256, (6, 28, 28), np.uint8)
COLOURS = RNG.integers(0, 256, (6, 32, 32, 3), np.uint8)
LABELS = np.array([3, 0, 9, 1, 2, 9], np.uint8)


def load(text: str, **changes):
    return load_data(text, **({"shape": None, "classes": None, "seed": 0} | changes))


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_mnist(folder: Path, *, zipped: bool, labels: np.ndarray = LABELS) -> None:
    for prefix in ("train", "t10k"):
        for name, array in ((f"{prefix}-images-idx3-ubyte", DIGITS), (f"{prefix}-labels-idx1-ubyte", labels)):
            data = idx(array)
            (folder / (name + ".gz" * zipped)).write_bytes(gzip.compress(data) if zipped else data)


@pytest.mark.parametrize("kind", ["mnist", "fashion-mnist"])
@pytest.mark.parametrize("zipped", [False, True])
def test_idx__reads_plain_and_gzip(tmp_path: Path, kind: str, zipped: bool) -> None:
    write_mnist(tmp_path, zipped=zipped)
    images = load(f"{kind}:{tmp_path}", shape=(1, 28, 28), classes=10)
    np.testing.assert_array_equal(images.train_images[..., 0], DIGITS)
    np.testing.assert_array_equal(images.test_labels, LABELS)
    assert images.train_labels.dtype == np.int64
    assert images.mean == ((0.5,) if kind == "mnist" else (0.286,))


def test_idx__fitted_to_another_shape(tmp_path: Path) -> None:
    write_mnist(tmp_path, zipped=False)
    images = load(f"mnist:{tmp_path}", shape=(3, 32, 32))
    assert images.train_images[[0, 5]].shape == (2, 32, 32, 3)
    assert images.mean == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda d: d[:-1], r"promises 4704 bytes of data and it has 4703"),
        (lambda d: d + b"x", r"it has more"),
        (lambda d: b"\0\0\x09" + d[3:], r"starts with 00000803"),
        (lambda d: d[:7], r"starts with 00000803"),
        (lambda d: d[:4] + b"\xff" * 12 + d[16:], r"its header promises \d+ bytes"),
        (lambda d: gzip.compress(d)[:-20], r"it cannot be read to its end"),
        (lambda d: gzip.compress(d)[:400] + b"!" + gzip.compress(d)[401:], r"it cannot be read to its end"),
    ],
)
def test_idx__corrupt_names_the_file(tmp_path: Path, damage, says: str) -> None:
    write_mnist(tmp_path, zipped=False)
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(SpecError, match=rf"^--data = '.*train-images-idx3-ubyte': .*{says}"):
        load(f"mnist:{tmp_path}")


def test_idx__label_outside_the_classes(tmp_path: Path) -> None:
    write_mnist(tmp_path, zipped=False, labels=np.array([0, 1, 10, 0, 0, 0], np.uint8))
    with pytest.raises(SpecError, match=r"picture 2 has label 10, outside 0 to 9"):
        load(f"mnist:{tmp_path}")


def test_idx__one_label_for_each_picture(tmp_path: Path) -> None:
    write_mnist(tmp_path, zipped=False, labels=LABELS[:5])
    with pytest.raises(SpecError, match=r"it has 5 labels for 6 pictures"):
        load(f"mnist:{tmp_path}")


@pytest.mark.skipif(not Path(DEBIAN_FASHION).is_dir(), reason="Debian package dataset-fashion-mnist is not installed")
def test_fashion_mnist__debian_package_and_published_normalisation() -> None:
    images = load("fashion-mnist", classes=10, limit=5000)
    assert images.train_images.shape == (5000, 28, 28, 1)
    assert len(images.test_labels) == 10000
    pixels = images.train_images[:] / 255
    assert pixels.mean() == pytest.approx(images.mean[0], abs=0.01)
    assert pixels.std() == pytest.approx(images.std[0], abs=0.01)


def binary(label_bytes: int) -> bytes:
    head = np.repeat(LABELS[:, None], label_bytes, axis=1)
    head[:, 0] += 7 * (label_bytes - 1)  # the coarse label must not be the one that is read
    return np.concatenate([head, COLOURS.transpose(0, 3, 1, 2).reshape(6, -1)], axis=1).tobytes()


def cifar_files(kind: str, version: str) -> dict[str, bytes]:
    stems = ["train", "test"] if kind == "cifar100" else [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    if version == "binary":
        return {f"{stem}.bin": binary(2 if kind == "cifar100" else 1) for stem in stems}
    key = b"fine_labels" if kind == "cifar100" else b"labels"
    content = {b"data": COLOURS.transpose(0, 3, 1, 2).reshape(6, -1), key: LABELS.tolist(), b"batch_label": b"x"}
    return {stem: pickle.dumps(content, protocol=2) for stem in stems}


def write_tar(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(f"cifar/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


@pytest.mark.parametrize("kind", ["cifar10", "cifar100"])
@pytest.mark.parametrize("version", ["binary", "python"])
@pytest.mark.parametrize("packing", ["folder", "inner folder", "tar"])
def test_cifar__every_version_gives_the_same_pictures(tmp_path: Path, kind: str, version: str, packing: str) -> None:
    files = cifar_files(kind, version)
    path = tmp_path / ("c.tar.gz" if packing == "tar" else "c")
    if packing == "tar":
        write_tar(path, files)
    else:
        inner = path / "cifar" if packing == "inner folder" else path
        inner.mkdir(parents=True)
        for name, data in files.items():
            (inner / name).write_bytes(data)
    images = load(f"{kind}:{path}", shape=(3, 32, 32), classes=10 if kind == "cifar10" else 100)
    np.testing.assert_array_equal(images.test_images, COLOURS)
    np.testing.assert_array_equal(images.test_labels, LABELS)
    assert len(images.train_labels) == (30 if kind == "cifar10" else 6)
    assert images.std == (0.2023, 0.1994, 0.2010)


def test_cifar__one_bin_file_trains_beside_its_test_file(tmp_path: Path) -> None:
    (tmp_path / "data_batch_3.bin").write_bytes(binary(1))
    with pytest.raises(SpecError, match=r"one training file needs test_batch\.bin beside it"):
        load(f"cifar10:{tmp_path / 'data_batch_3.bin'}")
    (tmp_path / "test_batch.bin").write_bytes(binary(1))
    assert len(load(f"cifar10:{tmp_path / 'data_batch_3.bin'}").train_labels) == 6


def test_cifar__corrupt_names_the_file(tmp_path: Path) -> None:
    for name, data in cifar_files("cifar100", "binary").items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "train.bin").write_bytes(b"12345")
    with pytest.raises(SpecError, match=r"train\.bin': 5 bytes are not a whole number of 3074-byte records"):
        load(f"cifar100:{tmp_path}")
    (tmp_path / "train.bin").unlink()
    with pytest.raises(SpecError, match=r"train\.bin is not in it.*Get it from https://www\.cs\.toronto\.edu"):
        load(f"cifar100:{tmp_path}")
    (tmp_path / "x.tar.gz").write_bytes(b"\x1f\x8b broken")
    with pytest.raises(SpecError, match=r"x\.tar\.gz': it is not a tar archive"):
        load(f"cifar10:{tmp_path / 'x.tar.gz'}")


class _Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_cifar__malicious_pickle_is_refused_and_does_nothing(tmp_path: Path) -> None:
    for name, data in cifar_files("cifar100", "python").items():
        (tmp_path / name).write_bytes(data)
    mark = tmp_path / "executed"
    (tmp_path / "train").write_bytes(pickle.dumps({b"data": _Bomb(mark)}))
    with pytest.raises(SpecError, match=r"/train': it is not a pickle of plain data \(it asks to import pathlib"):
        load(f"cifar100:{tmp_path}")
    assert not mark.exists()


@pytest.mark.parametrize(
    "program",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cnumpy\nload\n(S'x'\ntR.",
        b"cnumpy.core.multiarray\nscalar\n.",
        b"c_codecs\nencode\n(S'x'\nS'zip'\ntR.",
        b"cnumpy\ndtype\n(S'O8'\nI0\nI1\ntR.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
        b"\x80\x02\x82\x01.",
        b"P1\n.",
        b"",
        b"]q\x00.",
        b"garbage",
    ],
)
def test_plain_pickle__refuses_whatever_is_not_data(program: bytes) -> None:
    with pytest.raises(SpecError, match=r"^--data = 'evil': it (is not a pickle of plain data|holds no dictionary)"):
        read_plain_pickle(program, "evil")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("order", ["C", "F"])
def test_plain_pickle__reads_arrays_of_every_protocol(protocol: int, order: str) -> None:
    array = np.asarray(RNG.integers(0, 256, (3, 5)), np.uint8, order=order)
    found = read_plain_pickle(pickle.dumps({"data": array, b"labels": [1, 2]}, protocol=protocol), "good")
    np.testing.assert_array_equal(found["data"], array)
    assert found["labels"] == [1, 2]
    with pytest.raises(SpecError, match="where only uint8 is read"):
        read_plain_pickle(pickle.dumps({"data": np.zeros(2)}, protocol=protocol), "floats")
