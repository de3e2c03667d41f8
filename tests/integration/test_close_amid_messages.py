"""A listener that closes the session, with more messages behind the one that it hears."""

from __future__ import annotations

import ncwire
from ncwire import SessionListener, Timeouts
from ncwire.testing import EmbeddedServer

EVENT = b"<event/>]]>]]>"
HELLO = (
    b'<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>'
    b"urn:ietf:params:netconf:base:1.0</capability></capabilities><session-id>7</session-id>"
    b"</hello>]]>]]>"
)


def three_events(stream):
    """Send three messages at once when a message has come, and close when the client has."""
    stream.send(HELLO)
    data = b""
    while data.count(b"]]>]]>") < 2:
        data += stream.recv()
    stream.send(3 * EVENT)
    while stream.recv():
        pass
    stream.close()


class Closes(SessionListener):
    def __init__(self, session) -> None:
        self.session = session
        self.heard = 0

    def callback(self, root, raw):
        self.heard += 1
        self.session.close()

    def errback(self, ex):
        pass


def test_it_ends_with_the_peers_answer_and_not_when_the_time_is_over(driver):
    with EmbeddedServer(script=three_events) as server:
        session = ncwire.connect(
            server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            hostkey_b64=server.host_key.base64,
            allow_agent=False,
            look_for_keys=False,
            driver=driver,
            timeouts=Timeouts(close=300),
        )
        listener = Closes(session)
        session.add_listener(listener)
        session.send("<begin/>")
        session.join(20)

        assert not session.is_alive()
        assert session.cause.closed_by == "us"
        assert listener.heard == 1
