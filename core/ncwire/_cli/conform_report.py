"""The results of the conformance kit for people: a badge, and a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from ncwire.driver.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Mapping

    Table = Mapping[str, Any]
    """One driver's results, as `ncwire conform --json` has them."""

_GREEN, _RED, _GREY = "#2e7d32", "#b71c1c", "#444"
_CHARACTER = 7
"""Pixels of a character of the badge, about."""
_BADGE = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{alt}">
  <title>{alt}</title>
  <rect width="{left}" height="20" fill="{grey}"/>
  <rect x="{left}" width="{right}" height="20" fill="{colour}"/>
  <g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
    <text x="{middle_left}" y="14">{label}</text>
    <text x="{middle_right}" y="14">{message}</text>
  </g>
</svg>
"""
_WORDS = {"exempt": "does not apply"}


def badge(table: Table) -> str:
    """Return an SVG that tells by which contract a driver was judged, and how it did."""
    outcomes = [verdict["outcome"] for verdict in table["rules"].values()]
    failed = outcomes.count("failed")
    message = f"{failed} rules broken" if failed else f"{outcomes.count('passed')} rules kept"
    label = f"ncwire contract {table['contract']}"
    left, right = (_CHARACTER * len(text) + 10 for text in (label, message))
    return _BADGE.format(
        width=left + right,
        left=left,
        right=right,
        middle_left=left / 2,
        middle_right=left + right / 2,
        grey=_GREY,
        colour=_RED if failed else _GREEN,
        label=escape(label),
        message=escape(message),
        alt=escape(f"{label}: {message}", {'"': "&quot;"}),
    )


def page(table: Table) -> str:
    """Return a page in Markdown: the versions, how many rules, and each with its result."""
    rules = table["rules"]
    outcomes = [verdict["outcome"] for verdict in rules.values()]
    lines = [
        f"# ncwire conformance: {_cell(table['driver'])}",
        "",
        f"- Library: {_cell(table['library'])}",
        f"- Written for contract {table['contract']}, tested for contract {_cell(table['kit'])}",
        f"- Target: {table['target']}",
        "- "
        + ", ".join(
            f"{outcomes.count(outcome)} {_WORDS.get(outcome, outcome)}"
            for outcome in ("failed", "passed", "skipped", "exempt")
        ),
        "",
        "| Rule | Result | What it says |",
        "| --- | --- | --- |",
    ]
    for name, verdict in rules.items():
        word = _WORDS.get(verdict["outcome"], verdict["outcome"])
        result = f"**{word}**" if verdict["outcome"] == "failed" else word
        reason = f": {_cell(verdict['reason'])}" if verdict["reason"] else ""
        lines.append(f"| `{name}` | {result}{reason} | {_cell(RULES[name].text)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    # What a driver says of itself, or fails with, stays a cell's text.
    for each in "\\`*_[]<>|":
        text = text.replace(each, f"\\{each}")
    return " ".join(text.split())
