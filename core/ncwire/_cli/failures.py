"""Failures as the command tells them: one sentence, what to do about it, and an exit code."""

from __future__ import annotations

import contextlib
import enum
import logging
import os
import sys
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from ncwire import errors
from ncwire._cli.terminal import printable
from ncwire._plugins.option_values import key_of
from ncwire.errors.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


PASSPHRASE = key_of("passphrase")
"""What the error's option is for an encrypted key of a driver's that has the passphrase itself."""


class Exit(enum.IntEnum):
    """The exit codes, each with its meaning as `--help` shows it."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        """Make a member of a code and its meaning."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    OK = 0, "done"
    RPC_ERROR = 1, "the reply has an <rpc-error>"
    USAGE = 2, "the command line, or a file that it names, is wrong"
    CONNECTION = 3, "the connection could not be made, or broke"
    AUTHENTICATION = 4, "authentication failed"
    HOST_KEY = 5, "the server is not known to be the right one: key, certificate, owner"
    SESSION = 6, "NETCONF failed: hello, framing or a message"
    DRIVER = 7, "the driver cannot be used, lacks an option, or breaks its contract"
    TIMEOUT = 8, "a step took too long"
    INTERNAL = 70, "a bug in ncwire"
    INTERRUPTED = 130, "interrupted (Ctrl-C)"
    OUTPUT_CLOSED = 141, "the output is not read any more"


def exit_codes(codes: Iterable[Exit] = Exit) -> str:
    """Return the text of `--help` about the codes that a command can end with."""
    return "exit codes:\n" + "\n".join(f"  {code:>3}  {code.meaning}" for code in codes)


@dataclass(frozen=True, slots=True)
class _Failure:
    """How a kind of error is told; `step` is None where the error's own text begins with it."""

    exit: Exit
    step: str | None = None
    remedy: Callable[[errors.NcwireError], str] = lambda _: ""


def presented(command: Callable[[], int], *, debug: bool) -> int:
    """Return the command's exit code; a failure of its is told on stderr, not raised."""
    with _logging(debug=debug):
        try:
            code = command()
            # Here, where it can still be told from success.
            sys.stdout.flush()
        except BrokenPipeError:
            return _output_closed()
        except KeyboardInterrupt:
            _say("interrupted")
            return Exit.INTERRUPTED
        except Exception as error:  # noqa: BLE001 - told to the user, whatever it is
            if debug:
                traceback.print_exception(error)
            return tell(error)
        return code


def tell(error: Exception, about: str = "") -> Exit:
    """Tell an error on stderr: step, problem, remedy. Returns its exit code.

    `about` comes first, where it is one among several that the error is of.
    """
    code, sentence = sentenced(error)
    remedy = _failure(error).remedy(error) if isinstance(error, errors.NcwireError) else ""
    _say(about + sentence, remedy)
    return code


def sentenced(error: Exception) -> tuple[Exit, str]:
    """Return an error's exit code, and its sentence: step and problem."""
    if not isinstance(error, errors.NcwireError):
        problem = f"{type(error).__name__}: {error}".removesuffix(": ")
        sentence = f"bug in ncwire: {problem}; --debug shows where, please report it"
        return Exit.INTERNAL, sentence
    failure = _failure(error)
    text = str(error)
    if isinstance(error, errors.SSHUnknownHostError):
        # What to do is told after it, by the options that the command has.
        text = text.removesuffix(f"; {error.advice}")
    if not failure.step or text.startswith((f"{failure.step}: ", f"{failure.step} to ")):
        return failure.exit, text
    return failure.exit, f"{failure.step}: {text}"


def _failure(error: errors.NcwireError) -> _Failure:
    return next(_FAILURES[kind] for kind in type(error).__mro__ if kind in _FAILURES)


def note(text: str) -> None:
    """Tell on stderr how things stand."""
    _say(text)


def warn(text: str) -> None:
    """Tell on stderr what the user should know, though it is no failure."""
    _say(f"warning: {text}")


