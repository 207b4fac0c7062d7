"""What the tagged releases contain: the tag `contracts-v<version>` is the last word on a release.

`releases/<version>.json` stands beside the files that it vouches for, so one commit could change
both. A tag can't be changed by a commit.

>>> tag_of("1.0.0")
'contracts-v1.0.0'
"""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from cv_contracts_checker.golden import digest

Tree = Mapping[str, str]
"""The digest of each published file, by its path from the contracts' folder."""
TreeReader = Callable[[str], "Tree | None"]
"""The tree at a tag; None if there is no such tag."""


def tag_of(version: str) -> str:
    """The tag of a release."""
    return f"contracts-v{version}"


def tagged(versions: Iterable[str], read: TreeReader) -> dict[str, Tree]:
    """The trees of those versions that have a tag."""
    trees = {version: read(tag_of(version)) for version in versions}
    return {version: tree for version, tree in trees.items() if tree is not None}


def git_reader(root: Path) -> TreeReader:
    """Reads the trees of the repository that `root` lies in; without one, or git, no tag exists."""

    def read(tag: str) -> Tree | None:
        known = _git(root, "rev-parse", "--verify", "--quiet", f"refs/tags/{tag}")
        if known is None:
            return None
        return _digests(_git(root, "archive", tag) or b"")

    return read


def _git(root: Path, *arguments: str) -> bytes | None:
    """What git prints; None if it fails. Run in a folder, `archive` takes that folder alone."""
    try:
        done = subprocess.run(  # noqa: S603 (git, with a tag of our own making)
            ["git", *arguments],  # noqa: S607 (whichever git the user has)
            cwd=root,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None


def _digests(archive: bytes) -> Tree:
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        return {
            member.name: digest(content.read())
            for member in files
            if (content := files.extractfile(member)) is not None
        }
