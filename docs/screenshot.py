"""Takes the picture of the page in README.md from a page that `make demo-page` serves: `… screenshot.py ADDRESS`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).parent / "page.png"


def main(address: str) -> None:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = chromium.new_page(viewport={"width": 1000, "height": 820}, java_script_enabled=False)
        page.goto(address)
        page.screenshot(path=PICTURE)
        chromium.close()


if __name__ == "__main__":
    main(sys.argv[1])
