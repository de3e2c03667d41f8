"""Authentication: what is tried, in which order, and the report of it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from ncwire._plugins.guard import check_returned, driver_step
from ncwire._ssh.auth import private_keys
from ncwire._ssh.auth.answer_clock import AnswerClock
from ncwire._ssh.auth.credentials import Password, PromptedPassword, Prompts
from ncwire._ssh.auth.key_credentials import AgentKeys, KeyFiles, KeyUser, NamedKeys
from ncwire._ssh.auth.password_prompts import asks_for_password, hides_its_answer
from ncwire._ssh.auth.plan import Plan
from ncwire._ssh.auth.user_certificates import Certificates
from ncwire._ssh.destination import is_encodable
from ncwire.driver.auth import AuthOutcome, AuthResult, InteractiveAttempt, NoneAttempt
from ncwire.driver.deadline import Deadline
from ncwire.driver.features import Feature
from ncwire.errors import (
    AuthenticationError,
    DisconnectError,
    KeyFileError,
    NcwireError,
    OptionError,
    PasswordExpiredError,
    SSHError,
    StepTimeoutError,
)
from ncwire.errors.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire._ssh.auth.credentials import Credential, Source
    from ncwire._ssh.auth.private_keys import PrivateKey
    from ncwire.driver.auth import AgentIdentity, Attempt, Prompt
    from ncwire.driver.options import ConnectOptions
    from ncwire.driver.ssh import SSHDriver

_log = logging.getLogger("ncwire.ssh.auth")

_KEYS = frozenset({"publickey"})
_LONGEST_LIST = 1000


class Authenticator:
    """One connection's authentication, among the methods that the server offers.

    The order is: the keys of `key_filename`, the agent's, key files in the usual places or of
    ssh_config, each with its certificates first; prompts answered by `auth_handler`, the
    password; and prompts answered with the password, once, where the server takes it in no other
    way: never one whose answer is shown, and where the driver cannot know that, only one that asks
    for a password in so many words. `auth_methods` leaves methods out, and may order them
    otherwise. No credential is tried twice, and after a partial success it goes on with what the
    server still wants. A key that cannot be used is left out, and reported.

    `proceed` is called before each step, and raises when there is to be none. `hang_up` frees the
    connection, whatever the driver is doing with it; it may be called on another thread.

    The budget of an attempt is the server's. While `auth_handler` answers only the deadline of all
    steps runs on.
    """

    def __init__(
        self,
        driver: SSHDriver,
        options: ConnectOptions,
        named_keys: Sequence[PrivateKey | KeyFileError],
        deadline: Deadline,
        *,
        proceed: Callable[[], None],
        hang_up: Callable[[], None],
    ) -> None:
        self._driver = driver
        self._proceed = proceed
        self._hang_up = hang_up
        self._clock: AnswerClock | None = None
        self._options = options
        self._deadline = deadline
        self._report: list[str] = []
        self._partial = False
        self._callback_error: BaseException | None = None
        self._certificates = Certificates(options.certificate_files)
        self._unusable = [each for each in named_keys if isinstance(each, KeyFileError)]
        self._not_loaded: list[KeyFileError] = []
        """Those of `_unusable` whose turn has come."""
        self._not_used: list[KeyFileError] = []
        """Keys that were loaded, and that the driver's library cannot use."""
        self._plan = Plan(self._sources(named_keys), driver.features, self._report.append)
        self._wanted: frozenset[str] = frozenset()
        self._offered: frozenset[str] = frozenset()
        self._told = True
        """Whether `_wanted` is what the server has said, and not what is likely."""
        self._unclear: tuple[int, Credential, frozenset[str] | None] | None = None
        """The line in the report, the credential, and what the server wanted, if it had said."""
        self._answered = False
        """Whether the server has said anything to an attempt."""
        self._is_refused = False
        """Whether it has denied a credential, or may have."""

    def run(self) -> None:
        """Authenticate.

        Raises `AuthenticationError` when nothing is left to try or the server hangs up after
        denials, which is a `KeyFileError` where a key that cannot be used was all that the server
        would have taken; `StepTimeoutError` for an attempt that outlasts its budget, `SSHError`
        when the connection fails; what `auth_handler` raises passes through.
        """
        self._log_in()
        for error in (*filter(self._is_a_loss, self._unusable), *self._not_used):
            _log.warning("%s: %s; it was left out", self._who(), error)

    def _log_in(self) -> None:
        outcome = self._attempt("none", NoneAttempt(self._options.username))
        self._tell(outcome.methods)
        _log.debug(
            "%s: the server offers %s; the plan: %s",
            self._who(),
            _listed(self._wanted),
            self._plan,
        )
        while outcome.result is not AuthResult.SUCCESS:
            credential = self._plan.next(self._wanted)
            if credential is not None:
                outcome = self._try(credential)
            elif not self._told:
                outcome = self._ask()
            else:
                raise self._failure()

    def _sources(self, named_keys: Sequence[PrivateKey | KeyFileError]) -> list[Source]:
        options, username = self._options, self._options.username
        user = KeyUser(
            username,
            self._certificates,
            self._driver.name,
            presents_certificates=Feature.USER_CERTIFICATE in self._driver.features,
            uses_security_keys=Feature.AGENT_SECURITY_KEY in self._driver.features,
        )
        paths = private_keys.other_files(options)
        sources: list[Source] = []
        if named_keys:
            sources.append(NamedKeys(user, named_keys, self._not_loaded.append))
        if options.allow_agent and options.identity_agent is not None:
            agent = options.identity_agent
            sources.append(
                AgentKeys(
                    user,
                    agent,
                    lambda: self._agent_identities(agent),
                    (*options.key_filename, *paths),
                    only_configured=options.identities_only,
                )
            )
        if paths:
            opener = private_keys.Opener(options.passphrase, options.password)
            sources.append(KeyFiles(user, paths, opener))
        if options.auth_handler is not None:
            self._handler = options.auth_handler
            sources.append(Prompts(username, self._answer))
        if options.password is not None:
            sources.append(Password(username, options.password))
            if options.auth_handler is None:
                knows_echo = Feature.PROMPT_ECHO in self._driver.features
                is_for_it = hides_its_answer if knows_echo else asks_for_password
                sources.append(PromptedPassword(username, options.password, is_for_it))
        allowed = options.auth_methods
        return sorted(
            (each for each in sources if each.method in allowed),
            key=lambda each: each.rank(allowed),
        )

    def _try(self, credential: Credential) -> AuthOutcome:
        try:
            outcome = self._attempt(credential.method, credential.attempt)
        except PasswordExpiredError as error:
            self._note(credential, "the server wants it changed")
            raise PasswordExpiredError(
                f"{self._who()}: the password has expired; change it by other means, such as ssh",
                self._report,
                offered=self._wanted,
            ) from error
        except KeyFileError as error:
            # The library cannot use this one; nothing was sent.
            self._not_used.append(error)
            self._note(credential, f"not tried, {error.problem}")
            return AuthOutcome(AuthResult.DENIED, self._wanted)
        except SSHError as error:
            if not self._is_refused and not isinstance(error, DisconnectError):
                error.is_lost_login = True
                raise
            self._note(credential, "the connection ended")
            raise self._hung_up(error) from error
        self._answered = True
        # Also where the driver cannot tell a denial from a part of what is wanted.
        self._is_refused |= outcome.result not in (AuthResult.SUCCESS, AuthResult.PARTIAL)
        self._note(credential, outcome.result.value)
        if outcome.result is AuthResult.DENIED:
            self._plan.count_failure()
        self._partial |= outcome.result is AuthResult.PARTIAL
        if outcome.methods:
            self._tell(outcome.methods)
            return outcome
        if outcome.result in (AuthResult.SUCCESS, AuthResult.DENIED):
            return outcome
        return self._go_on_untold(credential, outcome)

    def _go_on_untold(self, credential: Credential, outcome: AuthOutcome) -> AuthOutcome:
        """Ask what the server wants now, or go on without: asking counts as a failure there.

        A key was accepted as one of several if the server let it sign. What else it did not let
        in has been denied, most likely, and then it wants what it wanted before.
        """
        self._unclear = (len(self._report) - 1, credential, self._wanted if self._told else None)
        self._told = False
        if credential.method != "publickey":
            self._plan.count_failure()
            return outcome
        left = self._plan.methods_left()
        if len(left) > 1 and not self._plan.failures:
            return self._ask()
        # With failures counted, asking may be the one too many: go on with what is likely.
        likely = ["password", "keyboard-interactive", "publickey"]
        if self._options.auth_handler is not None:
            likely.insert(0, "keyboard-interactive")
        self._wanted = frozenset([method for method in likely if method in left][:1])
        return outcome

    def _ask(self) -> AuthOutcome:
        try:
            outcome = self._attempt("none", NoneAttempt(self._options.username))
        except SSHError as error:
            if self._plan.methods_left():
                raise self._hung_up(error) from error
            # It was for the report only; what is accepted as one of several counts no failure.
            self._clear_up(self._wanted)
            raise self._failure() from error
        self._plan.count_failure()
        self._clear_up(outcome.methods)
        self._tell(outcome.methods)
        return outcome

    def _clear_up(self, wanted: frozenset[str]) -> None:
        """Correct the report of what was unclear, now that the server tells what it wants."""
        if self._unclear is None:
            return
        line, credential, before = self._unclear
        self._unclear = None
        result = AuthResult.DENIED
        if before is None and credential.method not in wanted:
            # It was not wanted, for all that is known: the password may still answer prompts.
            self._plan.forget(credential.method)
            return
        if before is not None and (wanted != before or before == {credential.method} == _KEYS):
            result = AuthResult.PARTIAL
        self._partial |= result is AuthResult.PARTIAL
        self._report[line] = credential.line(result.value)

    def _tell(self, wanted: frozenset[str]) -> None:
        self._wanted = wanted
        self._offered |= wanted
        self._told = True

    def _note(self, credential: Credential, result: str) -> None:
        self._report.append(credential.line(result))
        _log.debug("%s: %s", self._who(), self._report[-1])

    def _attempt(self, method: str, attempt: Attempt) -> AuthOutcome:
        step = f"authentication by {method}"
        deadline = Deadline.after(self._options.timeouts.auth, step, within=self._deadline)
        deadline.remaining()
        self._proceed()
        try:
            if isinstance(attempt, InteractiveAttempt) and self._options.auth_handler is not None:
                return self._asked(step, attempt)
            return self._carried_out(step, attempt, deadline)
        except Exception:
            if self._callback_error is not None:
                raise self._callback_error from None
            raise

    def _carried_out(self, step: str, attempt: Attempt, deadline: Deadline) -> AuthOutcome:
        with driver_step(self._driver.name, step):
            outcome = self._driver.authenticate(attempt, deadline)
        check_returned(self._driver.name, step, outcome, AuthOutcome)
        return outcome

    def _asked(self, step: str, attempt: Attempt) -> AuthOutcome:
        """Carry out an attempt in which `auth_handler` answers, by a clock that stops then."""
        budget = self._options.timeouts.auth
        end = self._deadline
        whole = Deadline(end.at, f"{step} ({end.step})", end.seconds)
        with AnswerClock(budget, self._hang_up) as self._clock:
            try:
                outcome = self._carried_out(step, attempt, whole)
            except NcwireError as error:
                if self._clock.has_expired:
                    raise StepTimeoutError(step, budget) from error
                raise
        if self._clock.has_expired:
            raise StepTimeoutError(step, budget)
        return outcome

    def _agent_identities(self, agent: str) -> Sequence[AgentIdentity]:
        step = "listing the agent's keys"
        deadline = Deadline.after(self._options.timeouts.auth, step, within=self._deadline)
        self._proceed()
        with driver_step(self._driver.name, step):
            return self._driver.agent_identities(agent, deadline)

    def _answer(self, title: str, instruction: str, prompts: Sequence[Prompt]) -> Sequence[str]:
        # What the caller's handler raises must reach the caller, whatever lies between.
        try:
            with self._clock.stopped() if self._clock else nullcontext():
                answers = self._handler(title, instruction, prompts)
            _check_answers(answers, prompts)
        except BaseException as error:
            self._callback_error = error
            raise
        return answers

    def _is_a_loss(self, error: KeyFileError) -> bool:
        public = private_keys.public_half(error.path)
        if public is None:  # as a file is that is not there
            return True
        # An encrypted file is no loss if it was not needed, or the agent holds its key.
        return error in self._not_loaded and not self._plan.was_tried(public.blob)

    def _failure(self) -> AuthenticationError:
        self._plan.report_untried(self._offered, self._driver.name)
        methods = _listed(self._wanted)
        if self._partial:
            problem = f"the server wants more, by one of: {methods}"
        elif self._answered:
            problem = f"the server accepted nothing that was tried; it offers {methods}"
        elif unusable := [*self._not_loaded, *self._not_used]:
            first = unusable[0]
            return KeyFileError(first.path, first.problem, self._attempts(), offered=self._wanted)
        else:
            problem = (
                f"there is nothing to try; the server offers {methods}: "
                "pass password, key_filename or auth_handler"
            )
        return self._error(problem)

    def _hung_up(self, error: SSHError) -> AuthenticationError:
        self._plan.report_cut_off(self._wanted)
        failures = self._plan.failures + 1
        after = f"{failures} failures" if failures > 1 else "1 failure"
        return self._error(
            f"the server ended the connection after {after} ({error}), as "
            "servers do after so many (MaxAuthTries): name the right key with key_filename, or "
            "leave keys out with allow_agent=False and look_for_keys=False, or with "
            "IdentitiesOnly in ssh_config"
        )

    def _error(self, problem: str) -> AuthenticationError:
        return AuthenticationError(
            f"{self._who()}: {problem}", self._attempts(), offered=self._wanted
        )

    def _attempts(self) -> Sequence[str]:
        return tuple(dict.fromkeys((*self._report, *self._certificates.unused())))

    def _who(self) -> str:
        host = self._options.host
        return f"{self._options.username}@{host}" if host else self._options.username


def _listed(methods: frozenset[str]) -> str:
    # The server's own words, and as many as it likes.
    return one_line(", ".join(sorted(methods)), _LONGEST_LIST) or "no method at all"


def _check_answers(answers: Sequence[str], prompts: Sequence[Prompt]) -> None:
    came = _no_answers(answers, len(prompts))
    if came:
        texts = ", ".join(f'"{prompt.text}"' for prompt in prompts)
        asked = f" ({one_line(texts, _LONGEST_LIST)})" if texts else ""
        raise OptionError(
            "auth_handler",
            f"must return a list of one string for each of the {len(prompts)} prompts{asked}; "
            f"{came} came",
        )
    if not all(map(is_encodable, answers)):
        raise OptionError("auth_handler", "has returned what cannot be sent as UTF-8")


def _no_answers(answers: object, wanted: int) -> str:
    """Return what has come in place of so many answers, without showing it; "" if it is them."""
    if not isinstance(answers, Sequence) or isinstance(answers, str | bytes | bytearray):
        return type(answers).__name__
    for answer in answers:
        if not isinstance(answer, str):
            return f"a list with {type(answer).__name__} in it"
    return "" if len(answers) == wanted else f"a list of {len(answers)}"
