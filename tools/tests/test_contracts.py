from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from tools.build.contracts import newest_release, unreleased_changes

if TYPE_CHECKING:
    from pathlib import Path


def release(folder: Path, version: str, **modules: str) -> Path:
    path = folder / f"cv_contracts-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in modules.items():
            wheel.writestr(f"cv_contracts/{name}.py", text)
        wheel.writestr(f"cv_contracts-{version}.dist-info/METADATA", "")
    return path


def test_the_newest_release_is_the_one_of_the_highest_version(tmp_path: Path) -> None:
    release(tmp_path, "1.9.0")
    newest = release(tmp_path, "1.10.0")
    assert newest_release(tmp_path) == newest


def test_without_a_release_it_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no released wheel"):
        newest_release(tmp_path)


def test_changed_new_and_missing_modules_are_unreleased(tmp_path: Path) -> None:
    release(tmp_path, "1.0.0", same="a", changed="a", gone="a")
    source = tmp_path / "cv_contracts"
    (source / "__pycache__").mkdir(parents=True)
    for name, text in {"same": "a", "changed": "b", "new": "a", "__pycache__/x": ""}.items():
        (source / f"{name}.py").write_text(text)
    assert unreleased_changes(source, tmp_path) == ["changed.py", "gone.py", "new.py"]
