"""Names that visitors give of themselves: "I'm Jane", "this is Bob calling from Acme"."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from cv_processor.data import word_list
from cv_processor.domain.patterns import Pattern

NAME = "[name]"

_APOSTROPHES = "'’‘´`"
"""As typed, as set, and the accents that some keyboards have nearer."""
_STRAIGHT = str.maketrans(dict.fromkeys(_APOSTROPHES, "'"))
_LETTER = r"(?:[^\W\d_]|[\u0300-\u036f\u0591-\u05c7\u064b-\u0652\u0900-\u0eff])"
"""With the marks that a letter carries in scripts that do not compose them: a name stays whole."""
_WORD = Pattern(rf"[ ]{{0,2}}({_LETTER}++(?:['’-]{_LETTER}++)*+)\.?")
_INTRODUCTION = Pattern(
    r"(?<![\w'’/])(?:"
    rf"(?P<said>my (?:full |first |last )?name(?: is|[{_APOSTROPHES}]s|(?=:))|ich hei(?:ß|ss)e|"
    rf"mein name ist|je m[{_APOSTROPHES}]appelle|mon nom est|me llamo|mi nombre es|mi chiamo|"
    r"il mio nome è|meu nome é|chamo-me|me chamo|mijn naam is|ik heet|name(?=:))"
    rf"|(?P<iam>i[{_APOSTROPHES}]?m|i am)"
    rf"|(?P<am>call me|ich bin|je suis|soy|sono|eu sou|ik ben|"
    rf"you[{_APOSTROPHES}]re speaking (?:to|with))"
    rf"|(?P<this>this is|it[{_APOSTROPHES}]s)"
    r"|(?P<title>mr|mrs|ms|mx|dr|prof|herr|frau)\.?"
    r"|(?P<close>(?:kind |best |warm )?regards|best wishes|(?:yours )?sincerely|cheers|many thanks|"
    r"(?:mit )?(?:freundlichen|freundliche|viele|vielen|beste|besten|liebe|herzliche)(?: grüßen| "
    r"grüße| gruß| grüssen| grüsse)|(?:bien )?cordialement|bien à vous|saludos|un saludo|"
    r"atentamente|cordiali saluti|distinti saluti|atenciosamente|cumprimentos|(?:met )?"
    r"(?:vriendelijke |hartelijke )?groet(?:en|jes)?)[,.!]?(?:[ \t]?\r?\n\s{0,8})?"
    r"|(?P<from>(?:greetings|regards|message|sent) (?:from|by))"
    r"|(?P<mark>--[ ]?\r?\n)"
    r"|(?P<line>(?:best|thanks(?: a lot| again| in advance)?|thank you|thx|br|kr|yours|"
    r"all the best|take care|danke|merci|gracias|grazie|obrigad[oa]|"
    r"bedankt|cheers)[,.!]?[ \t]?\r?\n\s{0,8})(?=\S)"
    r")(?:(?<=\s)|(?=[\s:])):?\s?[\"“„«']?",
    re.IGNORECASE,
)
_SIGNS = (
    *("name", "ich hei", "appelle", "nom est", "me llamo", "nombre es", "chiamo", "nome", "chamo"),
    *("naam", "heet", "sono", "eu sou", "ik ben"),
    *("i'm", "im ", "i am", "call me", "ich bin", "je suis", "soy"),
    *("this is", "it's", "speaking to", "speaking with"),
    *("mr", "mrs", "ms", "mx", "dr", "prof", "herr", "frau"),
    *("regards", "wishes", "sincerely", "cheers", "thanks", "best", "thank you", "thx", "br", "kr"),
    *("gru", "grü", "cordialement", "bien à", "saludo", "atentamente", "saluti", "atenciosamente"),
    *("greetings", "message", "sent", "-- ", "--\n", "yours", "take care"),
    *("cumprimentos", "groet", "danke", "merci", "gracias", "grazie", "obrigad", "bedankt"),
)
"""Of each introduction a part that it cannot be without: a cheap look before the dear one."""
_HERE = Pattern(
    r"(?:\A|(?<=[.!?\n] )|(?<=hi, )|(?<=hey, )|(?<=hello, ))(?=[^\W\d_])", re.IGNORECASE
)
_NAME_PARTS = 6
_PARTICLES = frozenset(
    {
        "van",
        "von",
        "de",
        "der",
        "den",
        "del",
        "la",
        "le",
        "di",
        "da",
        "dos",
        "bin",
        "al",
        "el",
        "ten",
        "ter",
        "zu",
        "mac",
        "do",
    }
)
_AFTER_NAME = frozenset(
    {
        *("from", "at", "with", "here", "calling", "speaking", "and", "a", "the", "of", "an"),
        *("aus", "von", "und", "vom", "de", "du", "des", "et", "y", "del", "di", "e", "da", "do"),
        *("van", "bij", "en", "ich"),
    }
)
_CALLER = Pattern(r"[ ,]{1,3}(?:from|calling|speaking|here)\b", re.IGNORECASE)
_NO_NAME_BEFORE = frozenset(
    {"certified", "qualified", "based", "trained", "focused", "native", "only", "driven"}
)


_SHORTEST_SHOUTED = 3
"""Letters: shorter words in capitals are abbreviations."""
_NO_NAME_ENDS = ("ing", "ed", "ly")


@cache
def _no_names() -> frozenset[str]:
    return word_list("not-names")


@cache
def _no_small_names() -> frozenset[str]:
    return word_list("not-names") | word_list("everyday-words")


def without_names(text: str) -> str:
    """The text with each name replaced that a visitor introduces."""
    return _replaced(text, [*_introduced(text), *_present(text)])


def _replaced(text: str, spans: list[tuple[int, int]]) -> str:
    kept: list[str] = []
    at = 0
    for start, end in sorted(spans):
        if start >= at:
            kept += text[at:start], NAME
            at = end
    return "".join(kept) + text[at:]


def _introduced(text: str) -> list[tuple[int, int]]:
    """Where names stand after an introduction, such as "I'm" or "my name is"."""
    spans: list[tuple[int, int]] = []
    lowered = " ".join(text.casefold().translate(_STRAIGHT).split()) + " "
    if not any(sign in lowered for sign in _SIGNS):  # nearly always
        return spans
    for found in _INTRODUCTION.regex.finditer(text):
        words = _words_from(text, found.end())
        size = _NAME_SIZE[str(found.lastgroup)](text, words)
        if found.lastgroup == "title" and found["title"].isupper():
            size = 0  # MS Dynamics, DR drills
        if size:
            spans.append((words[0].start(1), words[size - 1].end(1)))
            spans += _second(text, words[size - 1].end(1))
    return spans


_BESIDE = Pattern(r"[ ](?:&|and|und|et|y|e|en)(?=[ ])")


def _second(text: str, at: int) -> list[tuple[int, int]]:
    """The name that follows another one: `Jane & Bob`."""
    beside = _BESIDE.regex.match(text, at)
    words = _words_from(text, beside.end()) if beside else []
    size = _capitals(words)
    ended = size and _ends(text, words, size)
    return [(words[0].start(1), words[size - 1].end(1))] if ended else []


def _present(text: str) -> list[tuple[int, int]]:
    """Where a sentence opens with "Jane Smith here"."""
    spans: list[tuple[int, int]] = []
    if "here" not in text.casefold():  # nearly always: then no word needs to be looked at
        return spans
    for found in _HERE.regex.finditer(text):
        words = _words_from(text, found.end())
        size = _capitals(words)
        if size and _key(words, size) == "here" and _key(words, size + 1) in {"from", ""}:
            spans.append((words[0].start(1), words[size - 1].end(1)))
    return spans


def _words_from(text: str, at: int) -> list[re.Match[str]]:
    """The next few words, up to the first that is not preceded by a blank or an initial only."""
    words: list[re.Match[str]] = []
    while len(words) < _NAME_PARTS + 2 and (word := _WORD.regex.match(text, at)):
        words.append(word)
        initial = len(word[1]) == 1 and word[1].isupper()
        at = word.end() if initial else word.end(1)
    return words


def _key(words: list[re.Match[str]], at: int) -> str:
    return words[at][1].casefold() if at < len(words) else ""


def _capitals(words: list[re.Match[str]]) -> int:
    """How many words at the beginning read as a person's name: `Jane`, `Jane van Dyke`."""
    size = 0
    for at, word in enumerate(words[:_NAME_PARTS]):
        if _is_name_word(word[1]) or _is_initial(word):
            size = at + 1
        elif at == 0 or word[1].casefold() not in _PARTICLES:
            break
    return size


