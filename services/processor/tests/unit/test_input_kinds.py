"""Kinds of input on which redaction or enrichment once failed: reported cases, and more of a kind.

`tests/data/input-kinds.jsonl` has the reported cases: `class`, `text`, and what is expected of
them. `R` are classes of redaction, `T` of the taxonomy.
"""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cv_processor.domain.enrichment import default_taxonomy, enrich
from cv_processor.domain.redaction import redact

DATA = Path(__file__).parent.parent / "data" / "input-kinds.jsonl"
CASES = [json.loads(line) for line in DATA.read_text("utf-8").splitlines()]
BEFORE = ["", "Hello.\n", "Two things, please.\n", "¿Qué tal?\n", "Guten Tag!\r\n"]
AFTER = ["", "\nThat is all.", "\n\nBye.", "\r\nMerci."]


def understood(text: str) -> set[str]:
    return {skill.name for skill in enrich(text).skills}


@pytest.mark.parametrize("case", CASES, ids=[f"{case['class']}-{case['text']}" for case in CASES])
def test_reported_inputs_are_redacted_and_understood(case: dict[str, Any]) -> None:
    assert redact(case["text"]) == case.get("redacted", redact(case["text"]))
    if "skills" in case:
        assert understood(redact(case["text"])) == set(case["skills"])
    assert set(case.get("intents", ())) <= set(enrich(case["text"]).intents)


@given(st.sampled_from(CASES), st.sampled_from(BEFORE), st.sampled_from(AFTER))
def test_lines_around_a_reported_input_change_nothing(
    case: dict[str, Any], before: str, after: str
) -> None:
    if "redacted" in case:
        assert redact(before + case["text"] + after) == before + case["redacted"] + after
    if "skills" in case:
        assert understood(before + case["text"] + after) == set(case["skills"])


def frames(texts: list[str], *values: list[str]) -> list[tuple[str, ...]]:
    """Each text with each combination of the values."""
    return [(text, *combination) for text in texts for combination in product(*values)]


# --- redaction ----------------------------------------------------------------------------------

NUMBERS = ["07700 900456", "+44 7700 900456", "(020) 7946 0321", "212-555-0147", "0171 7654321"]
NAMES = ["Wilma Testfrau", "Otto Beispiel", "Zoë Demo", "Ole van Muster"]
REDACTED: dict[str, list[tuple[str, ...]]] = {
    "R1": frames(
        ["{} 8:00-17:00", "{} 8am", "{} until 6pm", "room 12, {}", "{} (9-5)", "2024, {}"], NUMBERS
    ),
    "R2": frames(
        ["{}", "call {}", "{} please", "my number: {}", "{}, ext. office", "office {}"],
        ["+44 20 7946 0000", "+1 415 555 0000", "+49 30 5550000", "+33 1 99 00 00 00"],
    ),
    "R3": frames(
        ["{}", "so: {}", "{} thanks", "write to {}", "here {} !"],
        ["wilma＠mail.example", "wilma@\u200bmail.example", "wilma\u00ad@mail.example"],
    )
    + frames(
        ["{}", "so: {}", "call {} now"],
        [
            "０７７００ ９００４５６",
            "+44\u202f7700\u202f900456",
            "+1 212·555·0147",
            "＋447700900456",
        ],
    ),
    "R4": frames(
        ["I'm {} — recruiter", "I'm {} 👋", "I'm {}… any Go?", "I'm {} | Acme", "My name is: {}"],
        NAMES,
    ),
    "R5": frames(
        [
            "Best,\n{}",
            "Thanks,\n{}",
            "Regards,\n{}, Acme",
            "Cordialement,\n{}",
            "Saludos,\n{}",
            "Viele Grüße\n{}",
            "Cordiali saluti,\n{}",
            "Atenciosamente,\n{}",
            "Met groet,\n{}",
        ],
        NAMES,
    ),
    "R7": frames(
        ["{}", "mail me: {}", "{} please", "it is {}, thanks", "or {}"],
        [
            "wilma at gmail.com",
            "wilma(a)mail.example",
            "wilma arroba mail.es",
            "wilma dot t at mail dot com",
            "wilma [at] mail [dot] com",
        ],
    ),
    "R8": frames(
        ["{}", "see {}", "{} is me", "me: {}", "here {} !"],
        [
            "linkedin.com/in/wilma-testfrau-1a2b",
            "https://wa.me/447700900456",
            "https://t.me/wilmatest",
            "https://calendly.com/wilma-testfrau",
            "x.com/wilmatest",
        ],
    ),
}


@pytest.mark.parametrize(
    ("kind", "text"),
    [(kind, frame[0].format(*frame[1:])) for kind, many in REDACTED.items() for frame in many],
)
def test_more_secrets_of_a_kind_leave(kind: str, text: str) -> None:
    words = ("900456", "7946", "555", "7654321", "00 00", "Wilma", "wilma", "Otto", "Zoë", "Muster")
    kept = redact(text)
    assert "[" in kept, kind
    assert not [word for word in words if word in kept], kept


