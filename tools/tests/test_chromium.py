"""Which Chromium the tests use: each way to one, and the line when there is none."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tools.build import chromium as finder
from tools.build import node

if TYPE_CHECKING:
    from collections.abc import Callable

SHOWS_A_PAGE = "#!/bin/sh\necho '<html></html>'\n"
DOES_NOT_START = "#!/bin/sh\necho 'error while loading shared libraries' >&2; exit 127\n"


def starts(path: Path) -> bool:
    """In place of Playwright, which would not show a page in these programs."""
    return b"<html>" in subprocess.run([path], capture_output=True, check=False).stdout


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Makes a program; `on-path/` is the path, and the shell's own programs."""
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "on-path"))
    monkeypatch.setattr(finder, "runs", starts)

    def made(name: str, text: str = SHOWS_A_PAGE) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    return made


@pytest.fixture
def installers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What npm and Playwright install: a path, or the error that they end with."""
    installed: dict[str, object] = {"npm": OSError("no network"), "playwright": OSError("none")}

    def result(name: str) -> Path:
        outcome = installed[name]
        if isinstance(outcome, Exception):
            raise outcome
        return Path(str(outcome))

    monkeypatch.setattr(finder, "_of_npm", lambda _: [result("npm")])
    monkeypatch.setattr(finder, "_of_playwright", lambda _: result("playwright"))
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    return installed


def test_the_named_one_comes_first(
    program: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program("on-path/chromium")
    monkeypatch.setenv("CHROMIUM", str(program("named")))
    assert finder.chromium(tmp_path) == tmp_path / "named"


def test_a_named_one_that_does_not_run_is_an_error(
    program: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program("on-path/chromium")
    monkeypatch.setenv("CHROMIUM", str(program("named", DOES_NOT_START)))
    with pytest.raises(finder.ChromiumError, match=r"named does not run: .* unset CHROMIUM"):
        finder.chromium(tmp_path)


@pytest.mark.parametrize("name", finder.INSTALLED)
def test_one_that_is_installed(name: str, program: Callable[..., Path], tmp_path: Path) -> None:
    path = program(f"on-path/{name}")
    assert finder.chromium(tmp_path) == path


def test_one_that_is_broken_is_passed_over(program: Callable[..., Path], tmp_path: Path) -> None:
    program("on-path/chromium", DOES_NOT_START)
    chrome = program("on-path/google-chrome")
    assert finder.chromium(tmp_path) == chrome


def test_without_one_npm_brings_it(
    program: Callable[..., Path], installers: dict[str, object], tmp_path: Path
) -> None:
    installers["npm"] = program("npm")
    assert finder.chromium(tmp_path) == tmp_path / "npm"


@pytest.mark.parametrize(
    "failure",
    [OSError(), subprocess.CalledProcessError(1, "npm"), node.NodeError("none")],
    ids=lambda failure: type(failure).__name__,
)
def test_without_npm_playwright_brings_it(
    failure: Exception,
    program: Callable[..., Path],
    installers: dict[str, object],
    tmp_path: Path,
) -> None:
    installers |= {"npm": failure, "playwright": program("playwright")}
    assert finder.chromium(tmp_path) == tmp_path / "playwright"


def test_npms_is_for_linux_on_x64(
    program: Callable[..., Path],
    installers: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    installers |= {"npm": program("npm"), "playwright": program("playwright")}
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert finder.chromium(tmp_path) == tmp_path / "playwright"


def test_without_any_there_is_one_line(
    program: Callable[..., Path], installers: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit) as ended:
        finder.main()
    line = str(ended.value)
    assert line.startswith("error: no Chromium runs here")
    assert "`apt-get install chromium`" in line
    assert "\n" not in line


def test_npms_gets_its_libraries_where_the_machine_lacks_them(
    program: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    needs = '#!/bin/sh\n[ "$LD_LIBRARY_PATH" ] && echo "<html></html>"\n'
    program("chromium", needs)
    (tmp_path / "unpacked").touch()
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    monkeypatch.setattr(finder, "INSTALLED", ())
    assert finder.chromium(tmp_path) == tmp_path / "with-libraries"


def test_what_was_found_is_kept(
    program: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(finder, "FOLDER", tmp_path / "kept")
    path = program("on-path/chromium")
    finder.main()
    assert (tmp_path / "kept" / "path").read_text() == f"{path}\n"


def test_what_is_no_browser_does_not_run(tmp_path: Path) -> None:
    path = tmp_path / "no-browser"
    path.write_text(SHOWS_A_PAGE)
    path.chmod(0o755)
    assert not finder.runs(path)
