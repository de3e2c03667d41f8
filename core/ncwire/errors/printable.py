"""Text of others made fit for a terminal and a log: what would steer either becomes visible.

Besides the control characters of C0 and C1 these are Unicode's own: what turns the direction of
text, so that a line reads otherwise than it is (CVE-2021-42574), what starts a new line, what is
invisible, and halves of surrogate pairs, which no stream can write.
"""

from __future__ import annotations

import re
from typing import Final

_ALWAYS: Final = (
    "\x7f-\x9f"
    "\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f"
    "\ud800-\udfff"
)
# Compiled where one is first needed: `import ncwire` is to be quick.
_IN_A_DOCUMENT: Final = f"[\x00-\x08\x0b-\x1f{_ALWAYS}]"
_IN_A_LINE: Final = f"[\x00-\x1f{_ALWAYS}]"


def printable(text: str) -> str:
    """Return the text with what steers a terminal made visible, but for tabs and line feeds."""
    return re.sub(_IN_A_DOCUMENT, _visible, text)


def one_line(text: str, longest: int | None = None) -> str:
    """Return the text as part of a line: as `printable`, and tabs and line feeds as well.

    What is over so many characters is cut off, and "..." stands for it.
    """
    if longest is not None and len(text) > longest:
        text = f"{text[:longest]}..."
    return re.sub(_IN_A_LINE, _visible, text)


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code <= 0xFF:  # noqa: PLR2004 - two digits
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - four