def _say(sentence: str, remedy: str = "") -> None:
    # A peer's words may be among these, and must not drive the terminal, nor begin a line as if
    # they were ours. In one go, for several threads may have something to tell.
    lines = filter(None, ("ncwire: " + sentence.replace("\n", "\n  "), remedy))
    print("".join(f"{printable(line)}\n" for line in lines), end="", file=sys.stderr, flush=True)


def _output_closed() -> int:
    # Python flushes stdout once more on exit, and would complain (docs, "Note on SIGPIPE").
    with contextlib.suppress(OSError, ValueError):
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, sys.stdout.fileno())
        os.close(sink)
    return Exit.OUTPUT_CLOSED


@contextlib.contextmanager
def _logging(*, debug: bool) -> Iterator[None]:
    """Log to stderr: ncwire's warnings, or with `debug` all that ncwire and its backends say.

    Without debug the backends are not heard: they log tracebacks of errors that are told here.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine("ncwire: %(levelname)s: %(name)s: %(message)s"))
    silence = logging.NullHandler()
    root, ours = logging.getLogger(), logging.getLogger("ncwire")
    level = root.level
    root.addHandler(handler if debug else silence)
    if debug:
        root.setLevel(logging.DEBUG)
    else:
        ours.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.removeHandler(silence)
        ours.removeHandler(handler)
        root.setLevel(level)


class _OneLine(logging.Formatter):
    """A record as a line that does not drive the terminal; only tracebacks have more lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        return one_line(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def _unknown_host(error: errors.NcwireError) -> str:
    if not isinstance(error, errors.SSHUnknownHostError) or error.key_base64 is None:
        return ""
    compare = "  Compare this fingerprint with the host's own, as its operator tells it.\n"
    line = f"    {error.host} {error.key_type} {error.key_base64}"
    if error.jump_host:
        return f"{compare}  If they are the same, add this line to ~/.ssh/known_hosts:\n{line}"
    return (
        f"{compare}  If they are the same, either add this line to ~/.ssh/known_hosts:\n{line}\n"
        "  or accept this very key for one run, with the option\n"
        f"    --accept-host-key {error.sha256}"
    )


def _unknown_device(error: errors.NcwireError) -> str:
    if not isinstance(error, errors.UnknownDeviceError):
        return ""
    return (
        "  If a device of yours has called, compare this fingerprint with its own. If they are\n"
        "  the same, add this line to the known_hosts file, with the name that --device has:\n"
        f"    NAME {error.key_type} {error.key_base64}"
    )


def _unknown_certificate(error: errors.NcwireError) -> str:
    if not isinstance(error, errors.UnknownCertificateError) or not error.fingerprint:
        return ""
    return (
        "  If a device of yours has called, compare this fingerprint with its own. If they are\n"
        "  the same, have it in the inventory, with the name that --device has:\n"
        "    [devices.NAME.driver_options.tls]\n"
        f'    fingerprint = "{error.fingerprint}"'
    )


def _changed_host(error: errors.NcwireError) -> str:
    if not isinstance(error, errors.SSHHostKeyChangedError) or not error.filename:
        return ""
    return (
        "  Someone may be in between, or the device has a new key: ask who runs it.\n"
        "  If the new key is right, remove the old one:\n"
        f"    ssh-keygen -R '{error.host}' -f '{error.filename}'"
    )


def _passphrase(error: errors.NcwireError) -> str:
    if "passphrase" not in str(error):
        return ""
    return "  Give it with --passphrase-env or --passphrase-fd, or load the key with ssh-add."


def _option(error: errors.NcwireError) -> str:
    if isinstance(error, errors.OptionError) and error.option == PASSPHRASE:
        return "  Give it with --passphrase-env or --passphrase-fd."
    return ""


def _port(error: errors.NcwireError) -> str:
    if str(error).startswith("connect to "):  # a Unix socket, which has none
        return ""
    return "  NETCONF has port 830, and over TLS 6513; another is chosen with -p."


def _other_protocol(error: errors.NcwireError) -> str:
    if "without a word" not in str(error):
        return ""
    return "  ncwire probe tells which protocol is spoken there."


def _hint(text: str) -> Callable[[errors.NcwireError], str]:
    return lambda _: f"  {text}"


_FAILURES: dict[type, _Failure] = {
    errors.NcwireError: _Failure(Exit.CONNECTION),
    errors.OptionError: _Failure(Exit.USAGE, None, _option),
    errors.InventoryError: _Failure(Exit.USAGE),
    errors.TraceError: _Failure(Exit.USAGE),
    errors.SecretError: _Failure(Exit.AUTHENTICATION, "secret"),
    # transport
    errors.TransportError: _Failure(Exit.CONNECTION, "transport"),
    errors.SessionCloseError: _Failure(Exit.CONNECTION),
    errors.NetconfFramingError: _Failure(Exit.SESSION, "framing"),
    errors.UnsendableMessageError: _Failure(Exit.SESSION, "send"),
    errors.ListenError: _Failure(Exit.CONNECTION),
    errors.AuthenticationError: _Failure(
        Exit.AUTHENTICATION,
        "authentication",
        _hint(
            "User, key and password are chosen with -l, -i, and --password-env or --password-fd."
        ),
    ),
    errors.ClientCertificateError: _Failure(
        Exit.AUTHENTICATION,
        None,
        _hint("Certificate and key are chosen with -O certfile=FILE and -O keyfile=FILE."),
    ),
    errors.PeerUserError: _Failure(Exit.HOST_KEY),
    errors.PasswordExpiredError: _Failure(
        Exit.AUTHENTICATION, "password", _hint("Log in with ssh to be asked for a new one.")
    ),
    # SSH
    errors.SSHError: _Failure(Exit.CONNECTION, "SSH"),
    errors.ConnectError: _Failure(Exit.CONNECTION, "connect", _port),
    errors.DisconnectError: _Failure(Exit.CONNECTION, "SSH"),
    errors.HandshakeError: _Failure(Exit.CONNECTION, "SSH handshake", _other_protocol),
    errors.NoCommonAlgorithmError: _Failure(
        Exit.CONNECTION,
        None,
        _hint(
            "Algorithms are allowed as for ssh, with -o KexAlgorithms, HostKeyAlgorithms, Ciphers "
            "or MACs,\n  as in -o Ciphers=+aes128-cbc; a driver is chosen with --driver."
        ),
    ),
    errors.ChannelError: _Failure(
        Exit.CONNECTION,
        "NETCONF subsystem",
        _hint("NETCONF may be off on the device, or served on another port (-p)."),
    ),
    errors.KeyFileError: _Failure(Exit.AUTHENTICATION, None, _passphrase),
    errors.KnownHostsFileError: _Failure(Exit.HOST_KEY),
    errors.SSHUnknownHostError: _Failure(Exit.HOST_KEY, None, _unknown_host),
    errors.SSHHostKeyChangedError: _Failure(Exit.HOST_KEY, None, _changed_host),
    errors.SSHHostKeyRevokedError: _Failure(
        Exit.HOST_KEY, None, _hint("The key was withdrawn: do not trust a host that presents it.")
    ),
    errors.SSHHostKeyMismatchError: _Failure(
        Exit.HOST_KEY,
        None,
        _hint("Someone may be in between, or the device has a new key: ask who runs it."),
    ),
    errors.CertificateError: _Failure(Exit.HOST_KEY),
    errors.UnknownDeviceError: _Failure(Exit.HOST_KEY, None, _unknown_device),
    errors.UnknownCertificateError: _Failure(Exit.HOST_KEY, None, _unknown_certificate),
    # NETCONF
    errors.SessionError: _Failure(Exit.SESSION, "session"),
    errors.HelloError: _Failure(Exit.SESSION),
    # deadlines
    errors.StepTimeoutError: _Failure(Exit.TIMEOUT),
    errors.HelloTimeoutError: _Failure(Exit.TIMEOUT),
    errors.RPCTimeoutError: _Failure(
        Exit.TIMEOUT, None, _hint("--timeout SECONDS waits longer for the reply.")
    ),
    # drivers
    errors.DriverError: _Failure(
        Exit.DRIVER, None, _hint("`ncwire drivers` lists all drivers, and what ails them.")
    ),
    errors.UnsupportedOption: _Failure(Exit.DRIVER),
}
