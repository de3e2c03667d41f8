"""Every error that ncwire raises; `NcwireError` is the root of all.

The names, arguments and bases of `TransportError`, `SessionError`, `SSHError`,
`AuthenticationError`, `SessionCloseError`, `SSHUnknownHostError` and `NetconfFramingError` are
those of the documented NETCONF transport API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ncwire.driver.algorithms import Algorithms


class NcwireError(Exception):
    """The root: `except NcwireError` catches whatever ncwire raises.

    `jump_host` is the jump host at which it happened ("bastion:22"), with which the text begins;
    None where it was no jump host.
    """

    jump_host: str | None = None

    def __str__(self) -> str:
        return f"jump host {self.jump_host}: {self._text()}" if self.jump_host else self._text()

    def at_jump_host(self, name: str) -> Self:
        """Return this same error, which is said to have happened at that jump host."""
        self.jump_host = self.jump_host or name
        return self

    def _text(self) -> str:
        return super().__str__()


class OptionError(NcwireError, ValueError):
    """A parameter's value is not of the documented form; nothing was sent."""

    def __init__(self, option: str, problem: str) -> None:
        super().__init__(f"{option}: {problem}")
        self.option = option
        self.problem = problem


class ProfileError(OptionError):
    """A device profile is not as it must be, or there is none of that name.

    `file` is where it stands, `profile` its name, `key` the option with dots for tables ("" where
    it is about the whole). Nothing was sent.
    """

    def __init__(self, file: str, profile: str, key: str, problem: str) -> None:
        super().__init__("profile", problem)
        self.file = file
        self.profile = profile
        self.key = key

    def _text(self) -> str:
        named = f"profile {self.profile!r}" if self.profile else "profile"
        place = f"{named} in {self.file}" if self.file else named
        return ": ".join(filter(None, (place, self.key, self.problem)))


class ProfileNotFoundError(ProfileError):
    """There is no profile of that name."""


class InventoryError(NcwireError, ValueError):
    """The inventory cannot be used; `path` is its file.

    `problems` are all that were found, each with its place in the file: line where that is
    known, and key.
    """

    def __init__(self, path: str, problems: Sequence[str]) -> None:
        super().__init__(path, problems)
        self.path = path
        self.problems = tuple(problems)

    def _text(self) -> str:
        if len(self.problems) == 1:
            return f"inventory {self.path}: {self.problems[0]}"
        listed = "\n".join(f"  {problem}" for problem in self.problems)
        return f"inventory {self.path}: {len(self.problems)} errors\n{listed}"


class SecretError(NcwireError):
    """A secret could not be had from where the inventory says it is; the text never has it."""

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(f"{source}: {problem}")
        self.source = source
        self.problem = problem


# --- transport ---------------------------------------------------------------------------------


class TransportError(NcwireError):
    """The transport failed: no session came to be, or the one there was has ended."""


class SessionCloseError(TransportError):
    """The session ended.

    `in_buf` is what had arrived of a message that never became whole, `out_buf` what was queued
    and never left. The text gives their sizes only: both may hold configuration secrets.
    `closed_by` is "us" or "peer".
    """

    def __init__(
        self,
        in_buf: bytes | str,
        out_buf: bytes | str | None = None,
        *,
        closed_by: str = "peer",
        reason: str | None = None,
    ) -> None:
        self.in_buf = in_buf
        self.out_buf = out_buf
        self.closed_by = closed_by
        self.reason = reason
        super().__init__(in_buf, out_buf)

    def _text(self) -> str:
        text = "session closed by us" if self.closed_by == "us" else "session closed by the peer"
        if self.reason:
            text += f": {self.reason}"
        if self.in_buf:
            text += f"; {len(self.in_buf)} bytes of an unfinished message had arrived"
        if self.out_buf:
            text += f"; {len(self.out_buf)} bytes were not sent"
        return text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class StepTimeoutError(TransportError, TimeoutError):
    """A step of the session outlasted its budget; `step` names it, `seconds` is the budget."""

    def __init__(self, step: str, seconds: float) -> None:
        super().__init__(f"{step}: not done within {seconds:g} s")
        self.step = step
        self.seconds = seconds

    def at_jump_host(self, name: str) -> Self:
        """Return this same error, whose `step` names the jump host too."""
        if self.jump_host is None:
            self.step = f"{self.step} at jump host {name}"
        return super().at_jump_host(name)


class ListenError(TransportError):
    """Nothing can be listened on, or the listener is closed."""


class AuthenticationError(TransportError):
    """The server let none of our attempts in; `attempts` tells each and its outcome.

    `offered` are the methods that the server would still have taken.
    """

    def __init__(
        self, message: str, attempts: Sequence[str] = (), *, offered: Iterable[str] = ()
    ) -> None:
        self.attempts = tuple(attempts)
        self.offered = frozenset(offered)
        super().__init__(message)

    def _text(self) -> str:
        text = super()._text()
        if self.attempts:
            text += " (" + "; ".join(self.attempts) + ")"
        return text


