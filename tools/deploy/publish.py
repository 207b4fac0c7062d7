"""Tagging what went to production: `<service>-v<semver>`, with release notes."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator

from tools.build.versions import tag_of, version_of


class PublishError(RuntimeError):
    """The release could not be made."""


def release(service: str) -> Iterator[str]:
    """Make the GitHub release of the present version, unless it exists; `gh` tags the commit.

    Raises `PublishError`.
    """
    if shutil.which("gh") is None:
        raise PublishError("`gh` is not installed: see https://cli.github.com")
    tag = tag_of(service)
    if _gh("release", "view", tag).returncode == 0:
        yield f"{tag} exists already: raise the version of {service} to release again"
        return
    title = f"{service} {version_of(service)}"
    commit = os.environ.get("GITHUB_SHA")
    target = ["--target", commit] if commit else []
    made = _gh("release", "create", tag, "--title", title, "--generate-notes", *target)
    if made.returncode:
        raise PublishError(f"{tag}: {made.stderr.strip()}")
    yield f"{tag} is released: {made.stdout.strip()}"


def _gh(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["gh", *arguments], capture_output=True, text=True, check=False)
