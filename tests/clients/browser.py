"""The Chromium that tests drive, if there is one on this machine."""

import contextlib
import functools
import shutil
import subprocess

from playwright.sync_api import sync_playwright

from tests.programs import debian_packages

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SHELL = "chromium-headless-shell"
# Its data are in the second one.
SHELL_PACKAGES = [SHELL, "chromium-common"]


@functools.cache
def program():
    """Return the path of the headless shell, which is the same Chromium without windows, or of ``CHROMIUM``.

    The shell takes two fifths of the CPU time: for a start and five pages that axe-core judges 3.4 s instead of 8.3 s.
    """
    if found := shutil.which(SHELL):
        return found
    with contextlib.suppress(debian_packages.NotUnpackedError):
        folder = debian_packages.unpacked(SHELL, SHELL_PACKAGES)
        unpacked = folder / "usr" / "lib" / "chromium" / SHELL
        # It needs the libraries of Debian's Chromium, which another Chromium may not have brought.
        if subprocess.run([unpacked, "--version"], capture_output=True, check=False).returncode == 0:
            return unpacked
    return CHROMIUM


@contextlib.contextmanager
def chromium_browser():
    """Run a browser without windows.

    Close it before tests of other modules run: while it is open, playwright keeps an event loop running.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=["--no-sandbox"])
        yield browser
        browser.close()