@pytest.mark.parametrize("kind", sorted(REDACTED))
def test_a_class_of_redaction_has_20_further_inputs(kind: str) -> None:
    assert len(set(REDACTED[kind])) >= 20


@pytest.mark.parametrize(
    "text",
    [
        *("Do you know MS Project?", "MS SQL Server 2019?", "MS Teams bots", "An MS in Physics?"),
        *("DR tests twice a year", "HA/DR setup", "vue@3.4.21", "lodash@4.17.21 and next@14"),
        *("@types/node?", "Between 52000-61500 EUR?", "80000-95000 GBP", "45.500-52.750 EUR"),
        *("ISO 27001, ISO 9001", "CVE-2021-44228", "RFC 9110", "ports 8000-8999", "10:30-11:45"),
        *("2019-2024", "v10.15.7", "99.999 % uptime", "work at booking.com?", "24/7 on call"),
        *("Angular 12 13 14 15", "Is 1,000,000 rows much?", "What does Dr mean?"),
    ],
)
def test_technical_terms_stay(text: str) -> None:
    assert redact(text) == text


# --- skills -------------------------------------------------------------------------------------

PLAIN = ["Python", "Java", "React", "Azure", "Go", "Rust", "Kotlin", "Swift", "Docker"]


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize(
    "frame",
    [
        *("Any {}-experience?", "Are you a {}-developer?", "Haben Sie {}-Erfahrung?"),
        *("{}-Entwickler?", "{}-based services?", "a {}-ontwikkelaar?"),
    ],
)
def test_a_hyphen_behind_a_name_does_not_hide_it(name: str, frame: str) -> None:
    assert name in understood(frame.format(name))


@pytest.mark.parametrize(
    "text",
    [
        *("a go-to person", "our go-between", "the C-level", "C-suite", "a stop-go policy"),
        *("go-karting?", "an R-rated joke", "a go-getter", "go-live on Monday", "C-section"),
    ],
)
def test_a_hyphen_makes_no_skill_of_an_everyday_word(text: str) -> None:
    assert understood(text) == set()


@pytest.mark.parametrize("joint", ["\n", "\n- ", "\n* ", "\n• ", " | ", "; ", ", ", " / "])
@pytest.mark.parametrize("order", [PLAIN, PLAIN[::-1], PLAIN[3:7]])
def test_a_pasted_list_names_all_its_items(joint: str, order: list[str]) -> None:
    assert understood("Must have:" + joint + joint.join(order)) == set(order)


@pytest.mark.parametrize("name", ["Python", "AWS", "Kafka", "Docker", "Kubernetes"])
@pytest.mark.parametrize(
    "frame",
    [
        *("你会{}吗", "{}の経験はありますか", "{}로 개발", "คุณใช้{}ได้ไหม", "{}'da deneyim"),
        *("{}'yi biliyor musun", "l'{} ?", "d'{} ?", "nell'{}?", "dell'{}"),
    ],
)
def test_a_name_is_known_beside_another_script_and_behind_an_elision(name: str, frame: str) -> None:
    assert understood(frame.format(name)) == {name}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *((f"{word}{version}?", name) for word, name in [("Node.js", "Node.js"), (".NET", ".NET")]
          for version in ("8", "16", "20", "22")),
        *((f"{word}{version}?", name) for word, name in [("Vue", "Vue"), ("React", "React"),
          ("Angular", "Angular"), ("Spring Boot", "Spring"), ("PHP", "PHP")]
          for version in ("2", "3", "17")),
        *(("Go1.21?", "Go"), ("ES2021?", "JavaScript"), ("ASP.NET6", ".NET"), ("C++17?", "C++")),
    ],
)  # fmt: skip
def test_a_version_may_be_attached_to_a_name(text: str, name: str) -> None:
    assert understood(text) == {name}


LONG = sorted(
    (keys[0], taxonomy.root(alias.entry).name)
    for taxonomy in [default_taxonomy()]
    for keys, alias in taxonomy.index.aliases.items()
    if len(keys) == 1 and alias.rule is None and len(keys[0]) > 8 and keys[0].isalpha()
)


@given(st.sampled_from(LONG), st.integers(2, 6))
def test_letters_that_changed_places_inside_a_long_name_do_not_hide_it(
    named: tuple[str, str], at: int
) -> None:
    word, name = named
    slip = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    assert understood(f"Do you know {slip}?") in ({name}, {name} | understood(slip))


@pytest.mark.parametrize("first", ["Katie", "Scott", "Amina", "Olu", "Pavel"])
@pytest.mark.parametrize(
    "frame", ["{} Jenkins will join", "I spoke to {} Jenkins", "ask {} Jenkins"]
)
def test_jenkins_is_no_skill_behind_a_first_name(first: str, frame: str) -> None:
    assert understood(frame.format(first)) == set()


@pytest.mark.parametrize(
    "text", ["an OCI card", "OCI or Indian passport?", "Are you an OCI citizen?"]
)
def test_oci_is_no_skill_beside_a_passport(text: str) -> None:
    assert understood(text) == set()
