"""`probe`: what a server offers, who can talk to it, and what it answers."""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING, Any

from ncwire._plugins import registry
from ncwire._plugins.driver_options import PerDriver, with_driver_options
from ncwire._plugins.recommended import KNOWN_HOSTS_ONLY
from ncwire._plugins.url import is_url, spelled_out
from ncwire._plugins.vulnerabilities import open_to_a_stranger
from ncwire._ssh.connecting import host_key_policy
from ncwire._ssh.hostkeys.known_hosts import host_entry_name
from ncwire._ssh.options.parameters import Parameters, check_names, filenames
from ncwire._ssh.options.resolve import settle
from ncwire._transports.connect import connect
from ncwire.driver.deadline import Deadline
from ncwire.driver.ssh import SSHDriver
from ncwire.errors import (
    AuthenticationError,
    ChannelError,
    DriverUnavailable,
    HandshakeError,
    NcwireError,
    OptionError,
    SSHUnknownHostError,
    StepTimeoutError,
    TransportError,
    UnsupportedOption,
)
from ncwire.probe import host_keys
from ncwire.probe.compatibility import Ability, Candidate, Verdict, judged
from ncwire.probe.connection import ProbeConnection
from ncwire.probe.greeting import SilentServerError, read_greeting, speaks_tls
from ncwire.probe.host_keys import HostKeyFinding, Standing
from ncwire.probe.report import Answer, Report
from ncwire.profiles.driver_choice import check_features

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import Unpack

    from ncwire._ssh.hostkeys.policy import HostKeyPolicy
    from ncwire._ssh.options.parameters import ConnectParameters, Filename
    from ncwire._transports.session import DriverSession
    from ncwire.driver.base import Backend
    from ncwire.driver.hostkey import HostKey
    from ncwire.driver.options import ConnectOptions
    from ncwire.probe.greeting import Greeting
    from ncwire.profiles import DeviceProfile
    from ncwire.profiles.ncclient_handler import ProfileLike

_log = logging.getLogger(__name__)

SUBSYSTEMS = ("netconf", "xmlagent")
"""The names that are tried where none are given: RFC 6242's, and NX-OS's of before."""
_TLS_PATIENCE = 5.0


def probe(
    host: str,
    *,
    driver: str | type[Backend] | None = None,
    known_hosts: Filename | Iterable[Filename] | None = None,
    log_in: bool = True,
    login: Callable[..., DriverSession] = connect,
    profile: ProfileLike | None = None,
    **parameters: Unpack[ConnectParameters],
) -> Report:
    """Look at a server, in a few connections one after another, and return what was found.

    `host` may be a URL, as with `ncwire.connect`.
    `parameters` are those of `SSHSession.connect`. What the server says by itself is read first;
    then each installed driver exchanges keys with it, and keys are exchanged once more for each
    type of host key that was not seen by then; the server is asked which authentication methods
    it offers to the user, unless its host key is a bad one. Up to there nothing secret is sent.

    With `log_in` the rest is up to `login`, which is called like `ncwire.connect`, and verifies
    the host key as that does: only to a host with a good one anything else is sent.
    `subsystems` are tried one at a time, and the hello of the first that answers is reported.
    Where no driver was asked for and the session of one fails, other than by a denial, the next
    is tried; if that succeeds, the verdict on the first says so.

    Raises `OptionError`, `UnsupportedOption` and `DriverError` before anything is sent, and
    `ConnectError`, `HandshakeError` or `StepTimeoutError` where no SSH server answers. Whatever
    goes wrong after that stands in the report.
    """
    check_names("probe", parameters)
    if is_url(host):
        beside: dict[str, Any] = {"profile": profile, "driver": driver, **parameters}
        said = spelled_out(host, beside)
        return probe(**said, known_hosts=known_hosts, log_in=log_in, login=login)
    chosen_driver = registry.choose(driver)
    if chosen_driver.transport != "ssh":
        problem = f"a probe looks at SSH servers; {chosen_driver.name!r} carries NETCONF over "
        raise OptionError("driver", problem + chosen_driver.transport)
    names = filenames("known_hosts", known_hosts)
    settled = None if profile is None else _profile(profile)
    subsystems = _subsystems(parameters.get("subsystems"), settled)
    parameters["subsystems"] = subsystems
    options = settle(Parameters(host=host, profile=settled, **parameters), names)
    preferred = _preferred(driver, options)
    own = _of_one_driver(registry.choose(driver), parameters.get("driver_options"))
    if own:
        parameters["driver_options"] = own
    of_profile = None if settled is None else settled.driver_options
    with_driver_options(options, registry.choose(driver), of_profile, own)
    prober = _Prober(
        options,
        preferred,
        lambda driver: with_driver_options(options, driver, of_profile, own),
    )
    greeting = prober.greeting()
    report = prober.report(greeting)
    if not log_in:
        return dataclasses.replace(report, left_out="it was not asked for")
    chosen, left_out = _driver_to_log_in(report, driver)
    if chosen is None:
        return dataclasses.replace(report, left_out=left_out)
    given: dict[str, Any] = {**parameters, "known_hosts": names or None}
    if settled is not None:
        given["profile"] = settled

    def attempt(report: Report, by: str | type[Backend]) -> Report:
        return _logged_in(
            report,
            registry.choose(by).name,
            subsystems,
            lambda name: login(**given | {"host": host, "subsystems": [name], "driver": by}),
        )

    tried = attempt(report, chosen)
    return tried if driver is not None else _with_another(report, tried, chosen, attempt)


