"""What goes to the terminal, and what to a pipe."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.syntax import Syntax

from ncwire._cli import documents
from ncwire.errors.printable import printable

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["console", "printable", "show_document", "write_document"]

_PRETTY_UP_TO = 1 << 20
"""How long a document, in characters, is laid out and coloured: more is not for reading."""


def console() -> Console:
    """Return a console on today's stdout; colours only if it is a terminal, and NO_COLOR."""
    return _Console(file=sys.stdout, highlight=False)


def write_document(raw: str) -> None:
    """Write a document: laid out and coloured for a terminal, byte for byte into a pipe.

    Either way a line feed follows, and everything is flushed.
    """
    if sys.stdout.isatty():
        show_document(raw)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(raw.encode())
    sys.stdout.buffer.write(b"\n")
    sys.stdout.buffer.flush()


def show_document(raw: str) -> None:
    """Show a document for reading: laid out, coloured on a terminal, without an effect on it."""
    if len(raw) > _PRETTY_UP_TO:
        print(printable(raw))
        return
    # Wrapping is the terminal's, so that what is copied from it has no line feeds of ours.
    console().print(_coloured(printable(documents.laid_out(raw))), soft_wrap=True)


class _Console(Console):
    """A console that leaves it to the command what a closed pipe means."""

    def on_broken_pipe(self) -> None:
        """Raise it on: rich 15.0 would exit with 1, which is taken."""
        raise  # noqa: PLE0704 - called by rich where it handles the BrokenPipeError


def _coloured(xml: str) -> Text:
    text = Syntax(xml, "xml", theme="ansi_dark", background_color="default").highlight(xml)
    text.rstrip()
    return text
