"""Pictures of the report's pages for the documentation: docs/img/report-*.png, from a real Chromium.

python scripts/report_screenshots.py RUN.json TRAIN.json SWEEP.db
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from lls_hw.report.build import page_of, write_page

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "img"
MOST_BYTES = 400_000
WIDTH_PX = 1100
PICTURES = (
    ("run", "light", "header", "report-run.png", 0, 1180),
    ("run", "light", "#figure-energy", "report-energy.png", 0, 0),
    ("run", "dark", "#figure-timeline", "report-run-dark.png", 0, 1150),
    ("run", "light", "#figure-roofline", "report-roofline.png", 0, 0),
    ("train", "light", "header", "report-train.png", 0, 1150),
    ("sweep", "light", "header", "report-sweep.png", 0, 1250),
    ("sweep", "dark", "#figure-heat", "report-sweep-dark.png", 0, 1150),
)
"""Page, colours, where the picture begins, its file, pixels above, and its height (0: that element alone)."""


def main() -> None:
    """Write every picture; a missing browser is an error."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("run", "train", "sweep"):
        parser.add_argument(name, help=f"results of a {name}")
    given = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("chromium is not installed")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        pages = {kind: Path(folder) / f"{kind}.html" for kind in ("run", "train", "sweep")}
        for kind, path in pages.items():
            write_page(page_of(getattr(given, kind)), str(path))
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for kind, colours, begin, name, above, height in PICTURES:
            target = FOLDER / name
            take(browser, pages[kind], colours, (begin, above, height), target)
            print(f"{target}: {shrunk(target)} bytes")
        browser.close()


def take(browser: Browser, page_file: Path, colours: str, part: tuple[str, int, int], target: Path) -> None:
    """One picture, begun at an element."""
    begin, above, height = part
    scheme = "dark" if colours == "dark" else "light"
    context = browser.new_context(viewport={"width": WIDTH_PX, "height": 1000}, color_scheme=scheme, offline=True)
    page = context.new_page()
    page.goto(page_file.as_uri())
    page.wait_for_selector(".main-svg", state="attached")
    page.wait_for_timeout(300)
    element = page.locator(begin).first
    if height == 0:
        element.screenshot(path=target)
    else:
        box = element.bounding_box()
        assert box is not None, f"{begin} is not shown"
        clip = {"x": 0, "y": max(0, box["y"] - above), "width": WIDTH_PX, "height": height}
        page.screenshot(path=target, clip=clip, full_page=True)
    context.close()


def shrunk(path: Path) -> int:
    """Bytes of the picture, packed as well as PNG can."""
    with Image.open(path) as picture:
        small = picture.convert("RGB")
    small.save(path, optimize=True)
    size = path.stat().st_size
    if size > MOST_BYTES:
        sys.exit(f"{path} has {size} bytes, more than {MOST_BYTES}")
    return size


if __name__ == "__main__":
    main()
