"""What leaves a text before it is stored, and what must stay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cv_processor.domain import redaction
from cv_processor.domain.redaction import MAX_TEXT, redact, referer_host, user_agent_class
from cv_processor.domain.values import ClientClass
from tests.cpu import grows_linearly, takes_at_most

SAMPLE = Path(__file__).parent.parent / "data" / "cv-chatbot-events.jsonl"
LABELLED = SAMPLE.with_name("labelled-questions.jsonl")
LONGEST_PLACEHOLDER = len("[url-token]")


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("mail jane.doe+cv@acme.co.uk please", "mail [email] please"),
        ("<jane@acme.io>, (bob@x.org)", "<[email]>, ([email])"),
        ("jane [at] acme.com or jane (at) acme (dot) com", "[email] or [email]"),
        ("write to jane at acme dot com", "write to [email]"),
        ("mailto:jane@müller.de", "mailto:[email]"),
        ("JANE@ACME.COM", "[email]"),
    ],
)
def test_an_email_address_is_replaced(written: str, stored: str) -> None:
    assert redact(written) == stored


@pytest.mark.parametrize(
    "number",
    [
        "+447700900123",
        "+44 7700 900123",
        "+44 (0)20 7946 0958",
        "0044 20 7946 0958",
        "07700 900123",
        "020 7946 0958",
        "(020) 7946 0958",
        "0800 123 4567",
        "+1 212 555 0123",
        "(212) 555-0123",
        "212-555-0123",
        "212.555.0123",
        "1-212-555-0123",
        "2125550123",
        "+49 171 1234567",
        "0171/1234567",
        "030 12345678",
        "+49-30-1234567",
        "06 12 34 56 78",
        "+33 6 12 34 56 78",
        "06.12.34.56.78",
        "612 345 678",
        "+34 612 34 56 78",
        "+39 02 1234 5678",
        "079 123 45 67",
        "+41 79 123 45 67",
        "+31 6 12345678",
        "06-12345678",
        "087 123 4567",
        "512 345 678",
        "+48 512 345 678",
        "98765 43210",
        "+91 98765 43210",
        "(11) 91234-5678",
        "138 1234 5678",
        "090-1234-5678",
        "0412 345 678",
        "+61 412 345 678",
        "+45 12 34 56 78",
        "+1 (212) 555-0123 ext. 45",
        "+44\u00a07700\u00a0900123",
        "22 123 45 67",
        "333 1234567",
        "8 (912) 345-67-89",
        "91 98765 43210",
    ],
)
def test_a_phone_number_is_replaced_in_every_common_form(number: str) -> None:
    assert redact(f"Reach us: {number}.") == "Reach us: [phone]."
    assert redact(f"My line is {number}, thanks") == "My line is [phone], thanks"


def test_a_number_that_a_word_announces_needs_no_national_form() -> None:
    assert redact("call 555-0123 or text 12 34 56 78") == "call [phone] or text [phone]"


@pytest.mark.parametrize(
    "harmless",
    [
        "10,000 requests a second",
        "10 000 000 requests a day",
        "from 2015 to 2019, then 2019-2023",
        "2019/2020/2021 and 2022 2023 2024",
        "call back on 2025-11-10 or reach out 10/11/2025",
        "mobile developer 2019-2023",
        "on 2025-11-10 or 10.11.2025 or 11/10/2025",
        "2025-11-10 08:55:00",
        "Python 3.11.7, Node 20.11.1 and C++17",
        "pi is 3.14159265358979",
        "0.123456789 seconds",
        "order 1762764900481",
        "at 10:30:45 for 24/7 support",
        "version 1.2.3.4 of it",
        "Chrome 120.0.0.0",
        "2,000,000,000 rows and 100 000 000 more",
        "C++11 2014 2017 2020",
        "ISO 27001 and SOC 2",
        "a 99.999% SLA, 80-100k",
        "192.168.1 is no address",
        "a salary of 80000-95000, or 62500 - 72500",
        "600 700 800 euros a day",
        "std::vector<int> and a::b",
    ],
)
def test_a_number_of_another_kind_stays(harmless: str) -> None:
    assert redact(harmless) == harmless


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("from 203.0.113.9", "from [ip]"),
        ("203.0.113.9:8080", "[ip]:8080"),
        ("at 2001:db8::8a2e:370:7334 now", "at [ip] now"),
        ("::1", "[ip]"),
        ("::ffff:203.0.113.9", "[ip]"),
        ("2001:0db8:85a3:0000:0000:8a2e:0370:7334", "[ip]"),
    ],
)
def test_an_ip_address_is_replaced(written: str, stored: str) -> None:
    assert redact(written) == stored


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("https://acme.com/jobs?id=7&token=s3cr3t", "https://acme.com/jobs?[url-token]"),
        ("https://jane:pw@acme.com/jobs", "https://acme.com/jobs"),
        ("https://acme.com/a#access=1", "https://acme.com/a#[url-token]"),
        (
            "https://acme.com/invite/9f86d081884c7d659a2feaa0c55ad015/open",
            "https://acme.com/invite/[url-token]/open",
        ),
        ("https://acme.com/jobs;jsessionid=A1B2/7", "https://acme.com/jobs;[url-token]/7"),
        ("see acme.com/apply?candidate=jane", "see acme.com/apply?[url-token]"),
        ("use api_key=abc123 then", "use api_key=[url-token] then"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "[url-token]"),
        ("https://github.com/acme/cv-analytics", "https://github.com/acme/cv-analytics"),
        ("Do you use CI/CD and TCP/IP?", "Do you use CI/CD and TCP/IP?"),
        ("Do you know Node.js? Or ASP.NET?!", "Do you know Node.js? Or ASP.NET?!"),
        ("Is it on github.com/acme/cv?)", "Is it on github.com/acme/cv?)"),
    ],
)
def test_secrets_leave_a_url_and_its_page_stays(written: str, stored: str) -> None:
    assert redact(written) == stored


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("Hi, I'm Jane", "Hi, I'm [name]"),
        ("I’m Jane Smith from Acme", "I’m [name] from Acme"),
        ("I am Jane van Dyke, hello", "I am [name], hello"),
        ("i'm jane from Acme", "i'm [name] from Acme"),
        ("Im Seán O'Neill and I hire", "Im [name] and I hire"),
        ("My name is jane", "My name is [name]"),
        ("hi, i'm jane. Any Go?", "hi, i'm [name]. Any Go?"),
        ("im jane doe and I hire", "im [name] and I hire"),
        ("i am jane, a recruiter", "i am [name], a recruiter"),
        ("I´m Jane Smith", "I´m [name]"),
        ("I'm J. Smith from Acme", "I'm [name] from Acme"),
        ("I'm J.R. Smith, hello", "I'm [name], hello"),
        ("My name is Ana María de la Cruz Pérez.", "My name is [name]."),
        ("my name is Jean-Luc Picard.", "my name is [name]."),
        ("MY NAME IS JANE SMITH", "MY NAME IS [name]"),
        ("Hi! This is Bob Miller calling from Acme", "Hi! This is [name] calling from Acme"),
        ("this is bob calling from Acme", "this is [name] calling from Acme"),
        ("Jane Smith here from Acme.", "[name] here from Acme."),
        ("Ask Mr. Miller or Dr Jones", "Ask Mr. [name] or Dr [name]"),
        ("Do you know Go? Kind regards,\nJane Smith", "Do you know Go? Kind regards,\n[name]"),
        ("Ich heiße Jörg Müller", "Ich heiße [name]"),
        ("Je m'appelle Zoé", "Je m'appelle [name]"),
        ("call me Bob", "call me [name]"),
    ],
)
def test_a_visitor_who_gives_a_name_stays_unnamed(written: str, stored: str) -> None:
    assert redact(written) == stored


@pytest.mark.parametrize(
    "harmless",
    [
        "I'm interested in your Go work",
        "I'm Azure certified, are you?",
        "I'm looking for a Python developer",
        "I'm Looking for somebody",
        "I am German.",
        "I'm London based",
        "I'm Head of Talent",
        "I'm not from the UK",
        "i'm hiring, and i'm curious",
        "i'm transitioning, i am keen and i'm impressed.",
        "im stuck between Go and Rust",
        "I'm far from sure",
        "This is great!",
        "This is Python from scratch",
        "My name is not important",
        "call me tomorrow",
        "I'm AWS and Azure certified",
        "I'm a CTO",
        "I'm CTO at a bank",
        "I'm Google Cloud certified",
        "Is it you who made this?",
        "It's Kubernetes from day one",
        "Rust here or Go?",
    ],
)
def test_what_only_looks_like_a_name_stays(harmless: str) -> None:
    assert redact(harmless) == harmless


WRITTEN_AND_STORED = [
    ("Call me on 07700 900123 9am-5pm", "Call me on [phone] 9am-5pm"),
    ("07700 900123 9-5", "[phone] 9-5"),
    ("ring 07700 900123 10:30 tomorrow", "ring [phone] 10:30 tomorrow"),
    ("07700 900123 2pm", "[phone] 2pm"),
    ("Tel. 0171 1234567 8-17 Uhr", "Tel. [phone] 8-17 Uhr"),
    ("212-555-0123 9-5", "[phone] 9-5"),
    ("98765 43210 10-6", "[phone] 10-6"),
    ("0171 1234567 0172 1234567", "[phone] [phone]"),
    ("Suite 400 212-555-0123", "Suite 400 [phone]"),
    ("2026 020 7946 0958", "2026 [phone]"),
    ("+447700900123 24h", "[phone] 24h"),
    ("+4915112345678 -2025", "[phone] -2025"),
    ("+44 20 7946 0000", "[phone]"),
    ("+1 212 555 0000", "[phone]"),
    ("+49 89 1230000", "[phone]"),
    ("jane＠acme.com", "[email]"),
    ("jane@\u200bacme.com", "[email]"),
    ("０７７００ ９００１２３", "[phone]"),
    ("+44\u202f7700\u202f900123", "[phone]"),
    ("+1 212·555·0123", "[phone]"),
    ("＋447700900123", "[phone]"),
    ("٠٥٠١٢٣٤٥٦٧", "[phone]"),
    ("Ich heiße Jörg Müller", "Ich heiße [name]"),
    ("I'm José García from Acme", "I'm [name] from Acme"),
    ("My name is राहुल", "My name is [name]"),
    ("I'm Jane — recruiter", "I'm [name] — recruiter"),
    ("I'm Jane 👋 from Acme", "I'm [name] 👋 from Acme"),
    ("I'm Jane… any Go?", "I'm [name]… any Go?"),
    ("I'm Jane | Acme", "I'm [name] | Acme"),
    ("I'm Jane & Bob", "I'm [name] & [name]"),
    ("My name is: Jane", "My name is: [name]"),
    ('My name is "Jane"', 'My name is "[name]"'),
    ("I'm JANE SMITH", "I'm [name]"),
    ("This is Jane, from Acme", "This is [name], from Acme"),
    ("Best,\nMarek Nowak", "Best,\n[name]"),
    ("Thanks,\nJane Smith", "Thanks,\n[name]"),
    ("Thank you,\nJane", "Thank you,\n[name]"),
    ("BR,\nJane", "BR,\n[name]"),
    ("Best regards,\nJane Smith | Acme", "Best regards,\n[name] | Acme"),
    ("Regards,\nJane Smith, Acme Ltd", "Regards,\n[name], Acme Ltd"),
    ("Kind regards,\r\n\r\nJane Smith", "Kind regards,\r\n\r\n[name]"),
    ("Regards Jane Smith +44 7700 900123", "Regards [name] [phone]"),
    ("Mit freundlichen Grüßen\nJürgen Groß", "Mit freundlichen Grüßen\n[name]"),
    ("Cordialement,\nÉlodie Martin", "Cordialement,\n[name]"),
    ("Saludos,\nLucía", "Saludos,\n[name]"),
    ("Je suis Élodie de chez Acme", "Je suis [name] de chez Acme"),
    ("my email is jane at gmail.com", "my email is [email]"),
    ("jane.doe at outlook.com please", "[email] please"),
    ("jane(a)acme.com", "[email]"),
    ("jane arroba acme.es", "[email]"),
    ("jane dot doe at acme dot com", "[email]"),
    ("linkedin.com/in/jane-doe-4b1a2c3d", "linkedin.com/in/[url-token]"),
    ("https://wa.me/447700900123", "https://wa.me/[url-token]"),
    ("https://calendly.com/jane-doe/30min", "https://calendly.com/[url-token]/30min"),
    ("telegram @jane_recruits", "telegram [name]"),
    ("Anruf: 030 23125 042 8-17 Uhr", "Anruf: [phone] 8-17 Uhr"),
    ("I'm Jane (Acme)", "I'm [name] (Acme)"),
    ("Mi chiamo Chiara", "Mi chiamo [name]"),
    ("O meu nome é Inês", "O meu nome é [name]"),
    ("Mijn naam is Maarten de Vries", "Mijn naam is [name]"),
    ("Groeten,\nMaarten", "Groeten,\n[name]"),
    ("Cordiali saluti,\nChiara", "Cordiali saluti,\n[name]"),
    ("Obrigada,\nInês", "Obrigada,\n[name]"),
    ("insta: @jane.hires", "insta: [name]"),
    ("https://t.me/jane_recruits", "https://t.me/[url-token]"),
    ("I'm JANE SMITH, any Go?", "I'm [name], any Go?"),
    ("call 07700 900123 or 07700 900124", "call [phone] or [phone]"),
]

TERMS = [
    "Do you know MS Dynamics 365?",
    "Do you have an MS Computer Science?",
    "Do you know MS Copilot?",
    "HA/DR Setup experience",
    "react@18.2.0 or react@19?",
    "Would 45500-52750 EUR be OK?",
    "work at booking.com?",
    "Thanks!\nAny Docker?",
    "Ich bin Entwickler, und Sie?",
    "linkedin.com/in/",
    " vue@3.4.1?",
    "MS Teams or DR drills",
    "I'm AWS SAA certified",
]


@pytest.mark.parametrize(("written", "stored"), WRITTEN_AND_STORED)
def test_a_secret_leaves_and_what_stands_beside_it_stays(written: str, stored: str) -> None:
    assert redact(written) == stored


@pytest.mark.parametrize("term", TERMS)
def test_a_technical_term_stays(term: str) -> None:
    assert redact(term) == term


def test_every_question_of_the_samples_stays_as_it_is() -> None:
    events = map(json.loads, SAMPLE.read_text("utf-8").splitlines())
    questions = [event["query"] for event in events if event["eventType"] == "query"]
    questions += [json.loads(line)["text"] for line in LABELLED.read_text("utf-8").splitlines()]
    assert [redact(question) for question in questions] == questions


PIECES = st.sampled_from([
    "I'm", "Jane", "Smith", "my name is", "this is", "calling from", "here", "Mr", "van",
    "regards,", "jane@acme.com", "@", "[at]", "dot com", "+44 7700 900123", "0171", "7",
    "203.0.113.9", "::1",
    "https://a.b/c?d=e", "token=", "?", "#", "/", "eyJhbGciOi.eyJz.x", "[name]", "[phone]",
    ".", "-", "(", ")", ":", ",", "'", "’", "x", "ß", "İ", "\u0301", "\x00", "\ud800", "\n",
])  # fmt: skip
HOSTILE = st.lists(PIECES, max_size=40).flatmap(
    lambda pieces: st.sampled_from(["", " "]).map(lambda joint: joint.join(pieces))
)


@given(st.text() | HOSTILE)
@example("a@b.c@d.e@f.g")
@example("I'm " * 1_000)
@example("I'm Al, " * 500)
def test_redaction_is_idempotent_and_bounded_for_any_text(text: str) -> None:
    stored = redact(text)
    assert redact(stored) == stored
    assert len(stored) <= min(MAX_TEXT, LONGEST_PLACEHOLDER * len(text))
    assert bool(stored) == bool(text)


ADVERSARIAL = [
    "a", "1", " ", "-", "'", "(", "+", "@", ".", ":", "/", "?", "=", "A", "[at]",
    "a.", "1.", "1 ", "a@", "a@b.", "::", "0:", "a'", "I'm ", "I'm A", "I'm Jane ", "http://",
    "http://a/", "http://a@", "a.b.c/", "token=", "eyJ", "eyJabcde.", "my name is ", "name: ",
    "regards,", "Mr ", "+1", "0 (", "(at) ", " at ", "a dot ", "Jane here ", "255.", "ab:",
    "07700 900123 ", "x at y dot com ", "this is ", "%41", "\n", "hi, ",
]  # fmt: skip


HOSTILE_LINES = [
    "call 1234567 key=",
    "1234567 http://a/I'm  bbb ",
    "I'm Al & Bo ",
    "best,\nAl ",
    "12 ",
    "+1 ",
    "00 ",
]


@pytest.mark.parametrize("piece", [*ADVERSARIAL, *HOSTILE_LINES])
def test_work_grows_linearly_with_the_text(piece: str) -> None:
    assert grows_linearly(redact, piece, 12_500)


@pytest.mark.parametrize("piece", [*ADVERSARIAL, *HOSTILE_LINES])
def test_a_hostile_text_at_the_limit_takes_at_most_50_ms(piece: str) -> None:
    assert takes_at_most(0.05, redact, piece, MAX_TEXT)


def test_a_text_in_which_every_pass_shows_another_secret_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(redaction, "_PASSES", (lambda text: text[1:],))
    assert redact("0123456789") == redaction.REDACTED


@pytest.mark.parametrize(
    ("user_agent", "kind"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64)", ClientClass.BROWSER),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E", ClientClass.MOBILE),
        ("Mozilla/5.0 (Linux; Android 14; CUBOT X50) Chrome/120.0", ClientClass.MOBILE),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://google.com/bot.html)", ClientClass.BOT),
        ("LinkedInBot/1.0", ClientClass.BOT),
        ("Mozilla/5.0 HeadlessChrome/120.0", ClientClass.BOT),
        ("curl/8.5.0", ClientClass.TOOL),
        ("python-httpx/0.28", ClientClass.TOOL),
        ("PostmanRuntime/7.36", ClientClass.TOOL),
        ("something else", ClientClass.UNKNOWN),
        ("", ClientClass.UNKNOWN),
        (None, ClientClass.UNKNOWN),
    ],
)
def test_a_user_agent_becomes_a_class(user_agent: str | None, kind: ClientClass) -> None:
    assert user_agent_class(user_agent) is kind


@pytest.mark.parametrize(
    ("referer", "host"),
    [
        ("https://cv.example/", "cv.example"),
        ("https://jane:pw@CV.example:8443/x?token=1#y", "cv.example"),
        ("cv.example/path", "cv.example"),
        ("android-app://com.linkedin.android/", "com.linkedin.android"),
        ("http://203.0.113.9/x", None),
        ("http://[2001:db8::1]/x", None),
        ("http://[broken", None),
        ("http://" + "a" * 300, None),
        ("not a host at all", None),
        ("https://", None),
        ("", None),
        (None, None),
    ],
)
def test_a_referer_becomes_a_host_and_never_an_ip(referer: str | None, host: str | None) -> None:
    assert referer_host(referer) == host


@given(st.text())
def test_client_and_host_never_raise(text: str) -> None:
    assert user_agent_class(text) in ClientClass
    host = referer_host(text)
    assert host is None or 0 < len(host) <= 253


@pytest.mark.parametrize(
    "secret", ["wilma.testfrau@mail.example", "07700 900123", "+44 7700 900 123"]
)
@pytest.mark.parametrize("before", ["x ", "word, ", "\n", "é "])
def test_a_text_that_was_cut_within_a_secret_keeps_no_part_of_it(secret: str, before: str) -> None:
    filler = (before * MAX_TEXT)[:MAX_TEXT]
    for size in range(1, len(secret)):
        text = filler[: MAX_TEXT - size - 1] + " " + secret[:size]
        kept = redact(text)
        assert len(text) == MAX_TEXT > len(kept) > MAX_TEXT - 300
        assert not any(part in kept for part in ("wilma", "077", "7700"))
        assert redact(kept) == kept


@pytest.mark.parametrize(
    "text", ["wilma%40mail.example", "to wilma.t+cv%40sub.mail.example!", "a=wilma%40mail.example"]
)
def test_an_address_with_an_encoded_sign_leaves(text: str) -> None:
    assert "wilma" not in redact(text)
    assert "[email]" in redact(text) or "[url-token]" in redact(text)


def test_half_a_number_at_the_end_of_a_cut_text_leaves() -> None:
    text = "Any Go? Call me on 07700 900"
    assert redact(text, cut=True) == "Any Go? Call me on"
    assert redact("wilma.testfrau@mai", cut=True) == ""
    assert redact("Any Go or Rust", cut=True) == "Any Go or"
