"""A server on libnetconf2 that calls home over TLS (RFC 8071)."""

from __future__ import annotations

import queue

import pytest

from ncwire.callhome import Device, listen
from ncwire.errors import ClientCertificateError, UnknownCertificateError
from servers.certificates import Authority
from servers.libnetconf2 import Libnetconf2, compiled

pytestmark = pytest.mark.makes

WHO = '<who-am-i xmlns="urn:ncwire:tests"/>'
PATIENCE = 30.0


class Site:
    """Whose certificates the listener and the device have."""

    def __init__(self, folder):
        self.authority = Authority(folder)
        self.nameless = Authority(folder, "nameless")
        self.device = self.authority.issue("device", hosts=("r1.example",))

    def options(self, client):
        return {
            "certfile": str(client.both),
            "ca_certs": str(self.authority.certificate),
        }


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("program"))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return Site(tmp_path_factory.mktemp("site"))


@pytest.fixture
def calls(site, program):
    """Listen, and have the server call there; returns the listener, and who is refused."""
    ends = []

    def calls(*devices, client=None):
        refusals = queue.SimpleQueue()
        listener = listen(
            devices,
            address="127.0.0.1",
            port=0,
            driver="tls",
            driver_options=site.options(client or site.authority.issue("manager", hosts=())),
            on_refused=refusals.put,
        )
        ends.append(listener.close)
        server = Libnetconf2(
            program,
            site.device,
            site.authority,
            site.nameless,
            addresses=(),
            call=("127.0.0.1", listener.port),
        )
        ends.append(server.end)
        return listener, refusals

    yield calls
    for end in reversed(ends):
        end()


def test_a_device_calls_and_calls_again_when_its_session_has_ended(calls):
    listener, _ = calls(Device(name="r1.example"))
    for _ in range(2):
        session = listener.accept(PATIENCE)
        assert session.device == "r1.example"
        assert ">manager</name>" in session.rpc(WHO, PATIENCE).raw
        session.close_session()
        assert session.cause.closed_by == "us"


def test_a_device_by_its_fingerprint(calls, site):
    pinned = Device(name="r7", driver_options={"fingerprint": site.device.sha256})
    session = calls(pinned)[0].accept(PATIENCE)
    assert session.device == "r7"
    session.close()


def test_a_device_that_nobody_knows_is_refused(calls):
    _, refusals = calls(Device(name="r2.example"))
    assert isinstance(refusals.get(timeout=PATIENCE).error, UnknownCertificateError)


def test_a_manager_without_a_name_on_the_device(calls, site):
    _, refusals = calls(Device(name="r1.example"), client=site.nameless.issue("stranger"))
    assert isinstance(refusals.get(timeout=PATIENCE).error, ClientCertificateError)
