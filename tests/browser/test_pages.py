"""The pages as a browser shows them: drawn, alive, readable in every light and without a mouse."""

import json

import pytest

from lls_hw.report.build import page_of, write_page
from lls_hw.report.sweep_data import designs
from lls_hw.sweep.pareto import front_line
from tests.browser.conftest import open_page
from tests.unit.report.made import made_sweep

KINDS = ("run", "train", "sweep")
MARKS = """() => [...document.querySelectorAll('.js-plotly-plot')].map((plot) => [plot.id,
    plot.querySelectorAll('.main-svg').length,
    plot.querySelectorAll('.point path, path.point, .lines path.js-line, .hm image').length])"""


def figure_count(opened):
    return opened.ask("() => document.querySelectorAll('figure').length")


@pytest.mark.parametrize("kind", KINDS)
def test_page__is_drawn_whole(pages, kind):
    opened = pages[kind]
    marks = opened.ask(MARKS)
    assert len(marks) == figure_count(opened) >= 3
    for name, pictures, drawn in marks:
        assert pictures > 0, name
        assert drawn > 0, name
    assert opened.ask("() => document.querySelectorAll('figcaption:empty').length") == 0


@pytest.mark.parametrize("kind", KINDS)
def test_narrow_screen__does_not_scroll_sideways(pages, kind):
    opened = pages[kind]
    opened.page.set_viewport_size({"width": 400, "height": 700})
    try:
        opened.page.wait_for_function("() => document.documentElement.scrollWidth <= 400")
        assert opened.ask("() => window.innerWidth") == 400
    finally:
        opened.page.set_viewport_size({"width": 1100, "height": 800})


LETTERS = "`#plot-${chart} .xtick text, #plot-${chart} .ytick text`"


def ink(opened, chart):
    """Colours of the page's ground, its text, and a chart's text, once the chart wears the theme."""
    wears = f"""(chart) => {{
        const mark = document.createElement('i');
        mark.style.color = DATA.themes[theme()]['@ink'];
        return mark.style.color === getComputedStyle(document.querySelector({LETTERS})).fill;
    }}"""
    opened.page.wait_for_function(wears, arg=chart)
    return opened.ask(
        f"""(chart) => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color,
        getComputedStyle(document.querySelector({LETTERS})).fill]""",
        chart,
    )


def contrast(one, other):
    """WCAG's contrast of two rgb() colours."""

    def light(colour):
        parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


def test_light_and_dark__follow_the_system_and_the_button(pages):
    opened = pages["run"]
    opened.page.emulate_media(color_scheme="light")
    light = ink(opened, "energy")
    opened.page.emulate_media(color_scheme="dark")
    seen = light, ink(opened, "energy")
    opened.page.emulate_media(color_scheme="light")
    assert seen[0][0] == "rgb(255, 255, 255)"
    assert seen[1][0] == "rgb(20, 23, 28)"
    for paper, *letters in seen:
        assert all(contrast(paper, letter) >= 4.5 for letter in letters)
    opened.page.click("#theme")
    assert ink(opened, "energy") == seen[1]
    assert opened.page.get_attribute("#theme", "aria-pressed") == "true"
    opened.page.click("#theme")
    assert ink(opened, "energy") == seen[0]
    opened.page.emulate_media(color_scheme="dark")
    assert ink(opened, "energy") == seen[0], "the button's choice stays"
    opened.page.emulate_media(color_scheme="light")


def test_light_and_dark__no_change_is_lost_however_often_the_theme_is_read(pages):
    """Between a change and its event somebody may ask which theme it is (`ink` does, in every frame)."""
    opened = pages["train"]
    for _ in range(6):
        for scheme, ground in (("dark", "rgb(20, 23, 28)"), ("light", "rgb(255, 255, 255)")):
            opened.page.emulate_media(color_scheme=scheme)
            assert ink(opened, "loss")[0] == ground


def width(opened):
    """Pixels of a chart."""
    return float(opened.ask("() => document.querySelector('#plot-loss .main-svg').getAttribute('width')"))


