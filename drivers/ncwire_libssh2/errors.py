"""libssh2's errors in ncwire's words, by what they mean for the operation that failed."""

from __future__ import annotations

from ssh2.error_codes import (
    LIBSSH2_ERROR_ALGO_UNSUPPORTED,
    LIBSSH2_ERROR_AUTHENTICATION_FAILED,
    LIBSSH2_ERROR_FILE,
    LIBSSH2_ERROR_KEX_FAILURE,
    LIBSSH2_ERROR_METHOD_NONE,
    LIBSSH2_ERROR_PASSWORD_EXPIRED,
    LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED,
    LIBSSH2_ERROR_SOCKET_DISCONNECT,
    LIBSSH2_ERROR_SOCKET_RECV,
    LIBSSH2_ERROR_SOCKET_SEND,
    LIBSSH2_ERROR_TIMEOUT,
)
from ssh2.exceptions import (
    ChannelFailure,
    ChannelRequestDenied,
    RequestDeniedError,
    SocketDisconnectError,
    SocketRecvError,
    SocketSendError,
    SSH2Error,
    Timeout,
)

REFUSALS = (ChannelFailure, ChannelRequestDenied, RequestDeniedError)
"""What the server's "no" to a channel, or to a request on one, raises."""

LOST = (SocketRecvError, SocketSendError)
"""What reading and writing raise when the socket has ended; it need not have been an error."""

_ENDED = "the connection was closed or broken by the server"
_WORDS: tuple[tuple[type[Exception], int, str], ...] = (
    (SocketDisconnectError, LIBSSH2_ERROR_SOCKET_DISCONNECT, "the server disconnected"),
    (SocketRecvError, LIBSSH2_ERROR_SOCKET_RECV, _ENDED),
    (SocketSendError, LIBSSH2_ERROR_SOCKET_SEND, _ENDED),
    (Timeout, LIBSSH2_ERROR_TIMEOUT, "libssh2 gave up waiting for the server"),
)
_PATIENCE = 60  # seconds for one answer: libssh2_priv.h, LIBSSH2_DEFAULT_READ_TIMEOUT
_DENIALS = {LIBSSH2_ERROR_AUTHENTICATION_FAILED, LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED}
_DISAGREEMENTS = {LIBSSH2_ERROR_KEX_FAILURE}
_KEY_TROUBLES = {LIBSSH2_ERROR_FILE, LIBSSH2_ERROR_METHOD_NONE, LIBSSH2_ERROR_ALGO_UNSUPPORTED}

# libssh2 1.11.1, userauth.c: one error number means several things, which its texts tell apart.
_NO_ANSWER = "Waiting for"
_KEY_REFUSED = "Username/PublicKey combination invalid"
_NOT_SIGNED = "Callback returned error"
_NEITHER_YES_NOR_NO = "Authentication failed"  # a denial has more words
_NO_SIGNATURE = "No signing signature matched"


class Fault(Exception):  # noqa: N818 - carries a library error to where it is mapped
    """An error of libssh2's, with the number and the text that go with it."""

    def __init__(self, error: SSH2Error, number: int, text: str) -> None:
        super().__init__(text)
        self.error = error
        self._number = number
        self._text = text
        self.after = 0.0
        """Seconds from the beginning of what was asked of libssh2."""

    def describe(self) -> str:
        """Return what has happened, in one clause."""
        if self.is_unanswered():
            # One error number for both; libssh2 counts in whole seconds.
            late = self.after >= _PATIENCE - 1
            return f"no answer came within {_PATIENCE} s, or {_ENDED}" if late else _ENDED
        for kind, number, words in _WORDS:
            # `userauth_list` of ssh2-python's raises nothing, so of it only the number is known.
            if isinstance(self.error, kind) or self._number == number:
                return words
        name = type(self.error).__name__
        return f"{self._text} ({name})" if self._text else name

    def is_disconnect(self) -> bool:
        """Return whether the server has said that it ends the connection."""
        return bool(self._number == LIBSSH2_ERROR_SOCKET_DISCONNECT)

    def is_about_agreement(self) -> bool:
        """Return whether the algorithms that are offered have not led to an agreement."""
        return self._number in _DISAGREEMENTS

    def is_denial(self) -> bool:
        """Return whether the server has said no to an authentication, or to that much of it."""
        if self._takes_no_signature():
            return True
        return self._number in _DENIALS and not self.is_unanswered()

    def is_certainly_denial(self) -> bool:
        """Return whether a denial is none that may be a partial success.

        It is when the server did not want the key, or got no signature to judge, or has said in
        advance that it takes none of those that the key may make.
        """
        return self._text in {_KEY_REFUSED, _NOT_SIGNED} or self._takes_no_signature()

    def is_about_the_key(self) -> bool:
        """Return whether it is the private key that libssh2 cannot use."""
        return self._number in _KEY_TROUBLES and not self._takes_no_signature()

    def is_password_expiry(self) -> bool:
        """Return whether the server wants the password changed (RFC 4252 section 8)."""
        if self._number == LIBSSH2_ERROR_AUTHENTICATION_FAILED:
            return self._text == _NEITHER_YES_NOR_NO
        return bool(self._number == LIBSSH2_ERROR_PASSWORD_EXPIRED)

    def is_refusal(self) -> bool:
        """Return whether the server has said no to a channel, or to a request on one."""
        return isinstance(self.error, REFUSALS)

    def _takes_no_signature(self) -> bool:
        return self._number == LIBSSH2_ERROR_METHOD_NONE and self._text == _NO_SIGNATURE

    def is_unanswered(self) -> bool:
        """Return whether there was no answer to an attempt, and the error does not tell why."""
        return self._number in _DENIALS and self._text.startswith(_NO_ANSWER)
