"""From a control socket in proxy mode to a channel on which what was requested runs."""

from __future__ import annotations

import selectors
from typing import TYPE_CHECKING

from ncwire.errors import ChannelError, SSHError
from ncwire_openssh.ssh_channel import ProtocolError, SSHChannel

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping, Sequence

    from ncwire.driver import ChannelRequest, Deadline
    from ncwire_openssh.mux import Watch

_READ = 1 << 16


def open_channel(
    sock: socket.socket,
    requests: Sequence[ChannelRequest],
    environment: Mapping[str, str],
    step: Callable[[str], Deadline],
    watch: Watch,
) -> SSHChannel:
    """Return a channel on which the first of the requests runs that the server does not refuse.

    Raises `ChannelError` where it refuses all, OSError where ssh ends, `StepTimeoutError`, and
    what the watch raises.
    """
    refusals: list[str] = []
    left = b""
    for number, request in enumerate(requests):
        what = "command" if request.kind == "exec" else "subsystem"
        within = step(f"starting {what} {request.name}")
        state = SSHChannel(number)
        state.outbox += left
        state.open()
        _exchange(sock, state, _is_answered, within, watch)
        if state.refusal:
            refusals.append(f"{request.name}: {state.refusal}")
            continue
        state.start(request, environment)
        _exchange(sock, state, _has_begun, within, watch)
        if state.started:
            return state
        refusals.append(f"{request.name}: the server refused the {request.kind}")
        state.send_close()
        left = bytes(state.outbox)
    raise ChannelError("the server started nothing: " + "; ".join(refusals))


def _is_answered(state: SSHChannel) -> bool:
    return state.opened or bool(state.refusal)


def _has_begun(state: SSHChannel) -> bool:
    return state.started is not None


def _exchange(
    sock: socket.socket,
    state: SSHChannel,
    done: Callable[[SSHChannel], bool],
    within: Deadline,
    watch: Watch,
) -> None:
    sources, look = watch
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        for source in sources:
            selector.register(source, selectors.EVENT_READ)
        while not done(state):
            writing = selectors.EVENT_WRITE if state.outbox else 0
            selector.modify(sock, selectors.EVENT_READ | writing)
            ready = selector.select(within.slice())
            look()
            for key, events in ready:
                if key.fileobj is sock:
                    _serve(sock, state, events)


def _serve(sock: socket.socket, state: SSHChannel, events: int) -> None:
    if events & selectors.EVENT_WRITE:
        del state.outbox[: sock.send(state.outbox)]
    if events & selectors.EVENT_READ:
        data = sock.recv(_READ)
        if not data:
            raise ConnectionResetError("ssh has closed its control socket")
        try:
            state.feed(data)
        except ProtocolError as error:
            raise SSHError(f"channel: ssh says {error}") from error