def test_print__is_light_without_controls_and_with_every_table(pages):
    opened = pages["train"]
    opened.page.emulate_media(color_scheme="dark")
    assert ink(opened, "loss")[0] == "rgb(20, 23, 28)"
    opened.page.emulate_media(media="print", color_scheme="dark")
    opened.page.wait_for_function("() => document.querySelectorAll('details:not([open])').length === 0")
    assert ink(opened, "loss")[0] == "rgb(255, 255, 255)"
    assert contrast(*ink(opened, "loss")[::2]) >= 4.5
    assert not opened.page.is_visible("#theme")
    assert not opened.page.is_visible("select")
    assert opened.ask("() => getComputedStyle(document.querySelector('.plot')).breakInside") == "avoid"
    assert width(opened) == 660, "as wide as A4 between its margins"
    opened.page.emulate_media(media="screen")
    opened.page.wait_for_function("() => document.querySelectorAll('details[open]').length === 0")
    assert opened.page.is_visible("#theme")
    assert ink(opened, "loss")[0] == "rgb(20, 23, 28)"
    assert width(opened) > 900
    opened.page.emulate_media(color_scheme="light")


def test_keyboard__reaches_every_control_in_order(pages):
    opened = pages["sweep"]
    reached = []
    for _ in range(40):
        opened.page.keyboard.press("Tab")
        reached.append(opened.ask("() => document.activeElement.id || document.activeElement.textContent.trim()"))
    wanted = [
        "Skip to the results",
        "theme",
        "filter",
        "pareto-x",
        "pareto-y",
        "pareto-colour",
        "heat-value",
        "heat-how",
    ]
    places = [reached.index(name) for name in wanted]
    assert places == sorted(places)
    opened.page.focus("#pareto-x")
    outline = opened.ask("() => getComputedStyle(document.querySelector('#pareto-x:focus-visible')).outlineWidth")
    assert outline == "3px"


def test_skip_link__leads_to_the_results(pages):
    opened = pages["train"]
    opened.ask("() => { document.activeElement.blur(); window.getSelection().removeAllRanges(); }")
    opened.page.keyboard.press("Tab")
    opened.page.keyboard.press("Enter")
    assert opened.ask("() => document.activeElement.id") == "main"


def test_views__change_the_chart(pages):
    opened = pages["run"]
    rows = "() => document.getElementById('plot-energy').data[0].y"
    before = opened.ask(rows)
    opened.page.select_option('select[data-chart="energy"]', label="by stage")
    after = opened.ask(rows)
    assert "conv1" in before
    assert "conv1" not in after
    assert "forward" in after
    shown = opened.page.locator("#plot-energy .ytick text").all_text_contents()
    assert "weight gradient" in shown
    opened.page.select_option('select[data-chart="energy"]', label="by layer")
    assert opened.ask(rows) == before


def test_hover__says_the_number(pages, files):
    """The label over conv1's DRAM bar is the sum of its stages in the run's file."""
    run = json.loads(files["run"].with_suffix(".json").read_text())
    expected = sum(stage["energy_uj"]["dram"] for stage in run["stages"] if stage["layer"] == "conv1")
    opened = pages["run"]
    traces = opened.ask(
        "() => document.getElementById('plot-energy').data.map((trace) => [trace.name, trace.offsetgroup])"
    )
    at = traces.index(["DRAM", "0"])
    bar = opened.page.locator(f"#plot-energy .trace.bars:nth-child({at + 1}) .point:nth-child(1) path")
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    opened.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    opened.page.wait_for_selector("#plot-energy .hoverlayer .hovertext", state="attached")
    shown = opened.page.locator("#plot-energy .hoverlayer .hovertext").text_content()
    assert "conv1" in shown
    number = float(shown.split("DRAM: ")[1].split(" µJ")[0].replace(",", ""))
    assert number == pytest.approx(expected, rel=1e-4)


CAPTION = "(words) => document.getElementById('caption-pareto').textContent.includes(words)"
POINTS = "() => document.querySelectorAll('#points tbody tr').length"


