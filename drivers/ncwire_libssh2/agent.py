"""The SSH agent, spoken to with deadlines.

libssh2 1.11.1 blocks on the agent's socket, and spins for ever when the agent hangs up
(agent.c, _recv_all); ssh2-python 1.2.0 does so with the GIL held, which stops the whole
process. So the agent is asked for its keys here, and libssh2 gets a relay of ours, which always
answers, in place of the agent.

Protocol: draft-ietf-sshm-ssh-agent, sections 3.1, 3.5 and 3.6; flags: section 3.6.1.
"""

from __future__ import annotations

import math
import os
import select
import socket
import tempfile
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ncwire.driver import AgentIdentity, HostKey, Wakeup, start_thread
from ncwire.errors import SSHError, StepTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from ncwire.driver import AgentAttempt, Deadline

_FAILURE = b"\x05"
_REQUEST_IDENTITIES = b"\x0b"
_IDENTITIES_ANSWER = 12
_SIGN_REQUEST = b"\x0d"
_RSA_FLAGS = {b"rsa-sha2-256": 2, b"rsa-sha2-512": 4}
_CERTIFICATE = b"-cert-v01@openssh.com"
_MAX_FRAME = 256 * 1024  # OpenSSH: AGENT_MAX_LEN
_MAX_PATH = 100  # less than the 108 of sockaddr_un, beyond which libssh2 cuts it off


def identities(path: str, deadline: Deadline) -> list[AgentIdentity]:
    """Return the keys of the agent at a socket's path, in its order.

    None when no agent is there, or when it does not speak the protocol. Raises
    `StepTimeoutError`.
    """
    try:
        answer = _ask(path, _REQUEST_IDENTITIES, deadline)
    except StepTimeoutError:
        raise
    except (OSError, EOFError):
        return []
    if not answer or answer[0] != _IDENTITIES_ANSWER:
        return []
    try:
        return list(_parse(memoryview(answer)[5:], int.from_bytes(answer[1:5], "big")))
    except ValueError:
        return []


class AgentRelay:
    """What libssh2 takes for an agent: it has one key, and the real agent signs.

    A context manager: `path` is the socket for libssh2 to connect to, `accept` takes that
    connection and answers the listing in advance. On the way out everything is freed; libssh2
    must not be waiting for an answer then. An agent that is gone, hangs past the deadline or
    sends what is no answer has refused to sign; so has any once `stop` is rung, or after `leave`.
    """

    def __init__(self, attempt: AgentAttempt, deadline: Deadline, stop: Wakeup) -> None:
        self._identity = attempt.identity
        self._agent = attempt.agent
        self._presented = attempt.certificate or attempt.identity.blob
        self._deadline = deadline
        self._stops = [stop]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            # The folder is ours alone (0700), so no other user can connect.
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ncwire-"))
            self.path = str(Path(folder, "agent"))
            if len(os.fsencode(self.path)) > _MAX_PATH:
                raise SSHError(f"SSH agent: the folder for temporary files, {folder}, is too long")
            self._listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            self._listener.bind(self.path)
            self._listener.listen(1)
            self._left = Wakeup()
            stack.callback(self._left.close)
            self._stops.append(self._left)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def accept(self) -> None:
        """Serve the connection that libssh2 has just made."""
        client, _ = self._listener.accept()
        self._stack.enter_context(client)
        client.sendall(_framed(_listing(self._presented, self._identity.comment)))
        thread = threading.Thread(
            target=self._serve, args=(client,), name="ncwire-libssh2-agent", daemon=True
        )
        # Before it is started: after an interrupt there it may run, and ends by the shutdown.
        self._stack.callback(_join, thread)
        self._stack.callback(client.shutdown, socket.SHUT_RDWR)
        start_thread(thread)

    def leave(self) -> None:
        """Refuse to sign from now on, also what the agent is asked for already.

        An interrupted caller must not wait until somebody has touched a token: libssh2 has the
        connection's lock while it waits for this relay.
        """
        self._left.ring()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError, EOFError):
            while True:
                request = _receive(client, None)
                if request == _REQUEST_IDENTITIES:
                    continue  # has its answer already
                try:
                    answer = self._signed(request)
                except (OSError, EOFError, ValueError):  # StepTimeoutError is an OSError too
                    answer = _FAILURE
                client.sendall(_framed(answer))

    def _signed(self, request: bytes) -> bytes:
        """Return the agent's answer to libssh2's request for a signature.

        The agent may hold the key alone of a certificate that is presented. And libssh2 1.11.1
        (agent.c) sets no flags for certificates of RSA keys, so that the agent would sign with
        SHA-1 what was announced as SHA-2.
        """
        _presented, rest = _string(memoryview(request)[1:])
        data, _ = _string(rest)
        flags = _RSA_FLAGS.get(_algorithm(data).removesuffix(_CERTIFICATE), 0)
        return _ask(
            self._agent,
            _SIGN_REQUEST
            + _framed(self._identity.blob)
            + _framed(data)
            + flags.to_bytes(4, "big"),
            self._deadline,
            self._stops,
        )


