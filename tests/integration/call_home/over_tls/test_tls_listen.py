"""Call home over TLS: what a listener refuses before it listens."""

from __future__ import annotations

import ssl

import pytest

import ncwire
from ncwire.callhome import Device, listen
from ncwire.driver import Algorithms, SocketDriver
from ncwire.errors import ListenError, OptionError, UnsupportedOption
from ncwire_tls import TLSDriver
from servers.certificates import Authority

pytestmark = pytest.mark.usefixtures("leaves_nothing")

PIN = "ab" * 32


@pytest.fixture
def options(tmp_path):
    authority = Authority(tmp_path)
    client = authority.issue("manager")
    return {"certfile": client.both, "ca_certs": authority.certificate}


def refused(*devices, kind=OptionError, **more):
    with pytest.raises(kind) as caught:
        listen(devices, port=0, **({"driver": "tls"} | more)).close()
    return str(caught.value)


def pinned(name, pin=PIN, **more):
    return Device(name=name, driver_options={"fingerprint": pin} | more)


def test_a_device_that_nothing_tells_apart(options):
    del options["ca_certs"]
    told = refused(pinned("r1"), Device(name="r2"), driver_options=options)
    assert told.startswith("devices: r2: there is nothing to know it by: give the fingerprint")


@pytest.mark.parametrize(
    ("devices", "told"),
    [
        ([pinned("r1"), pinned("r1", "cd" * 32)], "two are named r1"),
        (
            [pinned("r1"), pinned("r2", "SHA256:" + PIN.upper())],
            "r1 and r2 have the same fingerprint: nothing tells them apart",
        ),
        (
            [Device(name="r1"), Device(name="r2", driver_options={"server_hostname": "R1."})],
            "r1 and r2 have the same name in their certificates",
        ),
        ([pinned("r1", "ab")], "r1: driver_options.fingerprint: 'ab' is no SHA-256"),
        (
            [Device(name="r1", driver_options={"check_hostname": False})],
            "r1: driver_options.check_hostname: a device that is not pinned is known by its name",
        ),
        (
            [pinned("r1"), pinned("r2", "cd" * 32, minimum_version="TLSv1.3")],
            "r2: driver_options.minimum_version: is not that of r1, and one is for all who call",
        ),
        ([pinned("r1", colour="red")], "r1: driver_options.colour: driver 'tls' has no such"),
        ([Device(name="r1", driver_options=7)], "r1: driver_options: must be a mapping"),
        ([], "there are none"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_devices_that_are_wrong(options, devices, told):
    assert refused(*devices, driver_options=options).startswith(f"devices: {told}")


def test_what_the_listener_says_need_not_be_alike(options):
    devices = [pinned("r1", passphrase="one"), pinned("r2", "cd" * 32, passphrase="two")]
    assert "one" not in refused(*devices, driver_options=options).replace("one is for", "")
    listen(devices, port=0, driver="tls", driver_options={**options, "passphrase": "x"}).close()


def test_what_tells_one_device_apart_may_be_the_listeners_for_one_alone(options):
    options["fingerprint"] = PIN
    listen([Device(name="r1")], port=0, driver="tls", driver_options=options).close()
    told = refused(Device(name="r1"), Device(name="r2"), driver_options=options)
    assert told == (
        "driver_options.fingerprint: is one device's: give it in the driver_options of that Device"
    )


def test_files_that_cannot_be_used_are_told_before_any_call(options, tmp_path):
    options["certfile"] = tmp_path / "missing.pem"
    assert "driver_options.certfile: " in refused(Device(name="r1"), driver_options=options)
    assert "driver_options.certfile: needed" in refused(pinned("r1"))


def test_a_driver_that_was_tried_has_nothing_left(options):
    tried = []

    class Tried(TLSDriver):
        name, contract = "tried", (1, 0)

        def prepare(self, options):
            super().prepare(options)
            tried.append("prepare")

        def abort(self):
            super().abort()
            tried.append("abort")

    listen([Device(name="r1")], port=0, driver=Tried, driver_options=options).close()
    assert tried == ["prepare", "abort"]


def test_a_context_that_compares_the_name_itself(options):
    context = ssl.create_default_context(cafile=options["ca_certs"])
    told = refused(Device(name="r1"), driver_options={"ssl_context": context})
    assert told.startswith("driver_options.ssl_context: must have check_hostname off")


def test_a_context_that_verifies_nothing(options):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    told = refused(Device(name="r1"), driver_options={"ssl_context": context})
    assert "verifies nothing" in told


@pytest.mark.parametrize(
    "parameter",
    [
        {"username": "admin"}, {"password": "secret"}, {"host_keys": "AAAA"},
        {"known_hosts": "file"}, {"allow_agent": False}, {"key_filename": "file"},
        {"subsystems": ["netconf"]}, {"environment": {"A": "1"}}, {"keepalive": 5},
    ],
    ids=lambda each: next(iter(each)),
)  # fmt: skip
def test_what_tls_has_nothing_of(options, parameter):
    device = Device(name="r1", **parameter)
    told = refused(device, kind=UnsupportedOption, driver_options=options)
    assert next(iter(parameter)) in told
    assert "secret" not in told


def test_algorithms_are_those_of_ssh(options):
    algorithms = Algorithms(ciphers=("aes128-ctr",))
    device = Device(name="r1")
    told = refused(device, kind=UnsupportedOption, driver_options=options, algorithms=algorithms)
    assert "algorithms" in told


def test_drivers_that_cannot_tell_callers_apart(options):
    class Bare(SocketDriver):
        name, contract, transport = "bare", (1, 0), "tls"
        features = SocketDriver.CORE_FEATURES

        @classmethod
        def library(cls):
            return "none"

        def open(self, sock, options, deadline):
            raise AssertionError

        def abort(self):
            raise AssertionError

    told = refused(Device(name="r1"), kind=UnsupportedOption, driver=Bare)
    assert "it has no option fingerprint, by which callers are told apart" in told
    assert "callhome.listen" in refused(Device(name="r1"), kind=UnsupportedOption, driver="unix")


def test_over_ssh_a_device_has_no_options_of_the_drivers():
    device = Device(name="r1", driver_options={"fingerprint": PIN})
    told = refused(device, driver="paramiko")
    assert "r1: driver_options: over SSH they are the listener's" in told


def test_the_ports_of_call_home():
    assert (ncwire.callhome.PORT, ncwire.callhome.TLS_PORT) == (4334, 4335)


@pytest.mark.parametrize(("driver", "port"), [("paramiko", 4334), ("tls", 4335)])
def test_the_port_follows_the_transport(options, driver, port):
    device, more = Device(name="r1"), {"driver_options": options}
    if driver != "tls":
        key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6zV6FZk3zCqBzTBmdn6gQhGxGPgkbI0uHmhnF9yl0s"
        device, more = Device(name="r1", host_keys=key, password="x"), {}
    try:
        with listen([device], driver=driver, address="127.0.0.1", **more) as listener:
            assert listener.port == port
    except ListenError as error:
        if f"port {port}: Address already in use" not in str(error):
            raise
