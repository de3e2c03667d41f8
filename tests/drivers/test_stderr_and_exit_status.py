"""What a server says beside the stream before it goes, on each driver."""

from __future__ import annotations

import pytest

import ncwire
from ncwire.errors import HelloMissingError, SessionCloseError
from ncwire.testing import EmbeddedServer

DRIVERS = ["paramiko", "libssh2"]
HELLO = (
    b'<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>'
    b"urn:ietf:params:netconf:base:1.0</capability></capabilities><session-id>1</session-id>"
    b"</hello>]]>]]>"
)


def refusing(stderr: bytes, status: int, before: bytes = b""):
    def script(stream):
        if before:
            stream.send(before)
            heard = b""
            while b"<rpc" not in heard:  # until the session is open
                heard += stream.recv()
        if stderr:
            stream.send_stderr(stderr)
        stream.close(status)

    return script


def connect(server, driver, **options):
    return ncwire.connect(
        server.host,
        port=server.port,
        username=server.username,
        password=server.password,
        hostkey_verify=False,
        allow_agent=False,
        look_for_keys=False,
        driver=driver,
        **options,
    )


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    ("stderr", "status", "told"),
    [
        (b"license expired\n", 3, 'it said on stderr "license expired", exit status 3'),
        (b"", 3, "closed before it sent one; exit status 3"),
        (b"license expired\n", 0, 'it said on stderr "license expired"'),
        (b"\x1b[2J" + b"x" * 3_000_000, 4, '...", exit status 4'),
    ],
)
def test_a_server_that_refuses(driver, stderr, status, told):
    server = EmbeddedServer(script=refusing(stderr, status))
    with server, pytest.raises(HelloMissingError) as caught:
        connect(server, driver)
    text = str(caught.value)
    assert told in text
    assert len(text) < 1000
    assert "\x1b" not in text


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_session_that_ends(driver):
    with EmbeddedServer(script=refusing(b"", 9, HELLO)) as server:
        session = connect(server, driver)
        session.submit("<get/>")
        session.join(30)
        assert isinstance(session.cause, SessionCloseError)
        assert "exit status 9" in str(session.cause)


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_subsystem_of_sshds_that_fails(driver, make_sshd):
    """sshd tells the status a moment after the stream's end, and closes then."""
    server = make_sshd(subsystems={"netconf": "exit 3"})
    for _ in range(10):
        with pytest.raises(HelloMissingError) as caught:
            ncwire.connect(
                server.host,
                port=server.port,
                username=server.user,
                key_filename=str(server.client_key),
                known_hosts=server.known_hosts,
                allow_agent=False,
                look_for_keys=False,
                driver=driver,
            )
        assert "exit status 3" in str(caught.value)
