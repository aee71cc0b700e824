"""One picture of every mode of Pillow, in every format that stores it: converted by its rule, or refused by name."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lls_hw.models.data import load_data
from lls_hw.models.data.fit import fit, read_picture
from lls_hw.models.data.modes import EIGHT_BIT, SIXTEEN_BIT, STEPPED
from lls_hw.models.spec.errors import SpecError

RAMP = np.linspace(0, 255, 16 * 16).reshape(16, 16)
LOSSLESS = {"PNG": "png", "TIFF": "tif", "PPM": "ppm", "TGA": "tga", "SGI": "sgi", "PCX": "pcx"}
NOWHERE = ("HSV", "La", "RGBa", "I;16N")
"""Modes that no format above stores."""
RULED = (*EIGHT_BIT, *STEPPED, *SIXTEEN_BIT, "F")
SHAPE = (1, 16, 16)


def of_mode(mode: str) -> Image.Image:
    """The ramp from black to white, in a mode."""
    if mode in SIXTEEN_BIT:
        order = {"I;16B": ">u2", "I;16N": "=u2"}.get(mode, "<u2")
        return Image.frombytes(mode, (16, 16), (RAMP * 257).astype(order).tobytes())
    if mode in ("I", "F"):
        return Image.fromarray((RAMP * 257).astype(np.int32) if mode == "I" else (RAMP / 255).astype(np.float32))
    grey = Image.fromarray(RAMP.astype(np.uint8))
    steps = {
        "LAB": ("RGB", "LAB"),
        "HSV": ("RGB", "HSV"),
        "RGBa": ("RGBA", "RGBa"),
        "La": ("LA", "La"),
        "PA": ("P", "PA"),
    }
    for step in steps.get(mode, (mode,)):
        grey = grey.convert(step)
    return grey


def stored(picture: Image.Image, kind: str, path: Path) -> bool:
    """Whether a format stores the picture; some modes have no place in some."""
    try:
        picture.save(path, kind)
    except (OSError, ValueError, KeyError):
        return False
    return True


def check_ramp(levels: np.ndarray, modes: tuple[str, str]) -> None:
    """One bit is dithered; two conversions round once each."""
    assert np.abs(levels.astype(int) - RAMP).max() <= (255 if "1" in modes else 2), modes
    assert abs(levels.mean() - RAMP.mean()) < 2, modes


@pytest.mark.parametrize("mode", sorted(Image.MODES))
def test_every_mode__is_the_ramp_it_was_or_is_refused_by_file_and_mode(mode: str, tmp_path: Path) -> None:
    kept = 0
    for kind, ending in LOSSLESS.items():
        path = tmp_path / f"ramp.{ending}"
        if stored(of_mode(mode), kind, path):
            kept += 1
            with Image.open(path) as found:
                opened = found.mode
            if opened in RULED or (opened == "I" and kind == "PPM"):
                check_ramp(read_picture(path, SHAPE)[..., 0], (mode, opened))
                continue
            with pytest.raises(SpecError, match=f"'{path}': it cannot be brought to eight bits: its mode is {opened}"):
                read_picture(path, SHAPE)
    assert bool(kept) != (mode in NOWHERE)


@pytest.mark.parametrize("mode", RULED)
def test_every_mode_with_a_rule__follows_it_in_memory(mode: str) -> None:
    for channels in (1, 3):
        check_ramp(fit(of_mode(mode), (channels, 16, 16))[..., 0], (mode, mode))


def test_sixteen_bits__are_exactly_the_eight_bits_they_were_made_of(tmp_path: Path) -> None:
    levels = np.arange(256, dtype=np.uint16).reshape(16, 16)
    for ending in ("png", "tif", "ppm", "jp2"):
        path = tmp_path / f"deep.{ending}"
        Image.fromarray(levels * 257).save(path, **({"irreversible": False} if ending == "jp2" else {}))
        np.testing.assert_array_equal(read_picture(path, SHAPE)[..., 0], levels)
        np.testing.assert_array_equal(read_picture(path, (3, 16, 16))[..., 1], levels)
    between = np.array([[0, 128, 129, 385, 386, 65406, 65407, 65535]], np.uint16)
    Image.fromarray(between).save(tmp_path / "between.png")
    assert read_picture(tmp_path / "between.png", (1, 1, 8))[0, :, 0].tolist() == [0, 0, 1, 1, 2, 254, 255, 255]


def test_tiff__states_its_scale_and_which_end_is_white(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    Image.fromarray(np.array([[0, 65535]], np.uint16)).save(path, tiffinfo={262: 0})
    assert read_picture(path, (1, 1, 2))[0, :, 0].tolist() == [255, 0]
    twelve = bytes([0x00, 0x0F, 0xFF])  # two samples of 12 bits: 0 and 4095
    ifd = [
        (256, 4, 2), (257, 4, 1), (258, 3, 12), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1), (278, 4, 1),
        (279, 4, 3),
    ]  # fmt: skip
    entries = b"".join(
        tag.to_bytes(2, "little") + kind.to_bytes(2, "little") + (1).to_bytes(4, "little") + value.to_bytes(4, "little")
        for tag, kind, value in ifd
    )
    start = 8 + 4
    path.write_bytes(
        b"II*\0" + start.to_bytes(4, "little") + twelve + b"\0" + len(ifd).to_bytes(2, "little") + entries + bytes(4)
    )
    assert read_picture(path, (1, 1, 2))[0, :, 0].tolist() == [0, 255]


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        (np.array([[0, 1.5]], np.float32), "its mode is F and it has samples outside 0 to 1"),
        (np.array([[0, -0.1]], np.float32), "its mode is F and it has samples outside 0 to 1"),
        (np.array([[0, np.nan]], np.float32), "its mode is F and it has samples outside 0 to 1"),
        (np.array([[0, 70000]], np.int32), "its mode is I in a TIFF file, of which no full scale is known"),
    ],
)
def test_samples_without_a_known_scale__are_refused(tmp_path: Path, samples: np.ndarray, says: str) -> None:
    path = tmp_path / "x.tif"
    Image.fromarray(samples).save(path)
    with pytest.raises(SpecError, match=rf"x\.tif': it cannot be brought to eight bits: {says}\."):
        read_picture(path, (3, 1, 2))


def test_transparency__is_dropped_and_the_first_frame_counts(tmp_path: Path) -> None:
    hidden = np.full((2, 2, 4), (200, 100, 50, 0), np.uint8)
    Image.fromarray(hidden).save(tmp_path / "clear.png")
    assert (read_picture(tmp_path / "clear.png", (3, 2, 2)) == (200, 100, 50)).all()
    frames = [Image.new("L", (4, 4), level) for level in (10, 200)]
    for name in ("moving.gif", "pages.tif"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        assert (read_picture(tmp_path / name, (1, 4, 4)) == 10).all()


def test_hostile_pictures__end_in_one_refusal(tmp_path: Path) -> None:
    made = {}
    for kind in ("PNG", "TIFF", "JPEG", "GIF", "BMP", "WEBP", "PPM", "TGA", "SGI", "DDS", "ICO", "JPEG2000", "PCX"):
        path = tmp_path / f"x.{kind.lower()}"
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)).save(path, kind)
        made[path] = path.read_bytes()
    rng = np.random.default_rng(1)
    refused = tried = 0
    for path, data in made.items():
        for _ in range(40):
            broken = bytearray(data[: rng.integers(1, len(data) + 1)])
            for place in rng.integers(0, len(broken), rng.integers(1, 8)):
                broken[place] = rng.integers(0, 256)
            path.write_bytes(bytes(broken))
            tried += 1
            try:
                assert read_picture(path, (3, 8, 8)).shape == (8, 8, 3)
            except SpecError as error:
                refused += str(path) in str(error)
    assert 50 < refused < tried, "some damage is seen and some is not"


def test_a_program__is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n")
    with pytest.raises(SpecError, match=r"it is not a picture that can be decoded \(no format fits it\)"):
        read_picture(path, (1, 8, 8))


def test_folder__names_what_it_leaves_out(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for name in ("a", "b"):
            (tmp_path / split / name / "images").mkdir(parents=True)
            Image.new("L", (4, 4)).save(tmp_path / split / name / "1.PNG")
    for extra in ("train/a/notes.txt", "train/a/._1.png", "train/stray.png", "test/b/Thumbs.db"):
        (tmp_path / extra).write_bytes(b"")
    (tmp_path / "train" / ".checkpoints").mkdir()
    images = load_data(f"folder:{tmp_path}", shape=(1, 4, 4), classes=2, seed=0)
    assert images.train_labels.tolist() == images.test_labels.tolist() == [0, 1]
    (note,) = (note for note in images.notes if "left out" in note)
    first = "train/.checkpoints, train/stray.png, a/._1.png, a/images, a/notes.txt"
    assert note == f"9 left out that are no pictures: {first} and 4 more"


def test_folder__pictures_beside_a_folder_called_images(tmp_path: Path) -> None:
    for place in ("train/a", "train/a/images", "train/b/images", "test/a"):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4)).save(tmp_path / place / f"{place.count('/')}.png")
    images = load_data(f"folder:{tmp_path}", shape=(1, 4, 4), classes=2, seed=0)
    assert images.train_labels.tolist() == [0, 1]
    assert [path.parent.name for path in images.files] == ["a", "images", "a"]


def test_folder__an_unlabelled_test_folder_does_not_hide_val(tmp_path: Path) -> None:
    for place in ("train/a", "train/b", "val/a", "test"):
        (tmp_path / place).mkdir(parents=True)
        Image.new("L", (4, 4)).save(tmp_path / place / "1.png")
    assert load_data(f"folder:{tmp_path}", shape=(1, 4, 4), classes=2, seed=0).test_labels.tolist() == [0]
