"""One session of a replayed device, on a stream."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ncwire._protocol.framing import (
    ChunkedDecoder,
    Decoder,
    EndOfMessageDecoder,
    frame_chunked,
    frame_end_of_message,
)
from ncwire.errors import NetconfFramingError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ncwire.testing.session_runner import Stream

_BASE_1_1 = "urn:ietf:params:netconf:base:1.1"


class ReplaySession:
    """Says hello, and hands each message of the client's to `answer`, whose answers it sends.

    `serve` is called once; `send` may be called from any thread meanwhile, and before.
    """

    def __init__(self, stream: Stream, hello: str, first: Sequence[str]) -> None:
        self._stream = stream
        self._hello = hello
        self._turn = threading.Lock()  # each message is sent whole
        self._frame = frame_end_of_message
        self._waiting: list[str] | None = [*first]
        """What is to be sent once the client's hello has settled the framing; None after that."""

    def serve(self, answer: Callable[[bytes], tuple[Sequence[str], bool]]) -> None:
        """Hold the session, until the client closes it, or `answer` says that it is over."""
        self._send_framed(self._hello)
        hellos = EndOfMessageDecoder()
        decoder: Decoder = hellos
        greeted = False
        try:
            while data := self._stream.recv():
                decoder.receive(data)
                while (message := decoder.next_message()) is not None:
                    if not greeted:
                        greeted = True
                        if _BASE_1_1 in self._hello and _BASE_1_1.encode() in message:
                            decoder = ChunkedDecoder()
                            decoder.receive(hellos.take_rest())
                            self._frame = frame_chunked
                        self._settled()
                        continue
                    answers, over = answer(message)
                    for each in answers:
                        self.send(each)
                    if over:
                        return
        except (ConnectionError, NetconfFramingError):
            return  # the client has gone, or breaks the rules: RFC 6242 section 4.2
        finally:
            self._stream.close()

    def send(self, message: str) -> None:
        """Send a message, after the hellos. Raises ConnectionError once the client has gone."""
        with self._turn:
            if self._waiting is None:
                self._send_framed(message)
            else:
                self._waiting.append(message)

    def _settled(self) -> None:
        with self._turn:
            waiting, self._waiting = self._waiting or [], None
            for each in waiting:
                self._send_framed(each)

    def _send_framed(self, message: str) -> None:
        for buffer in self._frame(message.encode()):
            self._stream.send(buffer)