class PasswordExpiredError(AuthenticationError):
    """The server takes the password only to have it changed, which ncwire does not do."""


class NetconfFramingError(TransportError):
    """The peer broke RFC 6242's framing, or a limit of ours; the session cannot go on."""


class MessageSizeError(NetconfFramingError):
    """A message or a header grew past its limit; `limit` is in bytes."""

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"{what} is longer than the limit of {limit} bytes")
        self.what = what
        self.limit = limit


class UnsendableMessageError(TransportError, ValueError):
    """A message cannot be sent under the session's framing.

    Not a byte of it was sent, and the session lives; unless it was given in pieces, and some had
    been sent by then: the session has ended, see `BrokenMessageError`.
    """


# --- SSH ---------------------------------------------------------------------------------------


class SSHError(TransportError):
    """SSH failed; the text names the step."""


class ConnectError(SSHError):
    """No socket to the peer could be opened; the text names each address and its error."""


class HandshakeError(SSHError):
    """Banner or key exchange failed."""


class NoCommonAlgorithmError(HandshakeError):
    """Client and server have no algorithm of one kind in common.

    `kind` is the first such, as a field of `Algorithms`: "kex", "host_keys", "ciphers", "macs"
    or "compression". `ours` is what was offered, `theirs` what the server offers, None when the
    library did not let it be seen. `advice` tells which installed driver could talk to the
    server, and how.
    """

    def __init__(self, kind: str, ours: Algorithms, theirs: Algorithms | None) -> None:
        super().__init__(kind, ours, theirs)
        self.kind = kind
        self.ours = ours
        self.theirs = theirs
        self.advice = ""

    def _text(self) -> str:
        text = f"SSH handshake: no {_KINDS[self.kind]} in common: "
        text += f"we offer {_listed(self.ours, self.kind)}, "
        if self.theirs is None:
            text += "what the server offers is not known"
        else:
            text += f"the server {_listed(self.theirs, self.kind)}"
        return f"{text}; {self.advice}" if self.advice else text


_KINDS = {
    "kex": "key exchange",
    "host_keys": "host key algorithm",
    "ciphers": "cipher",
    "macs": "MAC",
    "compression": "compression",
}
_LONGEST_LIST = 1000  # the server's list is its own to fill


def _listed(offer: Algorithms, kind: str) -> str:
    text = "".join(c if c.isprintable() else "?" for c in ", ".join(getattr(offer, kind)))
    return (text if len(text) <= _LONGEST_LIST else f"{text[:_LONGEST_LIST]}...") or "none"


class ChannelError(SSHError):
    """The server refused the channel, or whatever was requested on it."""


class KeyFileError(SSHError):
    """A private key could not be used; `path` is its file, `problem` says why."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"private key {path}: {problem}")
        self.path = path
        self.problem = problem


class KnownHostsFileError(SSHError):
    """The key of a new host could not be added to `path`; `problem` says why."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"known_hosts file {path}: {problem}")
        self.path = path
        self.problem = problem


class SSHUnknownHostError(SSHError):
    """The server's host key is not known, and nobody accepted it.

    `fingerprint` is the documented colon-delimited MD5; `key_type` and `sha256` ("SHA256:...",
    as OpenSSH prints it) are there when the error comes from a connection of ours. So is
    `key_base64`, the key as `hostkey_b64` takes it, of a key about which nothing is known.
    `certificate` says why no host certificate helped, where known_hosts has an authority for the
    host or the server presented one.
    """

    def __init__(
        self,
        host: str,
        fingerprint: str,
        *,
        key_type: str | None = None,
        sha256: str | None = None,
        key_base64: str | None = None,
        certificate: str = "",
    ) -> None:
        super().__init__(host, fingerprint)
        self.host = host
        self.fingerprint = fingerprint
        self.key_type = key_type
        self.sha256 = sha256
        self.key_base64 = key_base64
        self.certificate = certificate

    def _text(self) -> str:
        text = f"host key of {self.host} {self._verdict()}"
        return f"{text}; {self.certificate}" if self.certificate else text

    def _verdict(self) -> str:
        return f"is not known: {self._key()}"

    def _key(self) -> str:
        if self.key_type is None:
            return f"MD5:{self.fingerprint}"
        return f"{self.key_type} {self.sha256}"


class SSHHostKeyChangedError(SSHUnknownHostError):
    """The server's host key is another than the one on file; the callback is never asked.

    `filename` and `line` say where the known key stands, if the driver could tell.
    """

    def __init__(
        self,
        host: str,
        fingerprint: str,
        *,
        key_type: str | None = None,
        sha256: str | None = None,
        filename: str = "",
        line: int = 0,
        certificate: str = "",
    ) -> None:
        super().__init__(
            host, fingerprint, key_type=key_type, sha256=sha256, certificate=certificate
        )
        self.filename = filename
        self.line = line

    def _verdict(self) -> str:
        place = f"{self.filename}:{self.line} has another" if self.filename else "another is known"
        return f"has changed: it presents {self._key()}, {place}"


