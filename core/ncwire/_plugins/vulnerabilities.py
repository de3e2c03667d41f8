"""The published vulnerabilities of the libraries that are loaded, and what ncwire does about them.

They are read from `vulnerabilities.toml`, which says what is known, from where, and when it was
last reviewed. Nothing is asked of the network, and nothing fails because the file has grown old.
"""

from __future__ import annotations

import gzip
import re
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from ncwire.driver.library import Library

State = Literal["not reachable", "guarded", "open"]
Standing = Literal["affected", "mended", "not known"]

REMEDY = (
    "SYSTEM_LIBSSH2=1 pip install --force-reinstall --no-cache-dir \\\n"
    "    --no-binary ssh2-python ssh2-python"
)
"""How to have the distribution's libssh2, 1.11 or later, in place of what ssh2-python brings."""

DOCUMENTATION = Path("/usr/share/doc")
"""Where packages of Debian's and its like have their changelogs."""

SYSTEM = ("/usr/lib", "/lib")
"""Where the libraries are that these packages bring."""

_IDENTIFIER = re.compile(r"CVE-\d{4}-\d{4,}")
_LONGEST_CHANGELOG = 1 << 20


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """What is published about one, and what becomes of it in ncwire.

    `unjudged` says what a peer can do before its host key was judged, `accepted` what one can
    whose key was accepted; `how` is the reason for both.
    """

    id: str
    library: str
    first: str
    last: str
    what: str
    harm: Literal["memory", "service", "trust"]
    unjudged: State
    accepted: State
    how: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """A vulnerability of the version of a library that is loaded.

    `standing` is "mended" where the distribution's package says that it has mended it, and "not
    known" for a library of the system's that does not tell: a mended one keeps its version.
    """

    vulnerability: Vulnerability
    standing: Standing

    @property
    def is_open(self) -> bool:
        """Whether a host whose key was accepted can do it, as far as is known."""
        return self.standing == "affected" and self.vulnerability.accepted == "open"


def reviewed() -> date:
    """Return the day on which the list was last compared with what is published."""
    day: date = _file()["reviewed"]
    return day


@cache
def published() -> tuple[Vulnerability, ...]:
    """Return all that is known of, as it concerns this machine, in the order of the file."""
    return tuple(_vulnerability(**each) for each in _file()["vulnerability"])


def findings(libraries: Iterable[Library]) -> list[Finding]:
    """Return those of the versions that are loaded; asks the distribution's package documents."""
    return [
        Finding(each, _standing(each, library))
        for library in libraries
        for each in published()
        if each.library == library.name and _concerns(each, library.version)
    ]


def open_to_a_stranger(libraries: Iterable[Library]) -> tuple[str, ...]:
    """Return the ids of those by which a host that is accepted unseen can get at the memory.

    A driver with any is not to be recommended for a host that is not yet known. That it can keep
    its own connection from coming to be, or stop the process, is told and no reason for that.
    """
    return tuple(
        each.vulnerability.id
        for each in findings(libraries)
        if each.is_open and each.vulnerability.harm == "memory"
    )


def _vulnerability(*, bits: int = 0, sources: list[str], **fields: Any) -> Vulnerability:
    if bits == 32 and sys.maxsize >= 1 << bits:  # noqa: PLR2004 - "32 bits" is what is meant
        fields |= {"unjudged": "not reachable", "accepted": "not reachable"}
    return Vulnerability(sources=tuple(sources), **fields)


def _file() -> dict[str, Any]:
    place = resources.files("ncwire._plugins") / "vulnerabilities.toml"
    return tomllib.loads(place.read_text(encoding="utf-8"))


def _concerns(each: Vulnerability, version: str) -> bool:
    return _numbers(each.first) <= _numbers(version) <= _numbers(each.last)


def _numbers(version: str) -> list[int]:
    # "1.11.2_DEV", "5.1.0": what counts is in front.
    found = re.match(r"[\d.]*", version)
    parts = [int(part) for part in (found[0] if found else "").split(".") if part]
    return [*parts, *[0] * (3 - len(parts))]


def _standing(each: Vulnerability, library: Library) -> Standing:
    if library.bundled is not False:
        return "affected"
    mended = _mended(library.path)
    if mended is None:
        return "not known"
    return "mended" if each.id in mended else "affected"


def _mended(path: str) -> frozenset[str] | None:
    """Return what a Debian package's changelog says it has mended; None where there is none.

    Debian Policy 12.7 has it in the package's folder of documentation; images without
    documentation have not.
    """
    if not path.startswith(SYSTEM):
        return None
    stem = Path(path).name.split(".so")[0]
    changelogs = sorted(DOCUMENTATION.glob(f"{stem}-*/changelog.Debian.gz"))
    if not changelogs:
        return None
    try:
        with gzip.open(changelogs[0], "rt", encoding="utf-8", errors="replace") as file:
            return frozenset(_IDENTIFIER.findall(file.read(_LONGEST_CHANGELOG)))
    except (OSError, EOFError):
        return None
