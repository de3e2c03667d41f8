"""How each of ncclient's classes of sessions connects over ncwire."""

from __future__ import annotations

import ssl
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ncwire
from ncwire.contrib.ncclient import parameters, texts
from ncwire.contrib.ncclient.carrier import Carrier
from ncwire.contrib.ncclient.errors import retyped, theirs
from ncwire.contrib.ncclient.handler import profile_of
from ncwire.contrib.ncclient.known_hosts import file_of, lines_of
from ncwire.contrib.ncclient.library import ncclient
from ncwire.contrib.ncclient.methods import CARRIER, FROM_FILES, KNOWN_HOSTS
from ncwire.contrib.ncclient.relay import Relay, check_sock, needs_relay
from ncwire.errors import NcwireError, OptionError, SSHHostKeyChangedError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ncwire.contrib.ncclient.choice import Choice


def over_ssh(session: Any, choice: Choice, given: dict[str, Any]) -> None:
    """Connect an `SSHSession` of ncclient's.

    Raises ncwire's errors, which are ncclient's too; and as ncclient does FileNotFoundError for an
    ssh_config that is not there, and OSError for a `sock` or `sock_fd` that is not connected.
    """
    host, sock = given["host"], given.pop("sock")
    fd = given.pop("sock_fd")
    with _refusals(theirs.SSHError):
        if not (host or sock or fd):
            raise OptionError("host", "Missing host, socket or socket fd")
        if sock is not None:
            check_sock(sock)
        elif fd is not None:
            fd = parameters.fd_number(fd)
        choice.check_driver()
        settled = parameters.settled(given)
        wire = ncwire.SSHSession(
            list(session._client_capabilities),
            driver=choice.driver,
            hub=choice.hub,
            require_session_id=False,
            profile=profile_of(session._device_handler, choice.profile),
        )
    settled["driver_options"] = choice.driver_options
    asked = settled.pop("unknown_host_cb", None)
    if asked is not ncclient.transport.ssh.default_unknown_host_cb and asked is not None:
        # The default decides nothing, and need not be asked.
        settled["unknown_host_cb"] = partial(_ask, asked)
    session._host = host
    relay = None
    with ExitStack() as ours, ExitStack() as files:
        with _refusals(theirs.SSHError):
            added = _load_known_hosts(session, wire, settled, files)
        if sock is not None and needs_relay(sock):
            relay = Relay(sock)
            settled["sock"] = ours.enter_context(relay.theirs)
        elif sock is not None:
            settled["sock"] = sock
            sock.getpeername()
        elif fd is not None:
            settled["sock"] = ours.enter_context(parameters.copied_socket(fd))
        carrier = Carrier(session, wire, theirs.SSHError, relay, sock)
        setattr(session, CARRIER, carrier)
        with _told_of(added):
            carrier.connect(
                partial(wire.connect, **settled),
                partial(texts.of_connecting, host=host, port=given["port"]),
            )
        ours.pop_all()  # it is the driver's


def over_tls(session: Any, choice: Choice, given: dict[str, Any]) -> None:
    """Connect a `TLSSession` of ncclient's. Raises ncwire's errors, which are ncclient's too."""
    host, port, protocol = given["host"], parameters.number(given["port"]), given["protocol"]
    needed = {
        "host": (host, "host=HOST"),
        "client certificate file": (given["certfile"], "certfile=FILE"),
        "TLS protocol": (protocol, "protocol=ssl.PROTOCOL_TLS_CLIENT"),
    }
    with _refusals(theirs.TLSError):
        for name, (value, give) in needed.items():
            if value is None:
                raise OptionError(name, f"Missing {name}; give {give}")
        wire = ncwire.TLSSession(
            list(session._client_capabilities),
            hub=choice.hub,
            require_session_id=False,
            profile=profile_of(session._device_handler, choice.profile),
        )
    session._host = host
    carrier = Carrier(session, wire, theirs.TLSError)
    setattr(session, CARRIER, carrier)
    settled = {
        **given,
        "port": port,
        "protocol": _tls_version(protocol),
        "check_hostname": bool(given["check_hostname"]),
        "driver_options": choice.driver_options,
        **_patience(given["timeout"]),
    }
    carrier.connect(
        partial(wire.connect, **settled), partial(texts.of_connecting_by_tls, host=host, port=port)
    )
    session.transport, session._socket = carrier.transport, carrier.transport.sock