def _of_one_driver(driver: type[Backend], given: Mapping[str, object] | None) -> PerDriver:
    """Return the driver's options so that the others, which are tried too, do not see them."""
    own = given if isinstance(given, PerDriver) else PerDriver({PerDriver.IN_USE: given or {}})
    others = {name: each for name, each in own.items() if name != PerDriver.IN_USE}
    mine = own.of(driver.name)
    return PerDriver({**others, driver.name: mine} if mine else others)


def _profile(given: ProfileLike) -> DeviceProfile:
    # Imported here: who names no profile is not to pay for reading one.
    from ncwire.profiles.ncclient_handler import settled  # noqa: PLC0415

    return settled(given)


def _subsystems(given: Iterable[str] | None, profile: DeviceProfile | None) -> tuple[str, ...]:
    if given is not None:
        return tuple(given)
    return SUBSYSTEMS if profile is None else profile.subsystems or SUBSYSTEMS


class _Prober:
    """The connections before a login."""

    def __init__(
        self,
        options: ConnectOptions,
        preferred: type[SSHDriver],
        options_for: Callable[[type[SSHDriver]], ConnectOptions],
    ) -> None:
        self._options = options
        self._options_for = options_for
        self._preferred = preferred
        self._policy: HostKeyPolicy = host_key_policy(options)
        self._methods: frozenset[str] | None = None
        self._methods_problem = "no keys could be exchanged"

    def greeting(self) -> Greeting:
        """Return what the server says by itself."""
        where = self._where()
        try:
            with self._connection(self._preferred) as connection:
                return read_greeting(
                    connection.sock, connection.deadline(f"SSH greeting of {where}")
                )
        except (SilentServerError, StepTimeoutError) as error:
            if self._is_tls():
                raise HandshakeError(
                    f"{where}: no SSH server answers: what is there speaks TLS"
                ) from error
            if isinstance(error, StepTimeoutError):
                raise
            raise HandshakeError(f"{where}: {error}") from error
        except HandshakeError as error:
            raise HandshakeError(f"{where}: {error}") from error

    def report(self, greeting: Greeting) -> Report:
        """Exchange keys, once for each driver and each type of key."""
        offer = greeting.offer
        plan = judged(offer, self._options.algorithms, self._policy.key_types())
        # The preferred driver first: it is the one to ask for the methods.
        plan.sort(key=lambda each: _name(each) != self._preferred.name)
        verdicts = [each if isinstance(each, Verdict) else self._tried(each) for each in plan]
        seen = [verdict.host_key for verdict in verdicts if verdict.host_key is not None]
        found = {key.blob: host_keys.finding(self._policy, key) for key in seen}
        drivers = [driver for driver, status in registry.ssh_drivers() if status.status == "ok"]
        drivers.sort(key=lambda driver: driver is not self._preferred)
        findings = list(found.values())
        for name in host_keys.unseen(offer.host_keys, seen):
            ways = list(host_keys.ways(name, offer, drivers))
            findings.append(self._shown(name, ways))
        options = self._options
        return Report(
            host=options.host or "",
            port=options.port,
            username=options.username,
            greeting=greeting,
            drivers=tuple(verdicts),
            host_keys=tuple(sorted(findings, key=lambda each: _place(each, offer.host_keys))),
            auth_methods=self._methods,
            auth_problem="" if self._methods is not None else self._methods_problem,
        )

    def _tried(self, candidate: Candidate) -> Verdict:
        try:
            return candidate.verdict(self._exchange(candidate.driver, candidate.offered))
        except NcwireError as error:
            return candidate.verdict(error)

    def _shown(self, name: str, ways: Sequence[tuple[type[SSHDriver], Any]]) -> HostKeyFinding:
        problem = "no installed driver can exchange keys by it"
        for driver, offered in ways:
            try:
                return host_keys.finding(self._policy, self._exchange(driver, offered))
            except NcwireError as error:
                problem = str(error)
        return HostKeyFinding(name, Standing.UNSEEN, detail=problem)

    def _exchange(self, driver: type[SSHDriver], offered: Any) -> HostKey:
        with self._connection(driver) as connection:
            key = connection.exchange_keys(offered)
            if self._methods is None:
                self._ask_for_methods(connection, key)
            return key

    def _ask_for_methods(self, connection: ProbeConnection, key: HostKey) -> None:
        if (standing := host_keys.finding(self._policy, key).standing).is_bad:
            self._methods_problem = f"not asked: the host key is {standing.value}"
            return
        try:
            self._methods = connection.auth_methods()
        except NcwireError as error:
            self._methods_problem = str(error)

    def _is_tls(self) -> bool:
        try:
            with self._connection(self._preferred) as connection:
                return speaks_tls(connection.sock, Deadline.after(_TLS_PATIENCE, "TLS hello"))
        except TransportError:
            return False

    def _connection(self, driver: type[SSHDriver]) -> AbstractContextManager[ProbeConnection]:
        return ProbeConnection.at(driver, self._options_for(driver))

    def _where(self) -> str:
        return host_entry_name(self._options.host or "", self._options.port)


