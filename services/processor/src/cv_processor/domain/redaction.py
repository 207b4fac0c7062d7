"""Redaction: what could point to a person leaves a text before it is stored or published.

Every pattern starts only where its first character can start (a look-behind) and repeats a bounded
or possessive number of times, so the work grows linearly with the text, whatever the text. In
doubt a visitor's secret is kept rather than a word: a word that is lost costs a statistic.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

from cv_processor.domain.names import NAME, without_names
from cv_processor.domain.patterns import Pattern
from cv_processor.domain.phone_numbers import without_phones
from cv_processor.domain.values import ClientClass

MAX_TEXT = 4_000
"""Characters of a text that are kept: the contracts' limit. A placeholder may be longer than what
it replaces, so that a text at the limit could outgrow it."""

EMAIL, IP, URL_TOKEN = "[email]", "[ip]", "[url-token]"


_MAX_PASSES = 6
REDACTED = "[redacted]"
"""What is left of a text in which every pass shows another secret: it was made for that."""


def redact(text: str, *, cut: bool = False) -> str:
    """The text without e-mail addresses, phone numbers, IPs, secrets in URLs and visitors' names.

    `cut`: it is the beginning of a longer text. Its last word goes, as half of an address may be.

    Idempotent, less than `MAX_TEXT` characters long, linear in the text, and never raises.
    """
    text = _normalised(text)
    if cut or len(text) >= MAX_TEXT:
        text = _without_cut_end(text[:MAX_TEXT])
    for _ in range(_MAX_PASSES):
        before = text
        for replace in _PASSES:
            text = replace(text)
        text = text[: MAX_TEXT - 1]
        if text == before:
            return text
    return REDACTED


_LONGEST_ADDRESS, _LONGEST_NUMBER = 254, 30
_NUMBER_SIGNS = "0123456789 ().+/-"


def _without_cut_end(text: str) -> str:
    """A text that was cut, maybe within an address or a number, of which no rule knows the rest,
    without its last word and the digits before it. It is shorter than the limit."""
    blank = max(text.rfind(sign, max(0, len(text) - _LONGEST_ADDRESS)) for sign in " \n\t")
    kept = text[: blank if blank > 0 else max(0, len(text) - _LONGEST_ADDRESS)]
    return kept[:-_LONGEST_NUMBER] + kept[-_LONGEST_NUMBER:].rstrip(_NUMBER_SIGNS)


# --- one spelling -------------------------------------------------------------------------------

_ALIKE: dict[int, int | str | None] = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},  # full-width forms of ASCII
    **dict.fromkeys([*range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], " "),
    **dict.fromkeys([0x00AD, 0x200B, 0x2060, 0xFEFF]),
}
_JOINER_IN_ASCII = Pattern(r"(?<=[!-~])[\u200c\u200d]++(?=[!-~])")
_FOREIGN_DIGIT = Pattern(r"[^\D0-9]")


def _normalised(text: str) -> str:
    """Composed letters, ASCII digits, plain spaces, and nothing invisible between them."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", text).translate(_ALIKE)
    text = _JOINER_IN_ASCII.regex.sub("", text)
    return _FOREIGN_DIGIT.regex.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)


# --- URLs ---------------------------------------------------------------------------------------

_URL = Pattern(
    r"(?<![\w.@-])(?:(?P<scheme>[a-z][a-z0-9+]{1,14})://|(?=(?:[\w-]{1,63}\.){1,8}[a-z]{2,24}[/?]))"
    r"(?P<rest>[^\s<>\"\\^`{|}]++)",
    re.IGNORECASE,
)
_SECRET = Pattern(
    r"(?<!\w)((?:access_?|id_?|refresh_?|auth_?|api_?|session_?)?(?:token|key|secret|sig|signature|"
    r"password|passwd|pwd|code|auth|sid)=)(?!\[url-token\])[^\s&]++",
    re.IGNORECASE,
)
_JWT = Pattern(r"(?<![\w.-])eyJ[\w-]{5,}+\.[\w-]++(?:\.[\w-]*+)?")
_CLOSING = "?#!.,:;)]'\u2019\u201d"
_TOKEN_LIKE = Pattern(r"(?=[^\d]*\d)[\w.~%=+-]{20,}\Z|[\w~%=+-]{32,}\Z")


def _without_url_tokens(text: str) -> str:
    if "/" in text or "?" in text:
        text = _URL.regex.sub(_bare_url, text)
    if "=" in text:
        text = _SECRET.regex.sub(rf"\1{URL_TOKEN}", text)
    return _JWT.regex.sub(URL_TOKEN, text) if "eyJ" in text else text


