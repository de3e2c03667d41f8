"""Authentication attempts, one call of libssh2's each."""

from __future__ import annotations

from base64 import b64encode
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ssh2.error_codes import LIBSSH2_ERROR_SOCKET_DISCONNECT
from ssh2.exceptions import SSH2Error

from ncwire.driver import (
    AgentAttempt,
    AuthOutcome,
    AuthResult,
    HostKey,
    InteractiveAttempt,
    NoneAttempt,
    PasswordAttempt,
    Prompt,
    PublicKeyAttempt,
)
from ncwire.errors import DisconnectError, KeyFileError, PasswordExpiredError, SSHError
from ncwire_libssh2.agent import AgentRelay
from ncwire_libssh2.connection import AGAIN
from ncwire_libssh2.cstring import c_string
from ncwire_libssh2.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ncwire.driver import Attempt, Deadline
    from ncwire_libssh2.connection import Connection

_SUCCESS = AuthOutcome(AuthResult.SUCCESS)


class Authentication:
    """The authentication of one connection, which remembers what the server offers.

    libssh2 tells neither a partial success from a denial nor the methods that are left: only
    asking, by method "none", does, and OpenSSH counts that as a failure. The core decides when.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._methods: frozenset[str] = frozenset()

    def attempt(self, attempt: Attempt, deadline: Deadline) -> AuthOutcome:
        """Carry out one attempt; see `SSHDriver.authenticate`."""
        username = c_string(attempt.username, "a NUL in username")
        if isinstance(attempt, NoneAttempt):
            return self._none(username, deadline)
        try:
            match attempt:
                case PublicKeyAttempt():
                    self._publickey(attempt, username, deadline)
                case AgentAttempt():
                    self._agent(attempt, username, deadline)
                case PasswordAttempt():
                    self._password(attempt, username, deadline)
                case InteractiveAttempt():
                    self._interactive(attempt, username, deadline)
        except Fault as fault:
            return self._refused(fault, username, deadline)
        return _SUCCESS

    def _none(self, username: bytes, deadline: Deadline) -> AuthOutcome:
        try:
            methods = self._connection.drive_aside(lambda: self._list(username), deadline)
        except Fault as fault:
            raise _ended(fault) from fault.error
        if methods is None:
            return _SUCCESS
        self._methods = frozenset(filter(None, methods))
        return AuthOutcome(AuthResult.DENIED, self._methods)

    def _list(self, username: bytes) -> list[str] | int | None:
        session = self._connection.session
        methods: list[str] | None = session.userauth_list(username)
        if methods is not None or session.userauth_authenticated():
            return methods
        # NULL is "would block" and every error, too: only the error number tells.
        if session.last_errno() == AGAIN:
            return AGAIN
        raise SSH2Error

    def _publickey(self, attempt: PublicKeyAttempt, username: bytes, deadline: Deadline) -> None:
        connection, key = self._connection, attempt.private_key
        public = None if attempt.certificate is None else _public_line(attempt.certificate)
        try:
            connection.drive_aside(
                lambda: connection.session.userauth_publickey_frommemory(
                    username, key, publickeyfiledata=public
                ),
                deadline,
            )
        except Fault as fault:
            if fault.is_about_the_key():
                raise KeyFileError(
                    attempt.source, f"libssh2 cannot use it: {fault.describe()}"
                ) from fault.error
            raise

    def _agent(self, attempt: AgentAttempt, username: bytes, deadline: Deadline) -> None:
        connection = self._connection
        # libssh2's keys point into their agent's memory, so the two go together, and before
        # the session.
        handles: list[Any] = []
        with AgentRelay(attempt, deadline, connection.stop) as relay:
            with connection, connection.lock:
                connection.check_not_ending()
                connection.others.append(handles)
                try:
                    handles.append(connection.session.agent_init())
                    handles[0].set_identity_path(relay.path)
                    handles[0].connect()
                    relay.accept()
                    handles.append(handles[0].get_identities())
                except SSH2Error as error:
                    raise SSHError("SSH agent: libssh2 cannot use it") from error
            try:
                connection.drive_aside(
                    lambda: handles[0].userauth(username, handles[1][0]), deadline
                )
            finally:
                relay.leave()
                connection.drop(handles)

    def _password(self, attempt: PasswordAttempt, username: bytes, deadline: Deadline) -> None:
        connection = self._connection
        password = c_string(attempt.password, "a NUL in password")
        try:
            connection.drive_aside(
                lambda: connection.session.userauth_password(username, password), deadline
            )
        except Fault as fault:
            if fault.is_password_expiry():
                raise PasswordExpiredError(
                    "authentication: the server wants the password changed"
                ) from fault.error
            raise

    def _interactive(
        self, attempt: InteractiveAttempt, username: bytes, deadline: Deadline
    ) -> None:
        connection, answers = self._connection, _Answers(attempt.answer, self._connection)

        def converse() -> Any:
            try:
                return connection.session.userauth_keyboardinteractive_callback(username, answers)
            except SystemError as error:
                # What ssh2-python 1.2.0 makes of an exception of its own in the callback. The
                # attempt has gone on with empty answers.
                if not isinstance(error.__cause__, UnicodeDecodeError):
                    raise
                raise SSHError("keyboard-interactive: the server's prompt is not UTF-8") from error
            finally:
                if answers.error is not None:
                    raise answers.error

        # Here, not aside: the user is asked in this thread. It would be of no use there, either:
        # ssh2-python 1.2.0 holds the interpreter in this one call.
        connection.drive(converse, deadline)

    def _refused(self, fault: Fault, username: bytes, deadline: Deadline) -> AuthOutcome:
        deadline.remaining()  # an agent that was too slow has refused, too
        if fault.is_certainly_denial():
            return AuthOutcome(AuthResult.DENIED, self._methods)
        if fault.is_unanswered() and self._is_disconnected(username):
            raise DisconnectError("authentication: the server disconnected") from fault.error
        if not fault.is_denial():
            raise _ended(fault) from fault.error
        self._methods = frozenset()
        return AuthOutcome(AuthResult.UNCLEAR)

    def _is_disconnected(self, username: bytes) -> bool:
        """Return whether the server has said that it ends the connection.

        libssh2 1.11.1 has one error for all that can keep an answer to a key or to prompts away
        (userauth.c), but remembers it: to ask anything else then fails with another one. It is
        asked where nothing is sent.
        """
        connection = self._connection

        def ask() -> None:
            with suppress(SSH2Error):
                connection.session.userauth_list(username)

        with connection, connection.lock:
            connection.check_not_ending()
            connection.with_peer_played(b"", ask)
            return bool(connection.session.last_errno() == LIBSSH2_ERROR_SOCKET_DISCONNECT)


class _Answers:
    """The callback for libssh2, out of which nothing must be raised, and too little never come.

    ssh2-python 1.2.0 prints and forgets what is raised, and reads past the end of too short a
    list. It does not tell whether a prompt may be echoed, so none may.
    """

    def __init__(
        self,
        answer: Callable[[str, str, Sequence[Prompt]], Sequence[str]],
        connection: Connection,
    ) -> None:
        self._answer = answer
        self._connection = connection
        self.error: BaseException | None = None

    def __call__(self, title: bytes, instruction: bytes, texts: Sequence[str]) -> list[bytes]:
        prompts = [Prompt(text, echo=False) for text in texts]
        empty = [b""] * len(prompts)
        if self.error is not None:
            return empty
        try:
            answers = self._answer(_text(title), _text(instruction), prompts)
            encoded = [answer.encode() for answer in answers]
        except BaseException as error:  # noqa: BLE001 - raised again by who called libssh2
            self.error = error
            # libssh2 goes on to send what is returned: the server must not see answers that
            # were never given.
            self._connection.shut_down()
            return empty
        return [*encoded, *empty][: len(prompts)]


def _public_line(blob: bytes) -> bytes:
    return f"{HostKey.from_blob(blob).type} {b64encode(blob).decode('ascii')}".encode("ascii")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _ended(fault: Fault) -> SSHError:
    kind = DisconnectError if fault.is_disconnect() else SSHError
    return kind(f"authentication: {fault.describe()}")
