"""Visual Wake Words: the label rule by hand, the layouts, the complaints, the real sample."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lls_hw.models.data import batch, load_data
from lls_hw.models.data.coco import Photo
from lls_hw.models.data.vww import in_test_split, label
from lls_hw.models.spec.errors import SpecError

SAMPLE = Path(__file__).parents[4] / "shared/data/vww_sample"
PHOTO = Photo(id=1, file_name="1.jpg", width=200, height=100, subset="")  # 0.5 % are 100 pixels


@pytest.mark.parametrize(
    ("boxes", "expect"),
    [
        ([], 0),
        ([(0, 0, 10, 10)], 1),
        ([(5.5, 7.25, 10, 10)], 1),
        ([(0, 0, 10, 9.99)], None),
        ([(0, 0, 9, 9), (50, 50, 9, 9)], None),
        ([(0, 0, 9, 9), (50, 50, 20, 9)], 1),
        ([(195, 0, 20, 10)], None),
        ([(190, 0, 20, 10)], 1),
        ([(-5, -5, 15, 15)], 1),
        ([(300, 300, 50, 50)], None),
        ([(0, 0, 0, 0)], None),
    ],
)
def test_label__half_a_percent_of_the_picture(boxes: list, expect: int | None) -> None:
    assert label(PHOTO, boxes) == expect


def test_in_test_split__one_in_five_and_never_changes() -> None:
    assert [i for i in range(30) if in_test_split(i)] == [0, 7, 8, 9, 10, 19, 22, 29]
    assert 1900 < sum(in_test_split(i) for i in range(10000)) < 2100


def coco(count: int = 6, **changes) -> dict:
    """Pictures 1 … count of 20 x 10; even ones have a person on half of the picture, 3 a tiny one, 5 a crowd."""
    images = [{"id": i, "file_name": f"{i}.jpg", "width": 20, "height": 10} for i in range(1, count + 1)]
    people = [
        {"id": i, "image_id": i, "category_id": 7, "bbox": [0, 0, 10, 10], "iscrowd": 0} for i in range(2, count + 1, 2)
    ]
    others = [
        {"id": 90, "image_id": 3, "category_id": 7, "bbox": [0, 0, 0.9, 1], "iscrowd": 0},
        {"id": 91, "image_id": 5, "category_id": 7, "bbox": [0, 0, 10, 5], "iscrowd": 1, "segmentation": {"size": [1]}},
        {"id": 92, "image_id": 1, "category_id": 2, "bbox": [0, 0, 10, 5], "iscrowd": 0, "segmentation": [[1, 2]]},
    ]
    names = [{"id": 7, "name": "person"}, {"id": 2, "name": "bicycle"}]
    return {"images": images, "annotations": people + others, "categories": names} | changes


def write(root: Path, data: object, *, name: str = "instances.json", pictures: str = "images") -> Path:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(data if isinstance(data, str) else json.dumps(data))
    (root / pictures).mkdir(parents=True, exist_ok=True)
    for number in range(1, 7):
        Image.new("RGB", (20, 10), (number * 20,) * 3).save(root / pictures / f"{number}.jpg", quality=95)
    return root


def load(root: Path, **changes):
    return load_data(f"vww:{root}", **({"shape": (3, 8, 8), "classes": 2, "seed": 0} | changes))


def everything(images) -> dict[int, int]:
    """Picture number (from its grey level) to label, over both splits."""
    return {
        round(float(picture.mean()) / 20): int(found)
        for pictures, labels in ((images.train_images, images.train_labels), (images.test_images, images.test_labels))
        for picture, found in zip(pictures[:], labels, strict=True)
    }


@pytest.mark.parametrize("pictures", [".", "images", "train2017", "images/train2017"])
@pytest.mark.parametrize("name", ["instances.json", "annotations/instances_train2017.json"])
def test_vww__labels_in_every_layout(tmp_path: Path, pictures: str, name: str) -> None:
    images = load(write(tmp_path, coco(), name=name, pictures=pictures))
    assert everything(images) == {1: 0, 2: 1, 4: 1, 5: 1, 6: 1}
    assert images.notes[0].endswith("1 without a person, 4 with, 1 left out")


def test_vww__two_files_are_train_and_test(tmp_path: Path) -> None:
    write(tmp_path, coco(), name="annotations/instances_train2014.json", pictures="train2014")
    write(tmp_path, coco(2), name="annotations/instances_val2014.json", pictures="val2014")
    Image.new("RGB", (20, 10), (200,) * 3).save(tmp_path / "val2014" / "2.jpg")
    data = coco(2)
    data["annotations"] = data["annotations"][:1]
    (tmp_path / "annotations/instances_val2014.json").write_text(json.dumps(data))
    images = load(tmp_path)
    assert len(images.train_labels) == 5
    assert images.test_labels.tolist() == [0, 1]
    assert images.test_images[1].min() > 190, "the picture of its own subset"
    (tmp_path / "instances_more.json").write_text("{}")
    with pytest.raises(SpecError, match="where one file is wanted, or two of which one has val or test"):
        load(tmp_path)


def test_vww__no_picture_is_decoded_before_it_is_asked_for(tmp_path: Path) -> None:
    write(tmp_path, coco())
    for path in (tmp_path / "images").iterdir():
        path.write_bytes(path.read_bytes()[:200])
    images = load(tmp_path)
    with pytest.raises(SpecError, match=r"images/\d\.jpg': it is not a picture that can be decoded"):
        batch(images, 1, 0, 0)


def changed(key: str, index: int, **changes) -> dict:
    data = coco()
    data[key][index] |= changes
    return data


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("{", "it is not valid JSON"),
        ("[" * 100_000, "it is not valid JSON"),
        ("[]", "it has no list 'images'"),
        (coco(images=[1]), "it has no list 'images' of objects"),
        (coco(annotations=None), "it has no list 'annotations'"),
        (coco(categories=[{"id": 1, "name": "cat"}]), "none of its categories is called 'person'"),
        (changed("images", 0, width=0), "image 1 needs an integer id, width and height"),
        (changed("images", 0, height="10"), "image 1 needs an integer id"),
        (changed("images", 0, id=2), "two of its images have the same id"),
        (changed("images", 0, file_name="../1.jpg"), r"image 1 has the file name '\.\./1\.jpg'"),
        (changed("annotations", 0, bbox=[1, 2, 3]), "annotation 2 needs a bbox of four numbers"),
        (changed("annotations", 0, bbox=[0, 0, float("nan"), 1]), "annotation 2 needs a bbox"),
        (changed("annotations", 0, bbox=[0, 0, -1, 1]), "annotation 2 has a box of negative size"),
        (changed("annotations", 0, image_id=77), "annotation 2 is of image 77, which is not listed"),
        (coco(images=[], annotations=[]), "there is no training picture in it"),
        (changed("categories", 0, id="7"), "category 'person' needs an integer id of its own, and has '7'"),
        (changed("categories", 0, id=[7]), "category 'person' needs an integer id of its own, and has \\[7\\]"),
        (changed("categories", 0, id=True), "category 'person' needs an integer id of its own, and has True"),
        (changed("categories", 0, id=2), "category 'bicycle' needs an integer id of its own, and has 2"),
        (changed("categories", 0, name=["person"]), "none of its categories is called 'person'"),
        (changed("annotations", 0, category_id="7"), "annotation 2 is of category '7', which is not listed"),
        (changed("annotations", 0, category_id=0), "annotation 2 is of category 0, which is not listed"),
        (changed("annotations", 0, category_id=None), "annotation 2 is of category None, which is not listed"),
        (changed("annotations", 0, category_id=[7]), "annotation 2 is of category \\[7\\], which is not listed"),
        (changed("annotations", 0, category_id=7.0), "annotation 2 is of category 7.0, which is not listed"),
        (changed("annotations", -1, category_id=3), "annotation 92 is of category 3, which is not listed"),
        (changed("annotations", 0, image_id="2"), "annotation 2 is of image '2', which is not listed"),
        (changed("annotations", -1, image_id=0), "annotation 92 is of image 0, which is not listed"),
        (changed("images", 0, file_name=["1.jpg"]), "image 1 has the file name \\['1.jpg'\\]"),
        (json.dumps(coco()).replace('"id": 1,', f'"id": {"9" * 5000},', 1), "it is not valid JSON"),
        (json.dumps(coco())[:-1] + ', "annotations": []}', "it is not valid JSON \\(one object has two 'annotations'"),
    ],
)
def test_vww__broken_annotations_name_the_file_and_the_entry(tmp_path: Path, data: object, says: str) -> None:
    with pytest.raises(SpecError, match=rf"^--data = '.*instances\.json': {says}"):
        load(write(tmp_path, data))


def test_vww__missing_pieces(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"no instances\*\.json in it.*Get it from https://cocodataset"):
        load(tmp_path)
    write(tmp_path, coco())
    (tmp_path / "images" / "2.jpg").unlink()
    with pytest.raises(SpecError, match=r"1 of \d pictures of instances\.json are missing, first 2\.jpg"):
        load(tmp_path)


def test_vww__a_missing_validation_picture_never_comes_from_another_split(tmp_path: Path) -> None:
    write(tmp_path, coco(), name="annotations/instances_train2017.json", pictures="train2017")
    write(tmp_path, coco(2), name="annotations/instances_val2017.json", pictures="val2017")
    data = coco(2)
    data["annotations"] = data["annotations"][:1]
    (tmp_path / "annotations/instances_val2017.json").write_text(json.dumps(data))
    assert len(load(tmp_path).test_labels) == 2
    (tmp_path / "val2017" / "2.jpg").unlink()
    with pytest.raises(SpecError, match=r"1 of 2 pictures of instances_val2017\.json are missing, first 2\.jpg"):
        load(tmp_path)
    shutil.rmtree(tmp_path / "val2017")
    with pytest.raises(SpecError, match=r"2 of 2 pictures of instances_val2017\.json are missing"):
        load(tmp_path)
    (tmp_path / "val2017").mkdir()
    (tmp_path / "train2017" / "5.jpg").rename(tmp_path / "val2017" / "5.jpg")
    with pytest.raises(SpecError, match=r"1 of 5 pictures of instances_train2017\.json are missing, first 5\.jpg"):
        load(tmp_path)


def test_vww__an_entry_names_its_folder_and_no_other_is_looked_into(tmp_path: Path) -> None:
    write(tmp_path, coco(), pictures="a")
    data = coco()
    for image in data["images"]:
        image["file_name"] = f"b/{image['file_name']}"
    (tmp_path / "instances.json").write_text(json.dumps(data))
    assert everything(load(tmp_path)) == {1: 0, 2: 1, 4: 1, 5: 1, 6: 1}, "there is no folder b: any other will do"
    (tmp_path / "b").mkdir()
    with pytest.raises(SpecError, match=r"pictures of instances\.json are missing, first b/1\.jpg"):
        load(tmp_path)


def test_vww__habits_of_real_files(tmp_path: Path) -> None:
    data = coco()
    data["images"][0]["file_name"] = "photo..1.jpg"
    write(tmp_path, data)
    (tmp_path / "images" / "1.jpg").rename(tmp_path / "images" / "photo..1.jpg")
    (tmp_path / "instances.json").write_text(json.dumps(data), encoding="utf-8-sig")
    assert everything(load(tmp_path)) == {1: 0, 2: 1, 4: 1, 5: 1, 6: 1}


@pytest.mark.skipif(not SAMPLE.is_dir(), reason="../shared/data/vww_sample is not beside the repository")
def test_vww__the_real_sample() -> None:
    images = load(SAMPLE, shape=(3, 128, 128))
    labels = np.concatenate([images.train_labels, images.test_labels])
    assert (int((labels == 0).sum()), int((labels == 1).sum())) == (23, 27)
    assert images.notes[0] == "instances.json: 23 without a person, 27 with, 3 left out"
    pictures, _ = batch(images, 8, 0, 0)
    again, _ = batch(load(SAMPLE, shape=(3, 128, 128)), 8, 0, 0)
    np.testing.assert_array_equal(pictures, again)
    assert pictures.std() > 30
    with pytest.raises(SpecError, match="it has 2 classes and the network tells 10 apart"):
        load(SAMPLE, classes=10)
