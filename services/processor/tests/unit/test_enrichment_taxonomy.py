"""The data files themselves, and the tools that look after them."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from cv_processor.application.taxonomy_report import UnknownWord, unknown_words
from cv_processor.data import intents_document, skills_document, word_list
from cv_processor.domain.enrichment import default_taxonomy
from cv_processor.domain.taxonomy import Taxonomy
from cv_processor.domain.taxonomy_lint import lint
from cv_processor.entrypoints.cli import main

Document = dict[str, Any]
DATA = Path(__file__).parent.parent / "data"


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run_command(*arguments: str) -> tuple[int, str]:
        return main(["taxonomy", *arguments]), capsys.readouterr().out

    return run_command


def test_the_shipped_taxonomy_is_clean_and_large_enough(run: Run) -> None:
    code, text = run("lint")
    assert (code, text.splitlines()[-1].endswith("0 problems")) == (0, True), text
    assert len(default_taxonomy().skills) >= 250
    assert len(default_taxonomy().intents) >= 12


def test_every_skill_has_a_category_and_its_own_name_among_its_words() -> None:
    taxonomy = default_taxonomy()
    for entry in taxonomy.skills.values():
        assert entry.category
        assert entry.aliases


MISTAKES: list[tuple[str, Callable[[Document, Document], object]]] = [
    ("skill 'Python' is defined 2 times", lambda s, i: s["skills"].append(_named(s, "Python"))),
    (
        "alias 'K8s' stands twice: 'Kubernetes' and 'Docker'",
        lambda s, i: _named(s, "Docker")["aliases"].append("K8s"),
    ),
    (
        "alias 'python' stands twice: 'Python' and 'Ruby'",
        lambda s, i: _named(s, "Ruby")["aliases"].append("python"),
    ),
    (
        "alias 'Table' of 'Ruby' is ambiguous and has no rule",
        lambda s, i: _named(s, "Ruby")["aliases"].append("Table"),
    ),
    (
        "alias 'X' of 'Ruby' is ambiguous and has no rule",
        lambda s, i: _named(s, "Ruby")["aliases"].append("X"),
    ),
    ("alias 'Go' of 'Go' is ambiguous and has no rule", lambda s, i: s["rules"].pop("go")),
    ("rule 'nothing' belongs to no alias", lambda s, i: s["rules"].update(nothing={})),
    (
        "rule 'go' says 'out-of', which no question can have",
        lambda s, i: s["rules"]["go"].update(near="out-of"),
    ),
    (
        "skill 'Helm' rolls up to 'Nowhere', which does not exist",
        lambda s, i: _named(s, "Helm").update(parent="Nowhere"),
    ),
    (
        "skill 'Helm' rolls up to 'AWS', an umbrella, and would be lost",
        lambda s, i: _named(s, "Helm").update(parent="AWS"),
    ),
    (
        "skill 'Kubernetes' rolls up in a circle",
        lambda s, i: _named(s, "Kubernetes").update(parent="Helm"),
    ),
    ("skill 'Ruby' has no alias", lambda s, i: _named(s, "Ruby")["aliases"].clear()),
    (
        "intent 'skills' is defined 2 times",
        lambda s, i: i["intents"].append({"name": "skills", "phrases": []}),
    ),
    (
        "intent 'skills' yields to 'nobody', which does not exist",
        lambda s, i: i["intents"][1].update(yields_to=["nobody"]),
    ),
    (
        "intent 'skills': '(a|)' would stand everywhere",
        lambda s, i: i["intents"][1]["phrases"].append("(a|)"),
    ),
    (
        "intent 'skills': \"what's it\" has an apostrophe or hyphen, which questions lose",
        lambda s, i: i["intents"][1]["phrases"].append("what's it"),
    ),
    (
        "intent 'skills': '(a|b c' needs small letters without accents, and closed brackets",
        lambda s, i: i["intents"][1]["phrases"].append("(a|b c"),
    ),
]


def _named(skills: Document, name: str) -> Document:
    entries: list[Document] = skills["skills"]
    return next(entry for entry in entries if entry["name"] == name)


@pytest.mark.parametrize(("complaint", "spoil"), MISTAKES, ids=[each for each, _ in MISTAKES])
def test_the_lint_finds_each_kind_of_mistake(
    complaint: str, spoil: Callable[[Document, Document], object]
) -> None:
    skills, intents = deepcopy(skills_document()), deepcopy(intents_document())
    spoil(skills, intents)
    assert complaint in lint(skills, intents, word_list("everyday-words"))


def test_a_taxonomy_of_ones_own_needs_no_file() -> None:
    taxonomy = Taxonomy.from_documents(
        {
            "cues": {},
            "rules": {},
            "skills": [{"name": "Weaving", "category": "Craft", "aliases": ["loom(s)"]}],
        },
        {"intents": [{"name": "price", "declined": True, "phrases": ["how (much|many) * cost"]}]},
    )
    assert taxonomy.declined_intents == {"price"}
    assert taxonomy.root(taxonomy.skills["Weaving"]).name == "Weaving"


def test_unknown_words_are_those_of_several_sessions() -> None:
    asked = [
        ("s1", "Do you know Zorblax?"),
        ("s1", "zorblax, really?"),
        ("s2", "Any ZORBLAX or Python, or quuxly?"),
        ("s3", "I'm [name], do you go to Kubernetes talks?"),
        ("s4", "I'm [name], do you go to Kubernetes talks?"),
    ]
    found = unknown_words(asked, default_taxonomy(), word_list("everyday-words"))
    assert found == [UnknownWord("zorblax", sessions=2, questions=3)]


def test_the_report_of_unknown_words_reads_events_and_correlations(
    tmp_path: Path, run: Run
) -> None:
    file = tmp_path / "asked.jsonl"
    file.write_text(
        '{"eventType": "query", "sessionId": "a", "query": "Zorblax?"}\n'
        '{"eventType": "response", "matchScore": 3}\n\n'
        '{"items": [{"sessionId": "b", "question": "and zorblax"}]}\n'
    )
    assert run("unknown", str(file)) == (
        1,
        "zorblax  2 sessions  2 questions\n1 unknown words asked in at least 2 sessions\n",
    )


def test_an_unreadable_file_ends_with_exit_code_2(tmp_path: Path, run: Run) -> None:
    file = tmp_path / "broken.jsonl"
    file.write_text("no json")
    for command in ("unknown", "evaluate"):
        code, text = run(command, str(file))
        assert (code, "cannot be read" in text) == (2, True)
        assert run(command, str(tmp_path / "absent"))[0] == 2


def test_the_evaluation_prints_precision_and_recall_by_part_or_language(
    tmp_path: Path, run: Run
) -> None:
    code, text = run("evaluate", str(DATA / "labelled-questions.jsonl"))
    assert (code, text.count("precision")) == (0, 4)
    code, text = run("evaluate", str(DATA / "held-out-questions.jsonl"))
    assert (code, text.count("precision")) == (0, 16)
    row = {"part": "tune", "text": "Python?", "skills": ["Ruby"], "intents": ["skills"]}
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text(json.dumps(row))
    assert (
        "Python? | extra ['Python'] | missed ['Ruby']" in run("evaluate", str(wrong), "--misses")[1]
    )


def test_the_commands_explain_themselves(run: Run) -> None:
    code, text = run("--help")
    assert code == 0
    assert all(command in text for command in ("lint", "unknown", "evaluate"))
