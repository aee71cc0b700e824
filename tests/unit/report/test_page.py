"""The page as text: sane headings, nothing from a network, nobody's text taken for markup, missing parts named."""

import copy
import itertools
import json
import re
from html.parser import HTMLParser

import pytest

from lls_hw.models.spec.errors import SpecError
from lls_hw.report.build import page_of
from lls_hw.report.page import embedded, html, page_data

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&\"'"


class Outline(HTMLParser):
    """Headings, addresses, labels and landmarks of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def outline(text: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Outline()
    parser.feed(text)
    parser.close()
    return parser.tags


@pytest.fixture(params=["run_file", "train_file", "sweep_file"])
def page_text(request: pytest.FixtureRequest) -> str:
    return html(page_of(str(request.getfixturevalue(request.param))))


def test_headings__go_down_one_step_at_a_time(page_text):
    levels = [int(tag[1]) for tag, _ in outline(page_text) if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_page__has_landmarks_labels_and_words_for_every_chart(page_text):
    tags = outline(page_text)
    names = [tag for tag, _ in tags]
    assert {"header", "nav", "main", "footer"} <= set(names)
    assert next(attributes for tag, attributes in tags if tag == "html")["lang"] == "en"
    assert next(attributes for tag, attributes in tags if tag == "a")["href"] == "#main"
    assert names.count("figure") == names.count("figcaption") > 2
    assert names.count("select") + names.count("input") == names.count("label")
    selects = [attributes["aria-label"] for tag, attributes in tags if tag == "select"]
    assert len(set(selects)) == len(selects)
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in tags:
        if attributes.get("role") == "img":
            assert "aria-label" not in attributes, (tag, "the caption is read once")
            assert {attributes["aria-labelledby"], attributes["aria-describedby"]} <= set(ids)
    links = [attributes["href"] for tag, attributes in tags if tag == "a"]
    assert all(link[0] == "#" and link[1:] in ids for link in links)


def test_page__names_no_address_to_load_from(page_text):
    for tag, attributes in outline(page_text):
        assert "src" not in attributes, (tag, attributes)
        assert tag != "link"
    assert "default-src 'none'" in page_text


def hostile_run(run: dict) -> dict:
    data = copy.deepcopy(run)
    data["inputs"]["network"]["name"] = HOSTILE
    data["inputs"]["rule"]["name"] = HOSTILE
    data["baseline"]["rule"] = HOSTILE
    data["stages"][0]["layer"] = HOSTILE
    data["numerics"]["against_float"][0]["tensor"] = HOSTILE
    data["totals"]["sram_peak_tensors"] = {HOSTILE: 5}
    return data


def test_hostile_text__stays_text(run, tmp_path):
    path = tmp_path / "hostile.json"
    path.write_text(json.dumps(hostile_run(run)))
    text = html(page_of(str(path), HOSTILE))
    names = [tag for tag, _ in outline(text)]
    assert names.count("script") == 3
    assert "img" not in names
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text
    data = page_data(page_of(str(path), HOSTILE))
    assert json.loads(embedded(data)) == json.loads(json.dumps(data)), "escaping changes no value"
    assert "onerror" in json.dumps(data)
    drawn = json.dumps(data["charts"])
    assert "<img" not in drawn, "Plotly would read it as its markup"


def without(run: dict, *keys: str) -> dict:
    return {key: (None if key in keys else value) for key, value in run.items()}


@pytest.mark.parametrize(
    ("change", "sentence", "left"),
    [
        (lambda run: without(run, "numerics"), "made with --no-numerics", 6),
        (lambda run: without(run, "totals", "stages", "baseline", "timeline", "occupancy"), "made with --no-costs", 1),
        (lambda run: without(run, "baseline"), "No baseline was asked for", 7),
    ],
    ids=["no-numerics", "no-costs", "no-baseline"],
)
def test_missing_parts__are_named_and_left_out(run, tmp_path, change, sentence, left):
    path = tmp_path / "part.json"
    path.write_text(json.dumps(change(run)))
    page = page_of(str(path))
    assert sentence in html(page)
    assert len(page.charts()) == left


@pytest.mark.parametrize("key", ["timeline", "occupancy"])
def test_incomplete_file__is_refused_in_a_sentence(run, tmp_path, key):
    path = tmp_path / "part.json"
    path.write_text(json.dumps({name: value for name, value in run.items() if name != key}))
    with pytest.raises(SpecError, match=key):
        page_of(str(path))


def test_training__without_float_and_without_epochs(tmp_path):
    from tests.unit.report.made import made_train

    for data, sentence in (
        (made_train(with_float=False), "Train with --float"),
        ({**made_train(with_float=False), "curve": [], "tensors": []}, "No epoch in integers was finished"),
    ):
        path = tmp_path / "train.json"
        path.write_text(json.dumps(data))
        assert sentence in html(page_of(str(path)))
