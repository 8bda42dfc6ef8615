"""Take pages in Chromium: light, dark and from right to left, as wide as a desktop and as a phone."""

import shutil
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Error, Page, StorageState, sync_playwright

from cedrina.tooling.screenshots.demo_data import ADMINISTRATOR
from cedrina.tooling.screenshots.pages import ScreenshotPage

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
WIDTHS = {"desktop": 1280, "phone": 390}
HEIGHT = 800
LANGUAGES = {"ltr": "en", "rtl": "fa"}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PICTURES = len(WIDTHS) * len(LANGUAGES) * len(THEMES)
_LOAD_MS = 15_000
_POLICY = "Content Security Policy"


def chromium() -> str | None:
    """Return the path of Chromium or Chrome; ``None`` where there is none."""
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def take(pages: Sequence[ScreenshotPage], *, url: str, password: str, folder: Path, executable: str) -> Iterator[str]:
    """Write a PNG of each page in each appearance to ``folder/<page>/<device>-<theme>-<direction>.png``.

    Yield what is wrong with a page: an error of the server, of a script or of the content policy, or content that is
    wider than the window, so that people must scroll in two directions (WCAG 2.2, 1.4.10).
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        try:
            state = _sign_in(browser, url, password) if any(page.is_signed_in for page in pages) else None
            for direction, language in LANGUAGES.items():
                contexts = {
                    is_signed_in: browser.new_context(
                        locale=language, reduced_motion="reduce", storage_state=state if is_signed_in else None
                    )
                    for is_signed_in in (False, True)
                }
                for page in pages:
                    tab = contexts[page.is_signed_in].new_page()
                    tab.set_default_timeout(_LOAD_MS)
                    # The same fault in all appearances is one.
                    faults = dict.fromkeys(_take(tab, page, url=url, direction=direction, folder=folder))
                    yield from (f"{page.name} ({direction}): {fault}" for fault in faults)
                    tab.close()
                for context in contexts.values():
                    context.close()
        finally:
            browser.close()


def _sign_in(browser: Browser, url: str, password: str) -> StorageState:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{url}/admin/")
    page.fill("#id_username", ADMINISTRATOR)
    page.fill("#id_password", password)
    page.click("#login-form [type=submit]")
    page.wait_for_selector("#logout-form")
    state = context.storage_state()
    context.close()
    return state


def _take(tab: Page, page: ScreenshotPage, *, url: str, direction: str, folder: Path) -> list[str]:
    """Load a page once and show it in each theme and width. Return its faults."""
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("console", lambda line: faults.append(_summary(line.text)) if _POLICY in line.text else None)
    try:
        faults += _load(tab, page, url=url)
        for (device, width), theme in product(WIDTHS.items(), THEMES):
            tab.set_viewport_size({"width": width, "height": HEIGHT})
            tab.emulate_media(color_scheme=theme)
            path = folder / page.name / f"{device}-{theme}-{direction}.png"
            tab.screenshot(path=path, full_page=True)
            used, visible = tab.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
            if used > visible:
                faults.append(f"is {used} pixels wide in a window of {visible}")
    except Error as error:
        faults.append(error.message.splitlines()[0])
    return faults


def _load(tab: Page, page: ScreenshotPage, *, url: str) -> list[str]:
    if page.html:
        tab.set_content(page.html)
        return []
    response = tab.goto(f"{url}{page.path}")
    if page.waits_for:
        tab.wait_for_selector(page.waits_for)
    for selector, text in page.fill.items():
        tab.fill(selector, text)
    if page.is_submitted:
        with tab.expect_navigation():
            tab.click("form [type=submit]")
    return [f"status {response.status}"] if response is not None and response.status >= 500 else []


def _summary(complaint: str) -> str:
    """Return the first sentence of what Chromium says about a policy; the rest has the hash of each style."""
    return complaint.partition(". ")[0]