def test_filter__reduces_table_and_charts(pages):
    opened = pages["sweep"]
    assert opened.ask(POINTS) == 71
    for text, left in (
        ("rule=lls_m bits=8", 6),
        ("bits<8 array=8x8", 7),
        ("rule=bp test_accuracy>80", 12),
        ("nonsense", 0),
    ):
        opened.page.fill("#filter", text)
        assert opened.page.text_content("#count") == f"{left} of 71 finished points are shown."
        assert opened.ask(POINTS) == left
    assert opened.page.wait_for_function(CAPTION, arg=": 0 designs"), "nothing left is drawn without an error"
    opened.page.fill("#filter", "rule=lls_m")
    opened.page.wait_for_function(CAPTION, arg=": 9 designs")
    drawn = opened.ask("() => document.getElementById('plot-pareto').data.flatMap((trace) => trace.text || []).length")
    assert drawn == 9
    opened.page.fill("#filter", "")
    opened.page.wait_for_function(CAPTION, arg=": 36 designs")
    assert opened.ask(POINTS) == 71


def test_headings__sort_the_table(pages):
    opened = pages["sweep"]
    column = "() => [...document.querySelectorAll('#points tbody tr')].map((row) => row.cells[5].textContent)"
    button = opened.page.locator("#points thead button", has_text="energy per image")
    for way in (1, -1):
        button.press("Enter")
        values = [float(text.replace(",", "")) for text in opened.ask(column)]
        assert values == sorted(values, reverse=way < 0)
        assert opened.ask("() => document.activeElement.textContent").startswith("energy per image"), "focus stays"
    head = opened.page.locator("#points thead th", has_text="energy per image")
    assert head.get_attribute("aria-sort") == "descending"


def test_pareto__is_pythons_front(pages, files):
    from lls_hw.report.source import read_source

    rows = [row for row in read_source(str(files["sweep"].with_suffix(".db"))).data["rows"] if row["status"] == "done"]
    opened = pages["sweep"]
    opened.page.select_option("#pareto-facet", "")
    script = (
        "() => document.getElementById('plot-pareto').data.filter((t) => t.meta === 'front').map((t) => [t.x, t.y])"
    )
    for y, lower in (("test_accuracy", False), ("cycles_per_image", True)):
        opened.page.select_option("#pareto-y", y)
        points = designs(rows, "energy_per_image_uj", y)
        kept = [points[at] for at in front_line([(p.x, p.y) for p in points], lower_x=True, lower_y=lower)]
        ((xs, ys),) = opened.ask(script)
        assert xs == pytest.approx([p.x for p in kept])
        assert ys == pytest.approx([p.y for p in kept])
        assert f"{len(kept)} on the Pareto front" in opened.page.text_content("#caption-pareto")


def test_heat__gathers_as_it_says(pages):
    opened = pages["sweep"]
    cells = "() => document.getElementById('plot-heat').data[0].z"
    best = opened.ask(cells)
    assert "the best (least) of the points" in opened.page.text_content("#caption-heat")
    opened.page.select_option("#heat-how", "mean")
    assert "the mean of the points" in opened.page.text_content("#caption-heat")
    mean = opened.ask(cells)
    assert all(b <= m for low, middle in zip(best, mean, strict=True) for b, m in zip(low, middle, strict=True))
    assert best != mean


HOSTILE = "<img src=x onerror='window.hit=1'></script><script>window.hit=2</script>"


def test_hostile_names__stay_text_in_every_chart(browser, tmp_path):
    """A network and a rule with markup for names: shown as they are, never run."""
    source = made_sweep(tmp_path / "hostile.db", rules=(HOSTILE, "bp"), bits=(8,), seeds=1, net=HOSTILE)
    write_page(page_of(str(source), HOSTILE), str(tmp_path / "hostile.html"))
    opened = open_page(browser, (tmp_path / "hostile.html").as_uri())
    opened.page.select_option("#heat-rows", "rule")
    opened.page.click("#table-pareto summary")
    assert opened.ask("() => [window.hit ?? null, document.images.length]") == [None, 0]
    assert HOSTILE in opened.page.text_content("h1")
    assert HOSTILE in opened.page.locator("#plot-heat .ytick text").all_text_contents()
    assert opened.page.locator("#points tbody td", has_text=HOSTILE).count() > 0
    opened.page.context.close()
    assert opened.complaints == []