def _listing(blob: bytes, comment: str) -> bytes:
    return (
        bytes([_IDENTITIES_ANSWER])
        + (1).to_bytes(4, "big")
        + _framed(blob)
        + _framed(comment.encode())
    )


def _algorithm(data: bytes) -> bytes:
    """Return the algorithm in what is to be signed for method publickey (RFC 4252 section 7)."""
    _session_id, rest = _string(memoryview(data))
    rest = rest[1:]  # SSH_MSG_USERAUTH_REQUEST
    for _ in ("user name", "service", "method"):
        _, rest = _string(rest)
    algorithm, _ = _string(rest[1:])
    return algorithm


def _parse(rest: memoryview, count: int) -> Iterator[AgentIdentity]:
    for _ in range(count):
        blob, rest = _string(rest)
        comment, rest = _string(rest)
        with suppress(ValueError):  # a key of no SSH type is none that a server could know
            key_type = HostKey.from_blob(blob).type
            yield AgentIdentity(key_type, blob, comment.decode("utf-8", "replace"))


def _string(rest: memoryview) -> tuple[bytes, memoryview]:
    length, rest = int.from_bytes(rest[:4], "big"), rest[4:]
    if length > len(rest):
        raise ValueError("a string is cut off")
    return bytes(rest[:length]), rest[length:]


def _ask(path: str, request: bytes, deadline: Deadline, stops: Sequence[Wakeup] = ()) -> bytes:
    """Return the agent's answer. Raises `OSError` or `EOFError`, `StepTimeoutError` included."""
    with socket.socket(socket.AF_UNIX) as agent:
        agent.settimeout(deadline.remaining())
        agent.connect(path)
        agent.setblocking(False)
        data = memoryview(_framed(request))
        while data:
            _wait(agent, select.POLLOUT, deadline, stops)
            data = data[agent.send(data) :]
        return _receive(agent, deadline, stops)


def _receive(
    sock: socket.socket, deadline: Deadline | None, stops: Sequence[Wakeup] = ()
) -> bytes:
    size = int.from_bytes(_receive_exactly(sock, 4, deadline, stops), "big")
    if size > _MAX_FRAME:
        raise EOFError("no agent says that much")
    return _receive_exactly(sock, size, deadline, stops)


def _receive_exactly(
    sock: socket.socket, size: int, deadline: Deadline | None, stops: Sequence[Wakeup]
) -> bytes:
    data = b""
    while len(data) < size:
        _wait(sock, select.POLLIN, deadline, stops)
        more = sock.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _wait(
    sock: socket.socket, events: int, deadline: Deadline | None, stops: Sequence[Wakeup]
) -> None:
    poll = select.poll()
    poll.register(sock, events)
    for stop in stops:
        poll.register(stop, select.POLLIN)
    while True:
        timeout = None if deadline is None else math.ceil(deadline.slice() * 1000)
        if ready := {fd for fd, _ in poll.poll(timeout)}:
            break
    if any(stop.fileno() in ready for stop in stops):
        raise EOFError("told to stop")


def _framed(payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "big") + payload


def _join(thread: threading.Thread) -> None:
    with suppress(RuntimeError):  # it has not been started
        thread.join()
