"""`ncwire new-driver`: the package of a driver that works, to go on from."""

from __future__ import annotations

import keyword
import re
import shutil
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from ncwire._cli.failures import Exit
from ncwire._plugins import registry
from ncwire.errors import OptionError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

EXITS = (Exit.OK, Exit.USAGE, Exit.INTERNAL, Exit.INTERRUPTED, Exit.OUTPUT_CLOSED)
"""What the command can end with."""
KINDS = {
    "plain": "a socket that can be polled; TCP in the clear, to begin with",
    "async": "an event loop in a thread; asyncio's TCP in the clear, to begin with",
    "ssh": "the steps of an SSHDriver; over AsyncSSH, to begin with",
}
_SUFFIX = ".tmpl"
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def add_to(
    subcommands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = subcommands.add_parser(
        "new-driver",
        help="write the package of a new driver",
        description=(
            "Write a package with a driver that works and keeps the rules of the contract that "
            "bind it, its entry point, and tests that run the conformance kit: to put your own "
            "library in the place of its."
        ),
        epilog="kinds:\n" + "\n".join(f"  {kind:<6} {what}" for kind, what in KINDS.items()),
    )
    parser.add_argument("name", metavar="NAME", help="the name by which users choose the driver")
    parser.add_argument(
        "--kind", choices=tuple(KINDS), default="plain", help="what it is over (default: plain)"
    )
    parser.add_argument(
        "--directory", metavar="DIR", help="where to write it (default: ./ncwire-NAME)"
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Write the package, and tell what to do with it."""
    name: str = arguments.name
    _check(name)
    package = f"ncwire-{name.replace('_', '-')}"
    folder = Path(arguments.directory or package)
    write(name, arguments.kind, folder)
    target = "" if arguments.kind == "ssh" else " --target plain"
    print(f"{folder}: {package}, with the driver {name}. What is next:")
    print(f"    pip install -e '{folder}[test]'")
    print(f"    ncwire conform {name}{target}")
    return Exit.OK


def write(name: str, kind: str, folder: Path) -> None:
    """Write the package into a folder that is not there yet, or is empty.

    Raises `OptionError` for one that has something in it, or that cannot be written; then nothing
    is left there.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OptionError("--directory", f"{folder} is there already: name another, or empty it")
    was_there = folder.exists()
    try:
        for path, text in rendered(name, kind):
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    except BaseException as error:
        _remove(folder, itself=not was_there)
        if isinstance(error, OSError):
            raise OptionError("--directory", f"{folder}: {error.strerror}") from error
        raise


def rendered(name: str, kind: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each file of the package."""
    title = "".join(part.capitalize() for part in name.split("_"))
    package = name.replace("_", "-")
    for path, text in _files(resources.files("ncwire._cli").joinpath("templates", kind)):
        for old, new in (
            (
                "ncwire-example\n==============",
                f"ncwire-{package}\n{'=' * len(f'ncwire-{package}')}",
            ),
            ("ncwire-example", f"ncwire-{package}"),
            ("Example", title),
            ("example", name),
        ):
            text = text.replace(old, new)  # noqa: PLW2901 - one replacement after the other
        yield path.replace("example", name), text


def _check(name: str) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise OptionError(
            "NAME",
            f"{name!r} cannot name a module as well; take lower-case letters, digits and _, "
            "a letter first",
        )
    if name in registry.names():
        raise OptionError(
            "NAME",
            f"a driver {name!r} is installed, and two of one name are refused: take another",
        )


def _files(folder: Traversable, above: str = "") -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.is_dir():
            yield from _files(entry, f"{above}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            yield f"{above}{entry.name.removesuffix(_SUFFIX)}", entry.read_text(encoding="utf-8")


def _remove(folder: Path, *, itself: bool) -> None:
    if itself:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink()
