"""What becomes of a run: tables, files, and the exit code."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ncwire._cli.bench import tables
from ncwire._cli.bench.progress import PatientProgress
from ncwire._cli.failures import Exit
from ncwire._cli.terminal import console
from ncwire.bench import comparison, plot, record
from ncwire.bench.servers import DEVICE
from ncwire.errors import OptionError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from ncwire.bench.record import Record
    from ncwire.bench.run import Run
    from ncwire.bench.target import Target

STDOUT = "-"
_PIPE_WIDTH = 120


def add_to(group: argparse._ArgumentGroup) -> None:
    """Add the options for what is to be made of the figures."""
    group.add_argument(
        "--json",
        metavar="FILE",
        help="write everything measured as JSON, for programs; -: to stdout, instead of tables",
    )
    group.add_argument(
        "--save", metavar="FILE", help="keep the run, for --compare (it is the same JSON)"
    )
    group.add_argument("--compare", metavar="FILE", help="show what has changed since a run kept")
    group.add_argument(
        "--plot",
        metavar="FILE",
        help="draw the figures: .svg or .png; needs `pip install 'ncwire[plot]'`",
    )


class Outcome:
    """What the options ask for. Raises `OptionError` for what could not be made in the end."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._json: str | None = arguments.json
        self._plot = None if arguments.plot is None else Path(arguments.plot)
        self._files = [
            _writable(name)
            for name in (arguments.json, arguments.save)
            if name not in (None, STDOUT)
        ]
        if self._plot is not None:
            _writable(arguments.plot)
            plot.check(self._plot)
        self.earlier = None if arguments.compare is None else record.load(Path(arguments.compare))

    def of(self, run: Run, target: Target) -> int:
        """Measure, show what came out, and return the exit code.

        When it is interrupted, what was measured until then is shown, and KeyboardInterrupt
        raised on.
        """
        try:
            with PatientProgress(run.turns()) as progress:
                run.measure(target, progress)
        except KeyboardInterrupt:
            if run.record().measured:
                self._show(run.record())
            raise
        done = run.record()
        self._show(done)
        if not done.failures():
            return Exit.OK
        return Exit.CONNECTION if done.server["kind"] == DEVICE else Exit.DRIVER

    def check(self, server: Mapping[str, str]) -> None:
        """Raise `RecordError` where the earlier run had another server."""
        if self.earlier is not None:
            comparison.check(self.earlier, server)

    def _show(self, done: Record) -> None:
        text = done.json()
        for path in self._files:
            _write(path, text)
        if self._json == STDOUT:
            sys.stdout.write(text)
        else:
            out = console()
            if not sys.stdout.isatty():
                out.width = _PIPE_WIDTH
            tables.show(done, self.earlier, out)
        sys.stdout.flush()
        if self._plot is not None:
            try:
                plot.draw(done, self._plot)
            except OSError as error:
                raise OptionError(str(self._plot), error.strerror or str(error)) from error


def _writable(name: str) -> Path:
    path = Path(name)
    if path.is_dir():
        raise OptionError(name, "this is a folder")
    if not path.parent.is_dir():
        raise OptionError(name, "there is no such folder")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise OptionError(name, "it cannot be written")
    return path


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OptionError(str(path), error.strerror or str(error)) from error
