"""How often a secret stays and how often another word goes, over the labelled corpus."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from cv_processor.domain.redaction import redact

CORPUS = Path(__file__).parent.parent / "data" / "redaction-corpus.txt"
MAX_LEAKS = 0.02
MAX_FALSE_REDACTIONS = 0.03

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


SENTENCES = [sentence(line) for line in CORPUS.read_text("utf-8").splitlines()]


def left(text: str) -> frozenset[str]:
    """The words of a text after redaction."""
    return frozenset(_WORD.findall(_PLACEHOLDER.sub(" ", redact(text))))


def test_the_corpus_has_at_least_400_sentences() -> None:
    assert len({each.text for each in SENTENCES}) >= 400


def test_leaks_and_false_redactions_are_few(capsys: pytest.CaptureFixture[str]) -> None:
    secret = [each for each in SENTENCES if each.secret]
    leaks = [each for each in secret if each.secret & left(each.text)]
    false = [each for each in SENTENCES if each.harmless - left(each.text)]
    with capsys.disabled():
        print(  # noqa: T201 - the figures are what one runs this for
            f"\nredaction: {len(leaks)} leaks of {len(secret)} sentences, "
            f"{len(false)} false redactions of {len(SENTENCES)}"
        )
    assert len(leaks) <= MAX_LEAKS * len(secret), [each.text for each in leaks]
    assert len(false) <= MAX_FALSE_REDACTIONS * len(SENTENCES), [each.text for each in false]