def _bare_url(match: re.Match[str]) -> str:
    """Host and path of a URL: user info, query, fragment and what is secret in a path go."""
    scheme = f"{match['scheme']}://" if match["scheme"] else ""
    rest = match["rest"].partition("?")[0].partition("#")[0]
    secret = _bare_query(match["rest"].removeprefix(rest))
    authority, slash, path = rest.partition("/")
    host = authority.rpartition("@")[2]
    kept = "/".join(map(_bare_segment, _without_profile(host, path.split("/"))))
    return f"{scheme}{host}{slash}{kept}{secret}"


_PROFILES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(["linkedin.com", "uk.linkedin.com", "de.linkedin.com"], ("in", "pub")),
    **dict.fromkeys(["xing.com"], ("profile",)),
    **dict.fromkeys(["wa.me", "t.me", "x.com", "twitter.com", "instagram.com", "facebook.com"], ()),
    **dict.fromkeys(["calendly.com", "cal.com", "telegram.me", "threads.net", "signal.me"], ()),
}
"""Hosts whose paths name a person: behind one of these segments, or, without any, at once."""


def _without_profile(host: str, path: list[str]) -> list[str]:
    """A path without the person that it names."""
    leads = _PROFILES.get(host.casefold().removeprefix("www."))
    at = 0 if leads == () else 1
    if leads is None or len(path) <= at or not path[at].strip(_CLOSING):
        return path
    return [*path[:at], URL_TOKEN, *path[at + 1 :]] if at == 0 or path[0] in leads else path


def _bare_query(query: str) -> str:
    """A query or fragment without what it says; the end of a question ("Node.js?") is neither."""
    return query[0] + URL_TOKEN if query.strip(_CLOSING) else query


def _bare_segment(segment: str) -> str:
    """A segment of a path without its parameters (`;jsessionid=`), or none if it is a secret."""
    name, _, parameters = segment.partition(";")
    if _TOKEN_LIKE.regex.match(name):
        return URL_TOKEN
    return f"{name};{URL_TOKEN}" if parameters else segment


# --- e-mail addresses ---------------------------------------------------------------------------

_LOCAL = r"[\w.+%&*=~'-]"
_HOST = r"[\w-]++(?:\.[\w-]++)++"
_MAIL_HOST = (
    r"(?:gmail|googlemail|outlook|hotmail|yahoo|icloud|proton|protonmail|gmx|aol)"
    r"\.(?:com|de|net|me|fr|es|it|ch|at|co\.uk)\b"
)
_EMAIL = Pattern(
    rf"(?<!{_LOCAL}){_LOCAL}++(?:[ ]?(?:@|[\[({{][ ]?(?:at|@|a)[ ]?[\])}}])[ ]?)"
    rf"(?:{_HOST}|[\w-]{{1,63}}[ ]?(?:[\[({{][ ]?(?:dot|\.)[ ]?[\])}}]|[ ]dot[ ])[ ]?[\w-]{{2,24}})"
    rf"|(?<!{_LOCAL})(?:[\w-]{{1,63}}[ ]dot[ ])?{_LOCAL}{{1,64}}+[ ](?:at[ ]"
    rf"(?:[\w-]{{1,63}}[ ]dot[ ](?:com|org|io|de|uk|fr|eu|dev|me|net|es)\b|{_MAIL_HOST})"
    rf"|arroba[ ][\w-]{{1,63}}\.[\w-]{{2,24}})",
    re.IGNORECASE,
)
_ENCODED = Pattern(rf"(?<![\w.+-])[\w.+-]{{1,64}}+%40{_HOST}", re.IGNORECASE)
_PACKAGE = Pattern(r"@\d[\d.]*+(?:-\w++)?[.,?!]*+\Z")
"""What stands behind a package's name: `react@18.2.0`."""


def _without_emails(text: str) -> str:
    if "%40" in text:
        text = _ENCODED.regex.sub(EMAIL, text)
    possible = "@" in text or _is_spelt_out(text.casefold())
    return _EMAIL.regex.sub(_email, text) if possible else text


def _email(match: re.Match[str]) -> str:
    return match.group() if _PACKAGE.regex.search(match.group()) else EMAIL


def _is_spelt_out(lowered: str) -> bool:
    """Whether an address could stand there without its sign: `jane (at) mail`, `at x dot com`."""
    signs = (" dot ", "[", "(", "{", " arroba ", " at ")
    return "a" in lowered and any(sign in lowered for sign in signs)