class SSHHostKeyRevokedError(SSHHostKeyChangedError):
    """The host key, or what signed its certificate, is marked @revoked; the callback isn't asked.

    `filename` and `line` say where, if the driver could tell.
    """

    def _verdict(self) -> str:
        place = f", by {self.filename}:{self.line}" if self.filename else ""
        return f"is revoked: {self._key()}{place}"


class SSHHostKeyMismatchError(SSHUnknownHostError):
    """The server's host key is not the one given as `hostkey_b64`; the callback is never asked."""

    def _verdict(self) -> str:
        return f"is not the one required by hostkey_b64: {self._key()}"


class UnknownDeviceError(SSHUnknownHostError):
    """A call came from nobody we know: no device has the host key that the peer presents."""

    def _text(self) -> str:
        return f"no device has the host key {self._key()}"


# --- NETCONF -----------------------------------------------------------------------------------


class SessionError(NcwireError):
    """The NETCONF session, above the transport, failed."""


class HelloError(SessionError):
    """The server's hello is not acceptable."""


class HelloMissingError(HelloError):
    """The server closed, or sent something else, where its hello was due."""


class HelloTimeoutError(HelloError, TimeoutError):
    """The server's hello did not come in time; `seconds` is the budget."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"hello: the server sent none within {seconds:g} s")
        self.seconds = seconds


class HelloMalformedError(HelloError):
    """The server's hello is no well-formed hello document."""


class HelloSessionIdError(HelloError):
    """The server's hello has no session-id, or one that is no positive integer."""


class NoCommonBaseError(HelloError):
    """Client and server have no base version of NETCONF in common."""


class MessageError(SessionError):
    """A message's root element could not be read; the session ends with this cause."""


class ForbiddenXMLError(MessageError):
    """A message has a DOCTYPE, an entity declaration or an external reference."""


class RPCTimeoutError(SessionError, TimeoutError):
    """No reply to an rpc came in time. The session lives; a late reply is dropped.

    `received` is how much had come of a reply that is streamed, in bytes: then nothing more of
    it came in time, and its rest is dropped.
    """

    def __init__(
        self, message_id: str, seconds: float, received: int = 0, *, hint: str = ""
    ) -> None:
        missing = f"nothing after {received} bytes of the reply" if received else "no reply"
        super().__init__(f"rpc {message_id}: {missing} within {seconds:g} s{hint and '; '}{hint}")
        self.message_id = message_id
        self.seconds = seconds
        self.received = received


class SendQueueFullError(SessionError, TimeoutError):
    """The peer does not read, and what is to be sent has grown to `Limits.send_queue`.

    Nothing of the message was sent, and the session lives. `queued` is in bytes; `seconds` is how
    long was waited, 0 where waiting cannot help: on the thread that serves the session.
    """

    def __init__(self, queued: int, seconds: float) -> None:
        end = (
            f"still after {seconds:g} s" if seconds else "and the session's own thread cannot wait"
        )
        super().__init__(
            f"send: nothing was sent: {queued} bytes of earlier messages wait for the peer, {end}"
        )
        self.queued = queued
        self.seconds = seconds


class BrokenMessageError(SessionError):
    """A message in pieces was broken off after part of it had been sent; the session has ended.

    The text says why; `__cause__` is what the pieces' iterator raised, if it did.
    """


# --- drivers -----------------------------------------------------------------------------------


class DriverError(NcwireError):
    """A driver cannot be used; `name`, `reason` and `remedy` say which, why and what to do."""

    def __init__(self, name: str, reason: str, remedy: str) -> None:
        super().__init__(f"driver {name!r}: {reason}; {remedy}")
        self.name = name
        self.reason = reason
        self.remedy = remedy


class DriverNotFoundError(DriverError):
    """No installed package registers a driver of that name."""


class DriverImportError(DriverError):
    """The driver's package is installed, and importing it failed."""


class DriverUnavailable(DriverError):  # noqa: N818 - the contract's own name for it
    """The driver is sound, but something that it needs is not installed."""


class ContractMismatch(DriverError):  # noqa: N818 - the contract's own name for it
    """The driver was written for another version of the contract."""


class InvalidDriverError(DriverError):
    """What the entry point names is no driver, or breaks the contract."""


class UnsupportedOption(NcwireError):  # noqa: N818 - the contract's own name for it
    """The driver cannot honour a parameter; raised before any packet is sent."""

    def __init__(self, driver: str, option: str, remedy: str = "") -> None:
        text = f"driver {driver!r} does not support {option}"
        super().__init__(f"{text}; {remedy}" if remedy else text)
        self.driver = driver
        self.option = option
        self.remedy = remedy
