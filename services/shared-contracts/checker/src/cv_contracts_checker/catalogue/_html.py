"""The few pieces that the catalogue's pages are made of. Every text is escaped."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5a6675; --line: #dde3ea;
  --paper: #fbfcfd; --card: #ffffff; --mark: #0b6e5f; --code: #f0f4f7; }
@media (prefers-color-scheme: dark) { :root { --ink: #e5eaf0; --soft: #9aa7b5; --line: #2c3642;
  --paper: #12171d; --card: #181f27; --mark: #5fd0bc; --code: #202933; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.6 system-ui, "Segoe UI", sans-serif; }
main, header > div { max-width: 64rem; margin: 0 auto; padding: 0 1.5rem; }
header { border-bottom: 1px solid var(--line); background: var(--card); }
header > div { padding-top: 1rem; padding-bottom: 1rem; display: flex; gap: 1.5rem;
  align-items: baseline; flex-wrap: wrap; }
header strong { font-size: 1.05rem; } header span { color: var(--soft); }
main { padding-top: 1.5rem; padding-bottom: 4rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 1rem 0 .5rem; letter-spacing: -.01em; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; } p { margin: .5rem 0; max-width: 44rem; }
.lead { font-size: 1.1rem; color: var(--soft); }
a { color: var(--mark); text-underline-offset: .15em; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(18rem, 1fr)); gap: 1rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: 1rem 1.1rem; } .card h3 { margin: 0; font-size: 1.05rem; }
.card p { margin: .4rem 0; } .way { color: var(--soft); font-size: .9rem; }
.tag { font-size: .78rem; border: 1px solid var(--line); border-radius: 1rem; color: var(--soft);
  padding: .05rem .55rem; margin-left: .4rem; font-weight: normal; white-space: nowrap; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th { text-align: left; color: var(--soft); font-weight: 600; white-space: nowrap; }
th, td { padding: .45rem .9rem .45rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; } td:first-child { white-space: nowrap; }
code, pre { font: .86em/1.5 ui-monospace, "SF Mono", Consolas, monospace; }
td p { margin: 0; } td code { overflow-wrap: anywhere; }
pre { background: var(--code); border-radius: .6rem; padding: 1rem; overflow-x: auto; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .4rem 1.5rem; margin: 1rem 0; }
dt { color: var(--soft); } dd, dd p { margin: 0; }
summary { cursor: pointer; padding: .3rem 0; } details { margin: .3rem 0; }
@media (max-width: 42rem) { thead { display: none; } table, tbody, tr, td { display: block; }
  tr { border-bottom: 1px solid var(--line); padding: .6rem 0; }
  td { border: 0; padding: .1rem 0; } td:first-child { font-weight: 600; white-space: normal; }
  td[data-name]:not(:first-child):not(:empty)::before { content: attr(data-name) ": ";
    color: var(--soft); } td p { display: inline; } dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .6rem; } }
.method { font: 600 .8rem ui-monospace, monospace; color: var(--mark); }
""".strip()


def page(title: str, version: str, body: str, *, up: str = "") -> str:
    """A whole page. `up` leads to the site's root."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · Contracts of CV Analytics</title>
<style>
{STYLE}
</style>
</head>
<body>
<header><div><strong><a href="{up}index.html">Contracts of CV Analytics</a></strong>
<span>{escape(version)}</span></div></header>
<main>
{body}
</main>
</body>
</html>
"""


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of cells that are HTML already."""
    names = [escape(one) for one in head]
    titles = "".join(f'<th scope="col">{name}</th>' for name in names)
    lines = ("".join(_cell(*pair) for pair in zip(names, row, strict=True)) for row in rows)
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    content = f"<thead><tr>{titles}</tr></thead>\n<tbody>{body}</tbody>"
    return f'<div class="scroll"><table>{content}</table></div>'


def _cell(name: str, content: str) -> str:
    """On a narrow screen a row is a block, and each cell says what it is."""
    named = f' data-name="{name}"' if name else ""
    return f"<td{named}>{content}</td>"


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values; the values are HTML already."""
    return "<dl>" + "".join(f"<dt>{escape(a)}</dt><dd>{b}</dd>" for a, b in pairs) + "</dl>"


def code(text: str) -> str:
    """A piece of code within a line."""
    return f"<code>{escape(text)}</code>"


def document(value: Mapping[str, Any]) -> str:
    """A JSON document as a block."""
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"


def fold(title: str, body: str, *, open_: bool = False) -> str:
    """Something that the reader may unfold."""
    return f"<details{' open' if open_ else ''}><summary>{escape(title)}</summary>{body}</details>"


def prose(text: str) -> str:
    """A docstring as paragraphs, with `code` marked; nothing for an empty one."""
    if not text.strip():
        return ""
    paragraphs = [" ".join(part.split()) for part in text.strip().split("\n\n")]
    return "\n".join(f"<p>{_marked(part)}</p>" for part in paragraphs)


def _marked(text: str) -> str:
    parts = escape(text, quote=False).split("`")
    return "".join(f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts))
