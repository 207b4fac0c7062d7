"""How often a secret stays and how often another word goes, over the labelled corpus."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from cv_processor.domain.redaction import redact

DATA = Path(__file__).parent.parent / "data"
CORPORA = {"redaction-corpus": (0.02, 0.03), "redaction-corpus-2": (0.02, 0.05)}
"""With the bounds of the rates of leaks and of false redactions."""

_MARKED = re.compile(r"\{([^}]*)\}")
_PLACEHOLDER = re.compile(r"\[(?:name|phone|email|ip|url-token)\]")
_WORD = re.compile(r"\w{2,}")


class Sentence(NamedTuple):
    """A sentence with the words that must leave and the words that must stay."""

    text: str
    secret: frozenset[str]
    harmless: frozenset[str]


def sentence(line: str) -> Sentence:
    written = line.replace("\\n", "\n").replace("\\r", "\r")
    secret = frozenset(_WORD.findall(" ".join(_MARKED.findall(written))))
    harmless = frozenset(_WORD.findall(_MARKED.sub(" ", written)))
    return Sentence(_MARKED.sub(r"\1", written), secret - harmless, harmless - secret)


def sentences(corpus: str) -> list[Sentence]:
    return [sentence(line) for line in (DATA / f"{corpus}.txt").read_text("utf-8").splitlines()]


def left(text: str) -> frozenset[str]:
    """The words of a text after redaction."""
    return frozenset(_WORD.findall(_PLACEHOLDER.sub(" ", redact(text))))


def test_the_corpora_have_more_than_400_sentences() -> None:
    assert len({one.text for corpus in CORPORA for one in sentences(corpus)}) >= 490


@pytest.mark.parametrize(("corpus", "bounds"), CORPORA.items())
def test_leaks_and_false_redactions_are_few(
    corpus: str, bounds: tuple[float, float], capsys: pytest.CaptureFixture[str]
) -> None:
    written = sentences(corpus)
    secret = [one for one in written if one.secret]
    leaks = [one for one in secret if one.secret & left(one.text)]
    false = [one for one in written if one.harmless - left(one.text)]
    with capsys.disabled():
        print(  # noqa: T201 - the figures are what one runs this for
            f"\n{corpus}: {len(leaks)} leaks of {len(secret)} sentences, "
            f"{len(false)} false redactions of {len(written)}"
        )
    assert len(leaks) <= bounds[0] * len(secret), [one.text for one in leaks]
    assert len(false) <= bounds[1] * len(written), [one.text for one in false]
