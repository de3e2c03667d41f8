"""What the driver openssh makes of how ssh has ended."""

from __future__ import annotations

import pytest

from ncwire.errors import HandshakeError, SSHError
from ncwire_openssh.failure import failure
from ncwire_openssh.master import Master

BEGUN = "debug1: Local version string SSH-2.0-OpenSSH_9.2p1\n"


@pytest.fixture
def error_after():
    """Return the error for an ssh that has logged this last, the host's key having been judged."""
    master = Master()

    def error_after(line):
        with (master.folder.path / "log").open("w") as log:
            log.write(f"{BEGUN}{line}\n")
        master.journal.read()
        master.journal.judged = True
        return failure(master, "openssh", None, lambda: None, "", [])

    yield error_after
    master.kill()


@pytest.mark.parametrize(
    "reason",
    [
        "message authentication code incorrect",  # of a length, too, that cannot be (packet.c)
        "Connection corrupted",
        "Broken pipe",
    ],
)
def test_a_connection_that_breaks_once_the_host_is_known(error_after, reason):
    error = error_after(f"ssh_dispatch_run_fatal: Connection to 127.0.0.1 port 22: {reason}")
    assert type(error) is SSHError
    assert str(error).endswith(reason)


def test_a_host_that_does_not_prove_its_key(error_after):
    error = error_after("ssh_dispatch_run_fatal: Connection to h port 22: incorrect signature")
    assert isinstance(error, HandshakeError)