_HANDLE = Pattern(
    r"\b((?:telegram|twitter|instagram|insta|signal|skype|tiktok|discord|threads|mastodon|handle)"
    r"(?: is| handle| account)?:?[ ])@[\w.]{2,64}+(?<![.])",
    re.IGNORECASE,
)


def _without_handles(text: str) -> str:
    return _HANDLE.regex.sub(rf"\1{NAME}", text) if " @" in text else text


# --- IP addresses -------------------------------------------------------------------------------

_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IPV4 = Pattern(rf"(?<![\w.])(?:{_OCTET}\.){{3}}{_OCTET}(?!\w|\.[\d\[])")
_IPV6 = Pattern(
    r"(?<![\w:])(?:[0-9A-Fa-f]{0,4}:){2,8}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{0,4})(?![\w:])"
)
_VERSION_BEFORE = Pattern(r"(?:version|release|build|chrome|v)[ :]{0,2}\Z", re.IGNORECASE)


def _without_ips(text: str) -> str:
    if text.count(":") >= 2:
        text = _IPV6.regex.sub(_ipv6, text)
    return _IPV4.regex.sub(_ipv4, text) if text.count(".") >= 3 else text


def _ipv4(match: re.Match[str]) -> str:
    lead = match.string[max(0, match.start() - 12) : match.start()]
    return match.group() if _VERSION_BEFORE.regex.search(lead) else IP


def _ipv6(match: re.Match[str]) -> str:
    """Eight groups, or fewer around one `::`; `10:30:45` and `std::` are neither."""
    address = match.group()
    groups = [group for group in address.split(":") if group]
    shortened = address.count("::") == 1 and ":::" not in address
    telling = len(groups) >= 3 or any(character.isdigit() for character in address)
    whole = len(groups) + (1 if "." in address else 0)
    valid = (shortened and 1 <= whole <= 7) or (whole == 8 and "::" not in address)
    return IP if valid and telling else address


_PASSES = (
    _without_url_tokens,
    _without_emails,
    _without_handles,
    _without_ips,
    without_phones,
    without_names,
)

# --- where the visitor came from ----------------------------------------------------------------

_CLIENTS: tuple[tuple[ClientClass, tuple[str, ...]], ...] = (
    (
        ClientClass.BOT,
        (
            *("bot", "crawl", "spider", "slurp", "facebookexternalhit", "preview", "headless"),
            *("lighthouse", "monitor", "pingdom", "archiver", "scan", "validator", "fetcher"),
            *("phantomjs", "gptuser", "gpt-user", "-user/"),
        ),
    ),
    (
        ClientClass.TOOL,
        (
            *("curl", "wget", "python", "httpx", "aiohttp", "axios", "node-fetch", "undici"),
            *("postman", "insomnia", "okhttp", "go-http-client", "java/", "libwww", " k6/", "-k6/"),
            *("powershell", "httpie", "ruby", "guzzle", "locust", "jmeter"),
        ),
    ),
    (ClientClass.MOBILE, ("mobi", "android", "iphone", "ipad", "ipod", "cubot")),
    (ClientClass.BROWSER, ("mozilla/", "opera/", "chrome/", "safari/", "firefox/")),
)
_PHONE_MODEL = "cubot"
"""A maker of telephones, and no bot."""
_HOST_NAME = Pattern(r"(?=.{1,253}\Z)[\w-]++(?:\.[\w-]++)*+\Z")


def user_agent_class(user_agent: str | None) -> ClientClass:
    """What kind of client asked; the user agent itself is not kept.

    >>> user_agent_class("curl/8.5.0")
    <ClientClass.TOOL: 'tool'>
    """
    if not user_agent:
        return ClientClass.UNKNOWN
    lowered = " " + user_agent.lower().replace("(", " ").replace(";", " ")
    for kind, marks in _CLIENTS:
        said = lowered.replace(_PHONE_MODEL, "") if kind is ClientClass.BOT else lowered
        if any(mark in said for mark in marks):
            return kind
    return ClientClass.UNKNOWN


def referer_host(referer: str | None) -> str | None:
    """The host of the page that the visitor came from; no port, no path, and no IP address.

    >>> referer_host("https://jobs.example/search?q=jane")
    'jobs.example'
    """
    if not referer:
        return None
    address = referer.strip()
    try:
        host = urlsplit(address if "//" in address else f"//{address}").hostname
    except ValueError:
        return None
    if not host or _without_ips(host) != host or host.replace(".", "").isdigit():
        return None
    return host if _HOST_NAME.regex.match(host) else None
