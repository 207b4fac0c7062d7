"""Unanswered questions in ten languages, grouped by their words alone."""

from __future__ import annotations

import csv
from collections import defaultdict
from hashlib import sha256
from itertools import combinations
from pathlib import Path

import pytest

from cv_reporter.domain.findings import clusters
from cv_reporter.domain.tally import TEXT, GroupKey, GroupTally
from cv_reporter.domain.words import normalised, similarity, tokens

LABELLED = Path(__file__).parents[1] / "data" / "unanswered_questions.tsv"
LEAST_PRECISION = 0.95
LEAST_RECALL = 0.65
LEAST_RECALL_OF_HALF = 0.6
SUBJECTS = {
    "en": ("chess", "sailing", "cooking"),
    "de": ("Schach", "Segeln", "Kochen"),
    "fr": ("échecs", "voile", "cuisine"),
    "es": ("ajedrez", "vela", "cocina"),
    "pl": ("szachach", "żeglowaniu", "gotowaniu"),
    "ru": ("шахматах", "плавании", "кулинарии"),
    "ar": ("الشطرنج", "الإبحار", "الطبخ"),
    "zh": ("象棋", "帆船", "烹饪"),
    "ja": ("チェス", "ヨット", "料理"),
    "th": ("หมากรุก", "เรือใบ", "ทำอาหาร"),
}
PHRASES = {
    "en": ("Do you have experience with {}?", "What do you know about {}?"),
    "de": ("Haben Sie Erfahrung mit {}?", "Was wissen Sie über {}?"),
    "fr": ("Avez-vous de l'expérience en {} ?", "Que savez-vous sur {} ?"),
    "es": ("¿Tienes experiencia en {}?", "¿Qué sabes de {}?"),
    "pl": ("Czy masz doświadczenie w {}?", "Co wiesz o {}?"),
    "ru": ("У вас есть опыт в {}?", "Что вы знаете о {}?"),
    "ar": ("هل لديك خبرة في {}؟", "ماذا تعرف عن {}؟"),
    "zh": ("你有{}经验吗？", "你了解{}吗？"),
    "ja": ("{}の経験はありますか？", "{}について知っていますか？"),
    "th": ("คุณเคย{}ไหม", "คุณมีประสบการณ์{}ไหม"),
}


def labelled() -> dict[str, tuple[str, str]]:
    with LABELLED.open(encoding="utf-8") as file:
        read = csv.DictReader(file, delimiter="\t")
        return {row["question"]: (row["language"], row["topic"]) for row in read}


def grouped(questions: list[str]) -> list[set[str]]:
    keys = {GroupKey(TEXT, normalised(question)): question for question in questions}
    found = clusters({key: GroupTally(1, 1) for key in keys})
    return [{keys[key] for key in members} for members in found]


def pairs(groups: list[set[str]]) -> set[frozenset[str]]:
    return {frozenset(pair) for group in groups for pair in combinations(sorted(group), 2)}


def quality(topics: dict[str, tuple[str, str]]) -> tuple[float, float]:
    """Precision and recall over pairs of questions.

    A pair in one group is right if both are about one topic: the same line of a CV answers them,
    whatever their languages. Wanted are the pairs of one language, for a word has no translation.
    """
    by_topic: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for question, topic in topics.items():
        by_topic[topic].add(question)
    wanted, found = pairs(list(by_topic.values())), pairs(grouped(list(topics)))
    right = [pair for pair in found if len({topics[question][1] for question in pair}) == 1]
    return len(right) / max(1, len(found)), len(wanted & found) / len(wanted)


def test_groups_of_labelled_questions_are_mostly_right_and_mostly_whole() -> None:
    topics = labelled()
    assert len(topics) >= 120
    languages = sorted({language for language, _ in topics.values()})
    assert len(languages) == 10
    for language in languages:
        precision, recall = quality({q: t for q, t in topics.items() if t[0] == language})
        print(f"{language}: precision {precision:.2f}, recall {recall:.2f}")  # noqa: T201
    halves = [{q: t for q, t in topics.items() if half(q) == n} for n in (0, 1)]
    least = (LEAST_RECALL, LEAST_RECALL_OF_HALF, LEAST_RECALL_OF_HALF)
    for questions, least_recall in zip((topics, *halves), least, strict=True):
        precision, recall = quality(questions)
        print(f"of {len(questions)}: precision {precision:.2f}, recall {recall:.2f}")  # noqa: T201
        assert precision >= LEAST_PRECISION
        assert recall >= least_recall


def half(question: str) -> int:
    """The half that a question belongs to: a rule that suits a few questions shows in one half."""
    return sha256(question.encode()).digest()[-1] % 2


@pytest.mark.parametrize("language", SUBJECTS)
def test_questions_asked_alike_about_different_subjects_stay_apart(language: str) -> None:
    subjects, phrases = SUBJECTS[language], PHRASES[language]
    asked = {phrase.format(subject): subject for subject in subjects for phrase in phrases}
    assert all(len({asked[q] for q in group}) == 1 for group in grouped(list(asked)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("你有专利吗？", "你有专利吗"),
        ("特許を持っていますか？", "特許を持っていますか"),
        ("Haben Sie ein Patent?", "HABEN SIE EIN PATENT"),
        ("Café?", "Cafe\u0301?"),
        ("Ｄｏｃｋｅｒ?", "docker"),
    ],
)
def test_the_same_question_has_the_same_words(one: str, other: str) -> None:
    assert tokens(one) == tokens(other) != frozenset()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Haben Sie ein Patent?", "Haben Sie ein Auto?"),
        ("Avez-vous un brevet ?", "Avez-vous une voiture ?"),
        ("¿Tienes una patente?", "¿Tienes un coche?"),
        ("Do you have a patent?", "Do you have a car?"),
    ],
)
def test_what_only_shares_common_words_of_its_language_is_unlike(one: str, other: str) -> None:
    assert similarity(tokens(one), tokens(other)) == 0


def test_stop_words_of_one_language_are_words_in_another() -> None:
    assert "die" in tokens("How often did the servers die?")
    assert "die" not in tokens("Haben Sie die Server betrieben, die ausfielen?")