def over_unix_socket(session: Any, choice: Choice, given: dict[str, Any]) -> None:
    """Connect a `UnixSocketSession` of ncclient's. Raises errors that are ncclient's too."""
    path = given["path"]
    with _refusals(theirs.UnixSocketError, f"Could not connect to {path}"):
        wire = ncwire.UnixSocketSession(
            list(session._client_capabilities),
            hub=choice.hub,
            require_session_id=False,
            profile=profile_of(session._device_handler, choice.profile),
        )
    carrier = Carrier(session, wire, theirs.UnixSocketError)
    setattr(session, CARRIER, carrier)
    carrier.connect(
        partial(
            wire.connect,
            path,
            driver_options=choice.driver_options,
            **_patience(given["timeout"]),
        ),
        partial(texts.of_connecting_to_a_path, path=path),
    )
    session.transport, session._socket = carrier.transport, carrier.transport.sock


@contextmanager
def _refusals(transport_error: type[Exception], said: str = "") -> Generator[None]:
    try:
        yield
    except NcwireError as error:
        raise retyped(error, said, transport_error) from error.__cause__


def _ask(asked: Callable[[str, str], bool], name: str, fingerprint: str) -> bool:
    # ncclient names the host alone, and not as known_hosts does: "[r1]:830".
    return asked(name[1:].partition("]")[0] if name.startswith("[") else name, fingerprint)


def _load_known_hosts(
    session: Any, wire: ncwire.SSHSession, settled: dict[str, Any], files: ExitStack
) -> Path | None:
    """Have the files count that were loaded, and the keys that the program put in `_host_keys`.

    These are written to a file, which is returned, and which is gone when `files` ends.
    """
    loaded = session.__dict__.get(KNOWN_HOSTS, ())
    added = lines_of(session._host_keys) - session.__dict__.get(FROM_FILES, frozenset())
    if not (loaded or added) or not settled["hostkey_verify"]:
        return None
    # Not before it is needed: the drop-in alone is to import as fast as ncclient.
    from ncwire._ssh.options.parameters import exists, user_known_hosts  # noqa: PLC0415
    from ncwire._ssh.options.resolve import SYSTEM_KNOWN_HOSTS  # noqa: PLC0415

    # As ncclient does, in addition to the defaults: a key that is revoked there stays so.
    wire.load_known_hosts()
    for filename in (user_known_hosts() + "2", *SYSTEM_KNOWN_HOSTS):
        if exists(filename):
            wire.load_known_hosts(Path(filename))
    for filename in loaded:
        wire.load_known_hosts(Path(filename))
    if not added:
        return None
    path = files.enter_context(file_of(added))
    wire.load_known_hosts(path)
    return path


@contextmanager
def _told_of(added: Path | None) -> Generator[None]:
    try:
        yield
    except SSHHostKeyChangedError as error:
        if error.filename == str(added):
            error.filename = "the program's _host_keys"
        raise


def _patience(timeout: Any) -> dict[str, Any]:
    if timeout is None:
        return {"timeout": None, "timeouts": parameters.without_limit()}
    return {"timeout": parameters.number(timeout)}


def _tls_version(protocol: Any) -> Any:
    # The driver has TLS 1.2 and 1.3, so who asks for 1.2 alone gets no less than that.
    return None if protocol == getattr(ssl, "PROTOCOL_TLSv1_2", None) else protocol
