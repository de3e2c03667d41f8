"""A device as the inventory has it, made of what a probe has found."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Protocol

from ncwire._algorithms.offer import KINDS
from ncwire._plugins import registry
from ncwire._plugins.recommended import KNOWN_HOSTS_ONLY
from ncwire._ssh.options.defaults import DEFAULT_PORT
from ncwire.probe.profile_match import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ncwire.probe.compatibility import Verdict
    from ncwire.probe.profile_match import Fit

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_NOT_IN_A_VARIABLE = re.compile(r"[^A-Z0-9]+")


class Answer(Protocol):
    """What the device has said to a session; see `ncwire.probe.Answer`."""

    @property
    def subsystem(self) -> str:
        """The one that answered."""


class Findings(Protocol):
    """What is asked of a report; see `ncwire.probe.Report`."""

    @property
    def host(self) -> str:
        """The device."""

    @property
    def port(self) -> int:
        """Its port."""

    @property
    def username(self) -> str:
        """Who logs in."""

    @property
    def auth_methods(self) -> frozenset[str] | None:
        """What the server offers to the user."""

    @property
    def answer(self) -> Answer | None:
        """What came of logging in."""

    @property
    def is_known(self) -> bool:
        """Whether one of the host's keys is known."""

    def best(self) -> Verdict | None:
        """Return the verdict on the driver to take."""

    def fit(self) -> Fit:
        """Return the profile that fits best."""


def stanza(report: Findings) -> str:
    """Return the TOML for `ncwire.toml` by which the device is reached.

    Where a password is wanted it stands there as a comment, for where that is only the user knows.
    """
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Findings) -> Iterator[str]:
    name = report.host
    yield f"[devices.{name if _BARE.fullmatch(name) else _quoted(name)}]"
    if report.port != DEFAULT_PORT:
        yield f"port = {report.port}"
    yield f"username = {_quoted(report.username)}"
    fit = report.fit()
    if fit.profile != DEFAULT:
        yield f"profile = {_quoted(fit.profile)}"
    best = report.best()
    if best is not None:
        if best.driver != registry.choose(None).name:
            yield f"driver = {_quoted(best.driver)}"
        if best.holes and not report.is_known:
            yield f"# {KNOWN_HOSTS_ONLY} only: {', '.join(best.holes)}"
        for kind in KINDS:
            if names := getattr(best.allow, kind):
                yield f"algorithms.allow.{kind} = [{', '.join(map(_quoted, names))}]"
    if report.answer is not None and report.answer.subsystem != "netconf":
        yield f"subsystems = [{_quoted(report.answer.subsystem)}]"
    if report.auth_methods and report.auth_methods & {"password", "keyboard-interactive"}:
        variable = _NOT_IN_A_VARIABLE.sub("_", name.upper())
        yield f'# password = {{env = "PASSWORD_{variable}"}}'


def _quoted(text: str) -> str:
    # A string of JSON is one of TOML too.
    return json.dumps(text)
