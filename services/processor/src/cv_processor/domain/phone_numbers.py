"""Phone numbers in a text: E.164 and the common national forms, not years, sizes or versions."""

# ruff: noqa: PLR2004 - the lengths of numbers and of their groups are what this is made of

from __future__ import annotations

import re

from cv_processor.domain.patterns import Pattern

PHONE = "[phone]"

_SEPARATOR = r"[ \t\u00a0().\-/\u2010\u2011\u2013]"
_PHONE = Pattern(
    rf"(?<![\w+])(?<!\d[.,:/-])(?P<number>[+(]{{0,2}}\d(?:{_SEPARATOR}{{0,3}}+\d){{6,14}}+)"
    r"(?!\w|[.,:]\d)(?:[ ]?(?:ext\.?|x)[ ]?\d{1,6})?",
    re.IGNORECASE,
)
_PHONE_WORD = Pattern(
    r"\b(?:phone|telephone|tel|mobile|cell|call|ring|text|whats ?app|number|reach|fax|dial|"
    r"handy|telefon)\b",
    re.IGNORECASE,
)
_FEWEST_DIGITS = 7
_YEAR = Pattern(r"(?:19|20)\d\d\Z")
_DIGITS = Pattern(r"\d+")
_GROUPS_OF_NATIONS = frozenset(
    {
        *((3, 3, 4), (1, 3, 3, 4), (3, 3, 3), (2, 3, 2, 2), (3, 4, 4), (5, 5), (2, 5, 5), (3, 7)),
        *((3, 2, 2, 2), (3, 3, 2, 2), (1, 3, 3, 2, 2), (4, 3, 3)),
    }
)
"""How national numbers without a leading 0 are grouped: US, ES/PL/PT, PL, CN, IN, IT; ES, RU, AU
1300."""


def without_phones(text: str) -> str:
    """The text with each phone number replaced."""
    digits = sum(map(str.isdigit, text))
    return _PHONE.regex.sub(_phone, text) if digits >= _FEWEST_DIGITS else text


def _phone(match: re.Match[str]) -> str:
    return PHONE if _is_phone(match) else match.group()


def _is_phone(match: re.Match[str]) -> bool:
    number = match["number"]
    groups = _DIGITS.regex.findall(number)
    count = sum(map(len, groups))
    if _is_date(groups) or _is_decimal(number, groups):
        return False
    if number.startswith("+") or (groups[0].startswith("00") and count >= 10):
        return not number.endswith("0000")
    if number.startswith("("):
        return 8 <= count <= 13
    if number.startswith("0"):
        return 9 <= count <= 12 and len(groups[0]) >= 2
    return _is_national(groups) or _is_announced(match)


def _is_date(groups: list[str]) -> bool:
    """Years, ranges of years, and dates such as 2025-11-10 or 10.11.2025."""
    years = [group for group in groups if _YEAR.regex.match(group)]
    return (
        bool(years)
        and all(len(group) in (2, 4) for group in groups)
        and (len(years) == len(groups) or (len(groups) == 3 and len(years) == 1))
    )


def _is_decimal(number: str, groups: list[str]) -> bool:
    return number.count(".") == 1 and len(groups) == 2 and len(groups[0]) < 2


def _is_national(groups: list[str]) -> bool:
    if len(groups) == 1:
        return len(groups[0]) == 10 and groups[0][0] in "23456789" and groups[0][-4:] != "0000"
    shape = tuple(len(group) for group in groups)
    round_sums = all(group.endswith("00") for group in groups)  # a salary from 80000-95000
    telling = any(group.strip("0") for group in groups[1:])
    return shape in _GROUPS_OF_NATIONS and telling and not round_sums


def _is_announced(match: re.Match[str]) -> bool:
    """Whether a word such as "call" shortly before says that these digits are a number."""
    return bool(_PHONE_WORD.regex.search(match.string[max(0, match.start() - 30) : match.start()]))
