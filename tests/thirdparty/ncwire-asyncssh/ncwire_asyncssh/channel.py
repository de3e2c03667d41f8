"""The byte stream: AsyncSSH's channel, in its loop, behind a buffered one of ncwire's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncssh

from ncwire.driver import BufferedChannel, ChannelInfo, HostKey, is_aead
from ncwire.errors import SSHError
from ncwire_asyncssh.connection import describe

if TYPE_CHECKING:
    from ncwire.driver import Intake, Lease
    from ncwire_asyncssh.connection import Connection

_MOST = 256 * 1024
"""Bytes that wait on either side."""


class Session(asyncssh.SSHClientSession[bytes], asyncssh.SSHTCPSession[bytes]):
    """What AsyncSSH tells of a channel; on the loop's thread, as all of it is."""

    channel: asyncssh.SSHClientChannel[bytes]

    def __init__(self, connection: Connection, intake: Intake) -> None:
        self._connection = connection
        self._intake = intake
        self._given = self._passed_on = 0

    def connection_made(self, chan: Any) -> None:
        self.channel = chan
        chan.set_write_buffer_limits(0)  # so that it tells as soon as nothing is left to send
        self._connection.unclogged = self.resume_writing

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        (self._intake.feed if datatype is None else self._intake.complain)(data)

    def eof_received(self) -> bool:
        self._intake.end()
        return True  # our direction stays open

    def exit_status_received(self, status: int) -> None:
        self._intake.exited(status)

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        self._intake.exited(signal=signal)

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None or self._connection.disconnected:  # and not closed in order
            cause = exc or ConnectionError("the server has disconnected")
            self._intake.end(SSHError(f"SSH connection: {describe(cause)}"), cause)
        self._intake.close()

    def resume_writing(self) -> None:
        """Tell how much has been sent, unless TCP takes no more."""
        sent = self._given - self.channel.get_write_buffer_size()
        if sent > self._passed_on and not self._connection.clogged:
            count, self._passed_on = sent - self._passed_on, sent
            self._intake.drained(count)

    def write(self, data: bytes) -> None:
        """Send, as far as the channel is open; of its end it is `read` that tells."""
        if not self.channel.is_closing():
            self._given += len(data)
            self.channel.write(data)
            self.resume_writing()


class AsyncSSHChannel(BufferedChannel):
    """A channel that is open, and owns its connection."""

    def __init__(
        self, lease: Lease, connection: Connection, session: Session, intake: Intake
    ) -> None:
        self._post = lease.post
        self._connection = connection
        self._session = session
        self._release = lease.release

        def free() -> None:
            lease.post(connection.abort)
            lease.release()

        super().__init__(intake, _info(connection), connection, free, _MOST)

    def send(self, data: bytes) -> None:
        self._post(self._session.write, data)

    def pause(self) -> None:
        self._post(self._connection.flow, False)

    def resume(self) -> None:
        self._post(self._connection.flow, True)

    def say_end(self) -> None:
        self._post(self._session.channel.write_eof)

    def say_close(self) -> None:
        self._post(self._session.channel.close)

    def keepalive(self) -> None:
        self._post(self._connection.ping)

    def leave(self) -> None:
        self._release(self._connection.leave)


def _info(connection: Connection) -> ChannelInfo:
    said = connection.get_extra_info
    cipher = said("recv_cipher")
    key_type = HostKey.from_blob(connection.host_key).type
    return ChannelInfo(
        library="asyncssh",
        library_version=asyncssh.__version__,
        server_version=said("server_version"),
        banner=connection.banner,
        # By which of its algorithms an RSA key has signed is not told.
        host_key_type="" if key_type.startswith("ssh-rsa") else key_type,
        cipher=cipher,
        mac="" if is_aead(cipher) else said("recv_mac"),
        compression=said("recv_compression"),
    )
