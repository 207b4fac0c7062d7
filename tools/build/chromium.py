"""A Chromium for the tests of the pages: `python -m tools.build.chromium` finds or installs one.

The first that runs: `CHROMIUM`; Debian's or Chrome, by their names on the path; the one of npm's
`@sparticuz/chromium`, locked by hash (Linux on x64); the one that Playwright downloads. Its path is
then in `.local/chromium/path`.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.build import node
from tools.paths import HOME, ROOT, shown, venv_python

INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FOLDER = HOME / "chromium"
BROWSER = ROOT / "tests" / "browser"
PACKAGE = BROWSER / "chromium"
START_SECONDS = 60
# It unpacks into TMPDIR, and its libraries (of Amazon Linux) only where it takes itself to be in a
# Lambda of this runtime: https://github.com/Sparticuz/chromium
UNPACK = "import('@sparticuz/chromium').then(package => package.default.executablePath())"
RUNTIME = {"AWS_LAMBDA_JS_RUNTIME": "nodejs22.x"}
WHERE = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""
SHOW = """
import sys
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    arguments = ["--no-sandbox", "--disable-gpu"]
    browser = playwright.chromium.launch(executable_path=sys.argv[1], args=arguments)
    page = browser.new_page()
    page.set_content("<title>shown</title>")
    page.screenshot()
    print(page.title())
    browser.close()
"""
WITH_LIBRARIES = """#!/bin/sh
here=$(dirname "$0")
[ -e /etc/fonts/fonts.conf ] || export FONTCONFIG_PATH="$here/fonts"
LD_LIBRARY_PATH="$here/al2023/lib" exec "$here/chromium" "$@"
"""


class ChromiumError(Exception):
    """There is no Chromium; the message names the remedy."""


def chromium(folder: Path = FOLDER) -> Path:
    """The path of one that runs. Raises `ChromiumError`."""
    named = os.environ.get("CHROMIUM")
    if named:
        if runs(Path(named)):
            return Path(named)
        raise ChromiumError(f"CHROMIUM={named} does not run: name another, or unset CHROMIUM")
    for path in _candidates(folder):
        if runs(path):
            return path
    raise ChromiumError(
        "no Chromium runs here, and none could be installed: `apt-get install chromium`, or "
        "CHROMIUM=<its path>"
    )


def runs(path: Path) -> bool:
    """Whether Playwright, which the tests use, can show a page in it."""
    command = [str(venv_python(BROWSER)), "-c", SHOW, str(path)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=START_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.strip() == b"shown"


def _candidates(folder: Path) -> Iterator[Path]:
    """What may run; nothing is installed before the ones ahead of it were tried."""
    yield from (Path(path) for name in INSTALLED if (path := shutil.which(name)))
    if (platform.system(), platform.machine()) == ("Linux", "x86_64"):
        # no network, or no Node
        with contextlib.suppress(OSError, subprocess.CalledProcessError, node.NodeError):
            yield from _of_npm(folder)
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        yield _of_playwright(folder / "playwright")


def _of_npm(folder: Path) -> Iterator[Path]:
    """Alone, then with the libraries that it brings, for a machine that lacks them."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "unpacked").exists():
        (folder / "chromium").unlink(missing_ok=True)  # of an attempt that was cut off
        node.install(PACKAGE, quiet=True)
        environment = {**os.environ, **RUNTIME, "TMPDIR": str(folder)}
        command = [str(node.node()), "--eval", UNPACK]
        subprocess.run(command, cwd=PACKAGE, env=environment, capture_output=True, check=True)
        (folder / "unpacked").touch()
    yield folder / "chromium"
    wrapper = folder / "with-libraries"
    wrapper.write_text(WITH_LIBRARIES, "utf-8")
    wrapper.chmod(0o755)
    yield wrapper


def _of_playwright(folder: Path) -> Path:
    python = venv_python(BROWSER)
    environment = {**os.environ, "PLAYWRIGHT_BROWSERS_PATH": str(folder)}
    install = [str(python), "-m", "playwright", "install", "chromium"]
    subprocess.run(install, env=environment, capture_output=True, check=True)
    ask = [str(python), "-c", WHERE]
    said = subprocess.run(ask, env=environment, capture_output=True, text=True, check=True).stdout
    return Path(said.strip())


def main() -> None:
    """Find one and keep its path; one line when there is none."""
    try:
        path = chromium()
    except ChromiumError as error:
        sys.exit(f"error: {error}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "path").write_text(f"{path}\n", "utf-8")
    print(f"the tests use {shown(path)}")


if __name__ == "__main__":
    main()
