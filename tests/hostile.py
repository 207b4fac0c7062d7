"""Text that is out to break what shows it. Its scripts would set `window.hostile`."""

from __future__ import annotations

import unicodedata
from typing import Final

MARKUP: Final = (
    "<script>window.hostile=1</script>",
    '"><img src=x onerror="window.hostile=1">',
    "'><svg/onload=window.hostile=1>",
    "javascript:/*--></title></style></textarea></script><svg onload='window.hostile=1'>",
    '<a href="javascript:hostile=1">x</a><iframe srcdoc="<script>parent.hostile=1</script>">',
    "]]><!--<meta http-equiv=refresh content='0;url=//evil.example'>--><base href=//evil.example>",
    "<style>*{display:none}</style><link rel=stylesheet href=//evil.example/x.css>",
    "{{7*7}} {% raw %} ${7*7} <%= 7*7 %> {{ config }}",
    "&lt;b&gt;already escaped&lt;/b&gt; &amp;amp; &#x3c;script&#x3e;",
    "' OR 1=1; DROP TABLE facts; -- \\x00 %00 ../../etc/passwd",
)
FORMULAS: Final = (
    '=HYPERLINK("http://evil.example","click")',
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "＝1+1",
    'a","=1+1","\r\n=2+2',
)
LETTERS: Final = (
    "\u202egnp.exe\u202c and \u2066isolated\u2069, \u200bzero\u200bwidth\ufeff, \u00adsoft",
    "א" * 300 + " right to left " + "ب" * 300,
    "Z" + "\u0300" * 500 + "algo",
    "👩‍👩‍👧‍👦" * 140,
    "\x00\x07\x1b[31mred\x1b[0m\r\nSet-Cookie: a=b\u2028\u2029",
)
LONGEST: Final = "W" * 3_999
"""The longest text that the Processor keeps whole: at 4,000 characters it counts as cut, and its
last word goes, which may be half of an address."""

TOO_LONG: Final = "W" * 10_000
CORPUS: Final = (*MARKUP, *FORMULAS, *LETTERS, LONGEST)
HIDDEN: Final = frozenset("\u202e\u202c\u2066\u2069\u200b\ufeff\x00\x07\x1b\u2028\u2029")


def readable(text: str) -> str:
    """What of a text a page can show: its characters that are seen, spaces joined."""
    seen = "".join(c if not unicodedata.category(c).startswith("C") else " " for c in text)
    return " ".join(seen.split())