def _is_initial(word: re.Match[str]) -> bool:
    return len(word[1]) == 1 and word[1].isupper() and word.group().endswith(".")


def _is_name_word(word: str) -> bool:
    return (
        word[0].isupper()
        and not (word.isupper() and len(word) > 1)
        and word.casefold() not in _no_names()
        and not word.casefold().endswith(("-based", "-certified", "-native"))
    )


def _said(text: str, words: list[re.Match[str]]) -> int:
    """After "my name is": the name, even in small letters or in capitals."""
    if _key(words, 0) in _no_names() or not words:
        return 0
    size = max(1, _capitals(words))
    surname = size == 1 and _key(words, 1) and _key(words, 1) not in _no_names() | _AFTER_NAME
    if surname and (words[1][1].isupper() or _ends(text, words, 2)):
        return 2
    return size


def _iam(text: str, words: list[re.Match[str]]) -> int:
    """After "I'm" a name may also stand in small letters, if nothing but its end follows."""
    size = _am(text, words)
    if size or not _is_small(words, 0):
        return size
    if _ends(text, words, 1):
        return 1
    return 2 if _is_small(words, 1) and _ends(text, words, 2) else 0


def _is_small(words: list[re.Match[str]], at: int) -> bool:
    """Whether a word in small letters is none that people say of themselves."""
    return (
        at < len(words)
        and words[at][1].islower()
        and words[at][1] not in _no_small_names()
        and not words[at][1].endswith(_NO_NAME_ENDS)
    )


