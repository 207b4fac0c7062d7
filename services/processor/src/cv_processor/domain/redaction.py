"""Redaction: what could point to a person leaves a text before it is stored or published.

Every pattern starts only where its first character can start (a look-behind) and repeats a bounded
or possessive number of times, so the work grows linearly with the text, whatever the text. In
doubt a visitor's secret is kept rather than a word: a word that is lost costs a statistic.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from cv_processor.domain.names import without_names
from cv_processor.domain.patterns import Pattern
from cv_processor.domain.phone_numbers import without_phones
from cv_processor.domain.values import ClientClass

MAX_TEXT = 4_000
"""Characters of a text that are kept: the contracts' limit. A placeholder may be longer than what
it replaces, so that a text at the limit could outgrow it."""

EMAIL, IP, URL_TOKEN = "[email]", "[ip]", "[url-token]"


def redact(text: str) -> str:
    """The text without e-mail addresses, phone numbers, IPs, secrets in URLs and visitors' names.

    Idempotent, at most `MAX_TEXT` characters long, and never raises.
    """
    before = None
    while text != before:
        before = text
        for replace in _PASSES:
            text = replace(text)
        text = text[:MAX_TEXT]
    return text


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
    kept = "/".join(map(_bare_segment, path.split("/")))
    return f"{scheme}{host}{slash}{kept}{secret}"


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
_EMAIL = Pattern(
    rf"(?<!{_LOCAL}){_LOCAL}++(?:[ ]?(?:@|[\[({{][ ]?(?:at|@)[ ]?[\])}}])[ ]?)"
    rf"(?:{_HOST}|[\w-]{{1,63}}[ ]?(?:[\[({{][ ]?(?:dot|\.)[ ]?[\])}}]|[ ]dot[ ])[ ]?[\w-]{{2,24}})"
    rf"|(?<!{_LOCAL}){_LOCAL}++[ ]at[ ][\w-]{{1,63}}[ ]dot[ ](?:com|org|io|de|uk|fr|eu|dev|me)\b",
    re.IGNORECASE,
)


def _without_emails(text: str) -> str:
    possible = "@" in text or _is_spelt_out(text.casefold())
    return _EMAIL.regex.sub(EMAIL, text) if possible else text


def _is_spelt_out(lowered: str) -> bool:
    """Whether an address could stand there without its sign: `jane (at) mail`, `at x dot com`."""
    if "at" not in lowered:
        return False
    return " dot " in lowered or any(bracket in lowered for bracket in "[({")


# --- IP addresses -------------------------------------------------------------------------------

_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IPV4 = Pattern(rf"(?<![\w.])(?:{_OCTET}\.){{3}}{_OCTET}(?!\w|\.\d)")
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


_PASSES = (_without_url_tokens, _without_emails, _without_ips, without_phones, without_names)

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
