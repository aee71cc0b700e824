"""Whatever the order and haste of theme, size, selection and print events, charts end as the last of them wants."""

import random

import pytest

ROUNDS, EVENTS = 20, 6
"""Events a round follow one another without a wait; after each round the charts are looked at."""

SELECTS = {"run": ['select[data-chart="energy"]'], "sweep": ["#pareto-x", "#pareto-facet", "#heat-value", "#heat-rows"]}
WIDTHS = (400, 640, 800, 1100)

WRONG = """(theme) => {
    const shown = (element, names) => [...element.querySelectorAll(names)].map((one) => one.textContent).join(' ');
    const mark = document.createElement('i');
    mark.style.color = DATA.themes[theme]['@ink'];
    const wrong = [];
    for (const element of document.querySelectorAll('.js-plotly-plot')) {
        const width = window.matchMedia('print').matches ? 660 : element.clientWidth;
        const drawn = Number(element.querySelector('.main-svg').getAttribute('width'));
        if (Math.round(drawn) !== width) wrong.push(`${element.id} is ${drawn} wide, not ${width}`);
        const letter = element.querySelector('.xtick text, .ytick text, .annotation-text');
        if (getComputedStyle(letter).fill !== mark.style.color) wrong.push(`${element.id} has other letters`);
    }
    const select = document.querySelector('select[data-chart="energy"]');
    if (select) {
        const wanted = DATA.charts.find((chart) => chart.key === 'energy').views[select.value].data[0].y;
        const names = shown(document.getElementById('plot-energy'), '.ytick text');
        if (!wanted.every((name) => names.includes(name))) wrong.push(`energy shows ${names}, not ${wanted}`);
    } else {
        const [pareto, heat] = ['plot-pareto', 'plot-heat'].map((id) => document.getElementById(id));
        const panels = pick('pareto-facet') ? new Set(DATA.rows.map((row) => row[pick('pareto-facet')])).size : 1;
        const drawn = pareto.querySelectorAll('.subplot').length;
        if (drawn !== panels) wrong.push(`pareto has ${drawn} panels, not ${panels}`);
        const titles = shown(pareto, '.infolayer text');
        const title = MEASURES.get(pick('pareto-x')).title;
        if (!titles.includes(title)) wrong.push(`pareto is over ${titles}, not ${title}`);
        for (const title of [pick('heat-rows'), MEASURES.get(pick('heat-value')).title]) {
            if (!shown(heat, '.infolayer text').includes(title)) wrong.push(`heat does not show ${title}`);
        }
    }
    return wrong;
}"""
"""What is not as a theme and the page's size and choices want it, in words."""


class Events:
    """The events, drawn from one seed; it keeps what the last of each kind wants of the page."""

    def __init__(self, opened, selects, seed):
        self.page, self.selects, self.rng = opened.page, selects, random.Random(seed)
        self.media = {"color_scheme": "light", "media": "screen"}
        self.chosen = None
        self.fired = []

    def fire(self):
        kind = self.rng.choice(("system", "button", "size", "print", "select", "select"))
        self.fired.append(kind)
        getattr(self, kind)()

    @property
    def theme(self):
        """Paper is light; else what the button chose stands, or what the system wants."""
        return "light" if self.media["media"] == "print" else self.chosen or self.media["color_scheme"]

    def system(self):
        self.media["color_scheme"] = self.rng.choice(("light", "dark"))
        self.page.emulate_media(**self.media)

    def print(self):
        self.media["media"] = self.rng.choice(("screen", "print"))
        self.page.emulate_media(**self.media)

    def button(self):
        self.chosen = "dark" if self.theme == "light" else "light"
        self.page.evaluate("() => document.getElementById('theme').click()")

    def size(self):
        self.page.set_viewport_size({"width": self.rng.choice(WIDTHS), "height": 700})

    def select(self):
        script = """([name, at]) => {
            const select = document.querySelector(name);
            select.selectedIndex = Math.floor(at * select.options.length);
            select.dispatchEvent(new Event('change'));
        }"""
        self.page.evaluate(script, [self.rng.choice(self.selects), self.rng.random()])


@pytest.mark.parametrize("kind", SELECTS)
def test_events_in_any_order__the_last_wish_is_what_charts_show(pages, kind):
    opened = pages[kind]
    events = Events(opened, SELECTS[kind], seed=19)
    shows_it = f"(theme) => ({WRONG})(theme).length === 0"
    for _ in range(ROUNDS):
        events.fired.clear()
        for _ in range(EVENTS):
            events.fire()
        try:
            opened.page.wait_for_function(shows_it, arg=events.theme)
        finally:
            assert opened.ask(WRONG, events.theme) == [], f"after {events.fired}"