def _am(text: str, words: list[re.Match[str]]) -> int:
    """After "I'm": capitalised words, unless they tell what somebody is rather than who."""
    size = _capitals(words) or _shouted(text, words)
    if size and _key(words, size) not in _NO_NAME_BEFORE:
        return size if size > 1 or _ends(text, words, size) else 0
    lone = bool(words) and _key(words, 0) not in _no_names() and words[0][1].islower()
    return 1 if lone and _key(words, 1) == "from" else 0


def _shouted(text: str, words: list[re.Match[str]]) -> int:
    """Two words all in capitals that are no known words: `JANE SMITH`, not `AWS`."""
    pair = [word[1] for word in words if word[1].isupper() and len(word[1]) >= _SHORTEST_SHOUTED]
    named = [word[1] for word in words[:2]] == pair[:2] and len(words) > 1
    known = any(word.casefold() in _no_small_names() for word in pair[:2])
    return 2 if named and not known and _ends(text, words, 2) else 0


def _this(text: str, words: list[re.Match[str]]) -> int:
    """After "this is": a name that calls from somewhere."""
    size = _capitals(words)
    if size:
        return size if _CALLER.regex.match(text, words[size - 1].end(1)) else 0
    for lone in (1, 2):
        if _key(words, lone) in {"calling", "speaking"} and _key(words, 0) not in _no_names():
            return lone
    return 0


def _title(_text: str, words: list[re.Match[str]]) -> int:
    return _capitals(words)


def _close(text: str, words: list[re.Match[str]]) -> int:
    """After "Kind regards": a name that ends the text, its line, or its part of it."""
    size = _capitals(words)
    ended = size and text[words[size - 1].end() :][:4].lstrip(" .!")[:1] in {"", *"\r\n|,[<(+/·"}
    return size if ended else 0


def _ends(text: str, words: list[re.Match[str]], size: int) -> bool:
    """Whether a name may end after so many words: by a sign, the end, or "from"."""
    if size < len(words):
        return words[size][1].casefold() in _AFTER_NAME
    if size > len(words):
        return False
    following = text[words[size - 1].end(1) :][:4].lstrip(" ")[:1]
    return not following.isalnum() and following not in _PARTS_OF_TERMS


_PARTS_OF_TERMS = frozenset("+#_=*%$<>")
"""Signs behind a word that make it a term of the trade: `C++`."""

_NAME_SIZE: dict[str, Callable[[str, list[re.Match[str]]], int]] = {
    "said": _said,
    "iam": _iam,
    "am": _am,
    "this": _this,
    "title": _title,
    "close": _close,
    "line": _close,
    "from": _close,
    "mark": _close,
}
