"""Authentication: what is tried, in which order, and the report of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire.driver.auth import AuthOutcome, AuthResult, NoneAttempt
from ncwire.driver.deadline import Deadline
from ncwire.errors import AuthenticationError, OptionError, SSHError
from ncwire.ssh.credentials import (
    AgentKeys,
    Credential,
    KeyFiles,
    NamedKeys,
    Password,
    PromptedPassword,
    Prompts,
    Source,
)
from ncwire.ssh.keys import USUAL_PLACES
from ncwire.steps import check_returned, driver_step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ncwire.driver.auth import AgentIdentity, Attempt, Prompt
    from ncwire.driver.options import ConnectOptions
    from ncwire.driver.ssh import SSHDriver
    from ncwire.ssh.keys import PrivateKey

MAX_DENIED = 6
"""How many attempts may be denied: OpenSSH's default MaxAuthTries, to which "none" counts
nothing (OpenSSH 9.2, auth2.c). Keys leave room for the password and the prompts that follow."""


class Authentication:
    """One connection's authentication, among the methods that the server offers.

    The order is: the keys of `key_filename`, the agent's, key files in the usual places or of
    ssh_config, prompts answered by `auth_handler`, the password; and prompts answered with the
    password, once, where the server takes it in no other way. No credential is tried twice, and
    after a partial success it goes on with what the server still wants.

    `proceed` is called before each step, and raises when there is to be none.
    """

    def __init__(
        self,
        driver: SSHDriver,
        options: ConnectOptions,
        named_keys: Sequence[PrivateKey],
        deadline: Deadline,
        proceed: Callable[[], None],
    ) -> None:
        self._driver = driver
        self._proceed = proceed
        self._options = options
        self._deadline = deadline
        self._report: list[str] = []
        self._tried: set[object] = set()
        self._denied: list[str] = []  # the methods of what was denied
        self._partial = False
        self._callback_error: BaseException | None = None
        self._sources = [
            (source, source.credentials(self._tried.__contains__, self._report.append))
            for source in self._plan(named_keys)
        ]

    def run(self) -> None:
        """Authenticate.

        Raises `AuthenticationError` when nothing is left to try or the server hangs up after
        denials, `StepTimeoutError` for an attempt that outlasts its budget, `SSHError` when the
        connection fails; what `auth_handler` raises passes through.
        """
        outcome = self._attempt("none", NoneAttempt(self._options.username))
        wanted = offered = outcome.methods
        while outcome.result is not AuthResult.SUCCESS:
            credential = self._next(wanted)
            if credential is None:
                raise self._failure(offered, wanted)
            outcome = self._try(credential)
            wanted = outcome.methods or wanted
            offered |= wanted

    def _plan(self, named_keys: Sequence[PrivateKey]) -> list[Source]:
        options, username = self._options, self._options.username
        paths = options.identity_files
        if not paths and options.look_for_keys:
            paths = USUAL_PLACES
        plan: list[Source] = []
        if named_keys:
            plan.append(NamedKeys(username, named_keys))
        if options.allow_agent:
            configured = (*options.key_filename, *paths)
            plan.append(
                AgentKeys(
                    username,
                    self._agent_identities,
                    configured,
                    only_configured=options.identities_only,
                )
            )
        if paths:
            plan.append(KeyFiles(username, paths, options.password))
        if options.auth_handler is not None:
            self._handler = options.auth_handler
            plan.append(Prompts(username, self._answer))
        if options.password is not None:
            plan.append(Password(username, options.password))
            if options.auth_handler is None:
                plan.append(PromptedPassword(username, options.password))
        return plan

    def _next(self, wanted: frozenset[str]) -> Credential | None:
        for source, credentials in self._sources:
            if not self._applies(source, wanted) or not self._room_for(source, wanted):
                continue
            for credential in credentials:
                return credential
        return None

    def _applies(self, source: Source, wanted: frozenset[str]) -> bool:
        able = source.feature in self._driver.features
        return able and source.applies(wanted, set(self._denied))

    def _room_for(self, source: Source, wanted: frozenset[str]) -> bool:
        reserved = 0
        if source.method == "publickey":
            reserved = sum(
                other.method != "publickey" and self._applies(other, wanted)
                for other, _ in self._sources
            )
        return len(self._denied) < MAX_DENIED - reserved

    def _try(self, credential: Credential) -> AuthOutcome:
        self._tried.add(credential.identity)
        try:
            outcome = self._attempt(credential.method, credential.attempt)
        except SSHError as error:
            if not self._denied:
                raise
            self._report.append(f"{credential.description}: the connection ended")
            raise AuthenticationError(
                f"{self._who()}: the server ended the connection at attempt "
                f"{len(self._denied) + 1}, as servers do after so many (MaxAuthTries): name the "
                "right key with key_filename, or leave keys out with allow_agent=False and "
                "look_for_keys=False",
                self._report,
            ) from error
        self._report.append(f"{credential.description}: {outcome.result.value}")
        if outcome.result is AuthResult.DENIED:
            self._denied.append(credential.method)
        elif outcome.result is AuthResult.PARTIAL:
            self._partial = True
        return outcome

    def _attempt(self, method: str, attempt: Attempt) -> AuthOutcome:
        step = f"authentication by {method}"
        deadline = Deadline.after(self._options.timeouts.auth, step, within=self._deadline)
        deadline.remaining()
        self._proceed()
        try:
            with driver_step(self._driver.name, step):
                outcome = self._driver.authenticate(attempt, deadline)
        except Exception:
            if self._callback_error is not None:
                raise self._callback_error from None
            raise
        check_returned(self._driver.name, step, outcome, AuthOutcome)
        return outcome

    def _agent_identities(self) -> Sequence[AgentIdentity]:
        step = "listing the agent's keys"
        deadline = Deadline.after(self._options.timeouts.auth, step, within=self._deadline)
        self._proceed()
        with driver_step(self._driver.name, step):
            return self._driver.agent_identities(deadline)

    def _answer(self, title: str, instruction: str, prompts: Sequence[Prompt]) -> Sequence[str]:
        # What the caller's handler raises must reach the caller, whatever lies between.
        try:
            answers = self._handler(title, instruction, prompts)
            _check_answers(answers, prompts)
        except BaseException as error:
            self._callback_error = error
            raise
        return answers

    def _failure(self, offered: frozenset[str], wanted: frozenset[str]) -> AuthenticationError:
        for source, credentials in self._sources:
            self._report_untried(source, credentials, offered)
        methods = ", ".join(sorted(wanted)) or "no method at all"
        if self._partial:
            problem = f"the server wants more, by one of: {methods}"
        elif self._tried:
            problem = f"the server accepted nothing that was tried; it offers {methods}"
        else:
            problem = (
                f"there is nothing to try; the server offers {methods}: "
                "pass password, key_filename or auth_handler"
            )
        return AuthenticationError(
            f"{self._who()}: {problem}", tuple(dict.fromkeys(self._report)), offered=wanted
        )

    def _report_untried(
        self, source: Source, credentials: Iterator[Credential], offered: frozenset[str]
    ) -> None:
        if source.method not in offered:
            self._report.append(f"{source.method}: not offered")
        elif source.feature not in self._driver.features:
            self._report.append(
                f"{source.feature.value}: not supported by driver {self._driver.name!r}"
            )
        elif not self._room_for(source, offered):
            for credential in credentials:
                self._report.append(
                    f"{credential.description}, and what follows it: not tried, servers end the "
                    f"connection after {MAX_DENIED} attempts"
                )
                return

    def _who(self) -> str:
        host = self._options.host
        return f"{self._options.username}@{host}" if host else self._options.username


def _check_answers(answers: Sequence[str], prompts: Sequence[Prompt]) -> None:
    strings = not isinstance(answers, str) and all(isinstance(answer, str) for answer in answers)
    if not strings or len(answers) != len(prompts):
        raise OptionError(
            "auth_handler", f"must return one string for each of the {len(prompts)} prompts"
        )
