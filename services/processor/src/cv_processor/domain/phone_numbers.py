"""Phone numbers in a text, not years, sizes, hours or versions.

Runs of digits are found by a linear pattern and cut into windows of whole groups; the shape of its
groups decides whether a window is a number. No plan of numbers is asked: a number that is mistyped,
or of a nation without a plan here, is a person's number, too.
"""

# ruff: noqa: PLR2004 - the lengths of numbers and of their groups are what this is made of

from __future__ import annotations

import re
from itertools import accumulate

from cv_processor.domain.patterns import Pattern

PHONE = "[phone]"

_SEPARATOR = r"[ \t\u00a0().\-/\u00b7\u2010\u2011\u2013]"
_RUN = Pattern(rf"(?<![\w+])(?<!\d[.,:/-])[+(]{{0,2}}\d(?:{_SEPARATOR}{{0,3}}+\d)*+")
_GROUP = Pattern(r"\d+")
_EXTENSION = Pattern(r"\[phone\][ ]?(?:ext\.?|x)[ ]?\d{1,6}\b", re.IGNORECASE)
_HOURS = Pattern(r"[ ]\d{1,2}[ ]?[-\u2013][ ]?\d{1,2}\Z")
_PHONE_WORD = Pattern(
    r"(?<!\[)\b(?:phone|telephone|tel|mobile|cell|call|ring|text|whats ?app|number|reach|fax|dial|"
    r"handy|telefon)\b",
    re.IGNORECASE,
)
_NO_LETTERS = "0123456789 \t().,-/+:"
_FEWEST_DIGITS, _MOST_DIGITS = 7, 15
_MOST_GROUPS = 8
_GOES_ON = Pattern(r"[-.][\d\[]")
_YEAR = Pattern(r"(?:19|20)\d\d\Z")
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
    if digits < _FEWEST_DIGITS:
        return text
    return _EXTENSION.regex.sub(PHONE, _RUN.regex.sub(_run, text))


def _run(match: re.Match[str]) -> str:
    """A run of digits and separators with each number in it replaced."""
    text, end = match.string, match.end()
    groups = [group.span() for group in _GROUP.regex.finditer(text, match.start(), end)]
    if text[end : end + 1].isalnum() or re.match(r"[.,:]\d", text[end : end + 2]):
        groups.pop()  # the last one is `9am`, `10:30` or a decimal
    kept: list[str] = []
    at, first = match.start(), 0
    while first < len(groups):
        start = _with_signs(text, at, groups[first][0])
        size = _size(text, start, groups[first : first + _MOST_GROUPS])
        if size:
            kept += text[at:start], PHONE
            at = groups[first + size - 1][1]
        first += size or 1
    return "".join(kept) + text[at:end]


def _with_signs(text: str, floor: int, start: int) -> int:
    while start > floor and text[start - 1] in "+(":
        start -= 1
    return start


def _size(text: str, start: int, spans: list[tuple[int, int]]) -> int:
    """How many of the groups are one number; the longest window that is one."""
    groups = [text[first:last] for first, last in spans]
    announced = _is_announced(text, start)
    digits = list(accumulate(map(len, groups)))
    for size in range(len(groups), 0, -1):
        if not _FEWEST_DIGITS <= digits[size - 1] <= _MOST_DIGITS:
            continue
        end = spans[size - 1][1]
        if _has_shape(text, start, end, groups[:size], announced) and not _HOURS.regex.search(
            text, start, end
        ):
            return size
    return 0


def _has_shape(text: str, start: int, end: int, groups: list[str], announced: bool) -> bool:
    number = text[start:end]
    count = sum(map(len, groups))
    if len(groups) > 2 and "+" not in number and min(map(len, groups[2:])) == 1:
        return False  # hours, sizes: no nation writes a lone digit there
    if number[0] not in "+(0" and not announced and not _is_national(groups):
        return False
    if _is_date(groups) or _is_decimal(number, groups):
        return False
    if number.startswith("+") or (groups[0].startswith("00") and count >= 10):
        return len(groups) == 1 or len(groups[-1]) > 1
    if number[0] in "(0":
        return 9 - (number[0] == "(") <= count <= 13 - (number[0] == "0") and number[1].isdigit()
    return announced or _is_whole(text, start, end)


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether no further group is tied to these: `1.255.255.255` has no number in it."""
    tied = start > 1 and text[start - 1] in "-." and text[start - 2].isdigit()
    return not tied and not _GOES_ON.regex.match(text, end)


def _is_decimal(number: str, groups: list[str]) -> bool:
    return number.count(".") == 1 and len(groups) == 2 and len(groups[0]) < 2


def _is_date(groups: list[str]) -> bool:
    """Years, ranges of years, and dates such as 2025-11-10 or 10.11.2025."""
    years = [group for group in groups if _YEAR.regex.match(group)]
    return (
        bool(years)
        and all(len(group) in (2, 4) for group in groups)
        and (len(years) == len(groups) or (len(groups) == 3 and len(years) == 1))
    )


def _is_national(groups: list[str]) -> bool:
    if len(groups) == 1:
        return len(groups[0]) == 10 and groups[0][0] in "23456789" and groups[0][-4:] != "0000"
    shape = tuple(map(len, groups))
    if shape not in _GROUPS_OF_NATIONS:
        return False
    round_sums = all(group.endswith("00") for group in groups)  # a salary from 80000-95000
    range_of_sums = shape == (5, 5) and groups[0][0] not in "6789"  # 45500-52750; India: 6 to 9
    telling = any(group.strip("0") for group in groups[1:])
    return telling and not round_sums and not range_of_sums


def _is_announced(text: str, start: int) -> bool:
    """Whether a word such as "call" shortly before says that these digits are a number."""
    before = text[max(0, start - 30) : start]
    if not before.strip(_NO_LETTERS):
        return False
    return bool(_PHONE_WORD.regex.search(before))
