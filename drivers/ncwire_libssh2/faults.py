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
)
from ssh2.exceptions import (
    BannerRecvError,
    BannerSendError,
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

_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (SocketDisconnectError, "the server disconnected"),
    (SocketRecvError, "the connection was closed or broken by the server"),
    (SocketSendError, "the connection was closed or broken by the server"),
    (BannerRecvError, "no SSH identification came from the server"),
    (BannerSendError, "the SSH identification could not be sent"),
    (Timeout, "libssh2 gave up waiting for the server"),
)
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

    def describe(self) -> str:
        """Return what has happened, in one clause."""
        if self._is_unanswered():
            return "the connection ended, or no answer came within 60 s"
        for kind, words in _WORDS:
            if isinstance(self.error, kind):
                return words
        name = type(self.error).__name__
        return f"{self._text} ({name})" if self._text else name

    def is_about_agreement(self) -> bool:
        """Return whether the algorithms that are offered have not led to an agreement."""
        return self._number in _DISAGREEMENTS

    def is_denial(self) -> bool:
        """Return whether the server has said no to an authentication, or to that much of it."""
        if self._takes_no_signature():
            return True
        return self._number in _DENIALS and not self._is_unanswered()

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

    def _is_unanswered(self) -> bool:
        return self._number in _DENIALS and self._text.startswith(_NO_ANSWER)
