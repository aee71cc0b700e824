"""Figures for papers: every chart, the same bytes twice."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

from lls_hw.report.build import page_of
from lls_hw.report.export import export


@pytest.mark.parametrize("name", ["run_file", "sweep_file"])
def test_svg__is_the_same_twice(name, request, tmp_path):
    page = page_of(str(request.getfixturevalue(name)))
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        export(page, folder, "svg")
    first, second = ({path.name: path.read_bytes() for path in sorted(folder.iterdir())} for folder in folders)
    assert first == second
    assert len(first) == len(page.charts()) + len(page.figures) > 1
    for text in first.values():
        assert ET.fromstring(text).tag.endswith("svg")
        assert b"<dc:date>" not in text


def test_names__with_dollars_are_drawn_as_they_are(tmp_path):
    from tests.unit.report.made import made_train

    data = made_train()
    data["tensors"][0]["tensor"] = "a$\\frac$b"
    path = tmp_path / "train.json"
    path.write_text(json.dumps(data))
    assert len(export(page_of(str(path)), tmp_path / "svg", "svg")) == 5


def test_png__is_large_enough_for_print(train_file, tmp_path: Path):
    lines = export(page_of(str(train_file)), tmp_path / "png", "png")
    files = sorted((tmp_path / "png").iterdir())
    assert len(lines) == len(files) == 5
    for path in files:
        with Image.open(path) as picture:
            assert picture.width == 2040, "6.8 inches at 300 dots"
            assert len(set(picture.convert("L").resize((64, 32)).tobytes())) > 4, "something is drawn"
