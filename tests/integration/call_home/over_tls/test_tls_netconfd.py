"""Call home over TLS by a real NETCONF server: netconfd, which socat has call and encrypts."""

from __future__ import annotations

from contextlib import suppress

import pytest
from called_home import PATIENCE

from ncwire.callhome import Device
from ncwire.errors import RPCTimeoutError
from servers import requirement
from servers.netconfd_socat import NetconfdBehindSocat
from servers.process import ServerProcess

pytestmark = pytest.mark.netconfd

RUNNING = "<get-config><source><running/></source></get-config>"


def answered(session):
    """Ask until netconfd listens to the session; see `open_session` in test_netconfd.py."""
    for _ in range(20):
        with suppress(RPCTimeoutError):
            return session.rpc(RUNNING, 1)
    return session.rpc(RUNNING)


def test_netconfd_that_calls_is_a_session(opened, callers):
    certificate = callers.issue("r1")
    listener = opened(Device(name="r1.example"), driver_options=callers.client_options())
    with NetconfdBehindSocat() as netconfd:
        port = netconfd.over_tls(certificate, callers.authority.certificate)
        socat = str(requirement.program("socat", "socat"))
        ends = [f"TCP:127.0.0.1:{listener.port}", f"TCP:127.0.0.1:{port}"]
        caller = ServerProcess([socat, "-d", "-d", *ends], "starting data transfer loop")
        try:
            session = listener.accept(PATIENCE)
            assert session.device == "r1.example"
            assert ":candidate" in session.server_capabilities
            assert "data" in answered(session).raw
            session.close_session()
        finally:
            caller.end()
