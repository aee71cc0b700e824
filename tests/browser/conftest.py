"""A real Chromium without a screen, one for the whole session, that may ask nothing of any network."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lls_hw.cli import main
from lls_hw.report.build import page_of, write_page
from tests.children import LONGEST_S
from tests.unit.report.made import made_numerics, made_sweep, made_train

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


SETTLED = "() => [...charts].every(([element, chart]) => !chart.busy && chart.width === widthOf(element))"


@dataclass
class Opened:
    """A page, and everything it complained about or asked for."""

    page: "Page"
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def ask(self, script: str, argument: Any = None) -> Any:
        """What a script returns once no chart is being drawn."""
        self.page.wait_for_function(SETTLED)
        return self.page.evaluate(script, argument)


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Debian's chromium is not installed (apt-get install chromium)")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of each kind, from small results."""
    folder = tmp_path_factory.mktemp("pages")
    run, train = folder / "run.json", folder / "train.json"
    small = ["simulate", "--net", "smallconv", "--rule", "lls_m", "--batch", "2", "--no-numerics", "--quiet"]
    assert main([*small, "--json", str(run)]) == 0
    run.write_text(json.dumps({**json.loads(run.read_text()), "numerics": made_numerics()}))
    train.write_text(json.dumps(made_train()))
    sources = {"run": run, "train": train, "sweep": made_sweep(folder / "sweep.db")}
    for kind, source in sources.items():
        write_page(page_of(str(source)), str(folder / f"{kind}.html"))
    return {kind: folder / f"{kind}.html" for kind in sources}


def open_page(browser: "Browser", address: str, **options: Any) -> Opened:
    """A file in a context of its own, without a network; keyword arguments are the context's."""
    context = browser.new_context(**{"offline": True, "viewport": {"width": 1100, "height": 800}, **options})
    context.set_default_timeout(LONGEST_S * 1000)
    one = Opened(context.new_page())
    one.page.on("console", lambda line: one.complaints.append(f"{line.type}: {line.text}"))
    one.page.on("pageerror", lambda error: one.complaints.append(str(error)))
    one.page.on("request", lambda request: one.requests.append(request.url))
    one.page.goto(address)
    return one


class Pages(dict[str, Opened]):
    """A page of each kind, as it is when it has just been opened, opened when it is first asked for."""

    def __init__(self, browser: "Browser", files: dict[str, Path]) -> None:
        super().__init__()
        self.browser, self.files = browser, files

    def __missing__(self, kind: str) -> Opened:
        self[kind] = open_page(self.browser, self.files[kind].as_uri())
        return self[kind]


@pytest.fixture
def pages(browser: "Browser", files: dict[str, Path]) -> Iterator[Pages]:
    """Pages of one test; in the end no complaint, and nothing asked for but the file itself."""
    opened = Pages(browser, files)
    yield opened
    for one in opened.values():
        one.page.context.close()
        assert one.complaints == []
        assert len([url for url in one.requests if not url.startswith(("data:", "blob:"))]) == 1