def _preferred(driver: str | type[Backend] | None, options: ConnectOptions) -> type[SSHDriver]:
    """Return the driver that is asked for, or another that shows the steps of a connection."""
    chosen = registry.choose(driver)
    needed = options.required_features()
    if issubclass(chosen, SSHDriver):
        check_features(chosen, needed)
        return chosen
    able = [each for each in registry.ssh_drivers() if each[1].status == "ok"]
    if not able:
        raise DriverUnavailable(
            chosen.name,
            "it is no SSH driver, and no other can be used",
            "install one that is: pip install paramiko",
        )
    # Nothing is known of the host yet.
    other, _ = min(able, key=lambda each: bool(open_to_a_stranger(each[1].libraries)))
    check_features(other, needed)
    return other


def _driver_to_log_in(
    report: Report, driver: str | type[Backend] | None
) -> tuple[str | type[Backend] | None, str]:
    """Return the driver to log in with, or None and why there is to be no login."""
    verdicts = {verdict.driver: verdict for verdict in report.drivers}
    chosen = registry.choose(driver)
    verdict = verdicts.get(chosen.name)
    if verdict is None or verdict.ability in {Ability.YES, Ability.UNTOLD}:
        return driver or chosen.name, ""
    best = report.best()
    if best is None:
        return None, "no installed driver can talk to the server"
    if best.ability is Ability.IF_ALLOWED:
        # Secrets go over weak algorithms only where somebody has allowed these by name.
        return None, "the server needs algorithms that have to be allowed by name"
    if driver is not None:
        can = f"{best.driver!r} can"
        if best.holes:
            can += f", {KNOWN_HOSTS_ONLY} (see: ncwire drivers)"
        return None, f"driver {chosen.name!r} cannot talk to the server; {can}"
    return best.driver, ""


def _logged_in(
    report: Report, driver: str, subsystems: Sequence[str], login: Callable[[str], DriverSession]
) -> Report:
    refused: list[str] = []
    problem: NcwireError | None = None
    for name in subsystems:
        try:
            with login(name) as session:
                answer = _answer(session, driver, name, refused)
                return dataclasses.replace(report, answer=answer)
        except ChannelError as error:
            refused.append(name)
            problem = error
        except NcwireError as error:
            return dataclasses.replace(report, problem=error)
    return dataclasses.replace(report, problem=problem)


def _with_another(
    report: Report,
    tried: Report,
    first: str | type[Backend],
    attempt: Callable[[Report, str], Report],
) -> Report:
    """Return what came of logging in with the first driver, or of the next if that one failed.

    The verdict on one that failed says so then, and it is not advised. Where all fail it is no
    driver's fault. A denial is final: each attempt counts at the server. A driver whose library
    has a hole for a stranger is not tried at a host that is not known.
    """
    failed = registry.choose(first).name
    if tried.problem is None or isinstance(tried.problem, _FINAL):
        return tried
    for verdict in report.drivers:
        if verdict.ability is not Ability.YES or verdict.driver == failed:
            continue
        if verdict.holes and not report.is_known:
            continue
        other = attempt(report, verdict.driver)
        if other.answer is not None:
            verdicts = tuple(
                dataclasses.replace(
                    each, ability=Ability.NO, reason=f"its session failed: {tried.problem}"
                )
                if each.driver == failed
                else each
                for each in report.drivers
            )
            return dataclasses.replace(other, drivers=verdicts)
        if isinstance(other.problem, AuthenticationError):
            break
    return tried


_FINAL = (AuthenticationError, SSHUnknownHostError, OptionError, UnsupportedOption, ChannelError)


def _answer(session: DriverSession, driver: str, subsystem: str, refused: Sequence[str]) -> Answer:
    info = session.channel_info
    offers = (session.client_capabilities, session.server_capabilities or ())
    return Answer(
        subsystem=subsystem,
        refused=tuple(refused),
        session_id=session.id or "",
        framing="chunked" if all(":base:1.1" in each for each in offers) else "end-of-message",
        capabilities=tuple(session.server_capabilities or ()),
        driver=driver,
        banner=info.banner if info else "",
    )


def _name(each: Candidate | Verdict) -> str:
    return each.driver if isinstance(each, Verdict) else each.driver.name


def _place(finding: HostKeyFinding, algorithms: Sequence[str]) -> int:
    places = [i for i, name in enumerate(algorithms) if host_keys.key_type(name) == finding.type]
    return min(places, default=len(algorithms))
