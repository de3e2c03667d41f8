"""Devices: which keys they are known by, and what is refused when listening starts."""

from __future__ import annotations

import pytest
from scripted_driver import scripted

from ncwire.callhome import Device
from ncwire.callhome.host_keys import HostKeyDevices
from ncwire.driver import Feature, SSHDriver, Timeouts
from ncwire.errors import (
    KeyFileError,
    OptionError,
    SSHHostKeyRevokedError,
    UnknownDeviceError,
    UnsupportedOption,
)

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def keys(key_factory):
    return [key_factory.public("ed25519", n=n) for n in range(3)]


@pytest.fixture
def known_hosts(tmp_path):
    def write(*lines):
        path = tmp_path / "known_hosts"
        path.write_text("".join(f"{line}\n" for line in lines))
        return str(path)

    return write


def line(names, key):
    return f"{names} {key.type} {key.base64}"


def devices(*listed, driver=None, timeouts=None):
    return HostKeyDevices(listed, timeouts or Timeouts(), driver or scripted())


def whose(known, key):
    return known.with_key(key, "192.0.2.7:4711").name


def test_each_form_of_a_given_key(keys):
    forms = [
        keys[0],
        keys[0].base64,
        line("[192.0.2.1]:830,r9", keys[0]),
        f"{keys[0].type} {keys[0].base64} root@r1",
    ]
    for form in forms:
        for given in (form, [form]):
            assert whose(devices(Device(name="r1", host_keys=given)), keys[0]) == "r1"


@pytest.mark.parametrize(
    "value",
    [
        "", "SHA256:abc", "AAAA", "AAAAB3NzaC1yc2E=!", 7, [7], b"AAAA", None,
        "ssh-rsa {key}", "@revoked r1 ssh-ed25519 {key}",
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_host_key_is_refused(keys, value):
    given = value.format(key=keys[0].base64) if isinstance(value, str) else value
    with pytest.raises(OptionError, match="devices: r1: host_keys: "):
        devices(Device(name="r1", host_keys=given))


def test_keys_on_file_for_the_name_are_the_devices(keys, known_hosts):
    file = known_hosts(
        line("R1.example.net", keys[0]), line("[r1.example.net]:830", keys[1]), line("r2", keys[2])
    )
    known = devices(Device(name="r1.example.net", known_hosts=file))
    assert whose(known, keys[0]) == whose(known, keys[1]) == "r1.example.net"
    with pytest.raises(UnknownDeviceError):
        whose(known, keys[2])
    assert known.key_types() == ("ssh-ed25519",)


def test_given_keys_are_all_that_a_device_has(keys, known_hosts):
    file = known_hosts(line("r1", keys[0]))
    known = devices(Device(name="r1", host_keys=keys[1], known_hosts=file))
    with pytest.raises(UnknownDeviceError):
        whose(known, keys[0])


def test_an_unknown_key_is_told_with_what_it_takes_to_add_it(keys):
    known = devices(Device(name="r1", host_keys=keys[0]))
    with pytest.raises(UnknownDeviceError) as caught:
        whose(known, keys[1])
    error = caught.value
    assert str(error) == f"no device has the host key ssh-ed25519 {keys[1].sha256}"
    assert (error.host, error.key_base64) == ("192.0.2.7:4711", keys[1].base64)


@pytest.mark.parametrize("names", ["r1", "*", "[r1]:830"])
@pytest.mark.parametrize("given", [True, False], ids=["given", "on file"])
def test_a_revoked_key_is_refused_wherever_it_is_from(keys, known_hosts, names, given):
    file = known_hosts(
        line("r1", keys[0]), line("r1", keys[1]), f"@revoked {line(names, keys[1])}"
    )
    host_keys = keys[:2] if given else ()
    known = devices(Device(name="r1", host_keys=host_keys, known_hosts=file))
    assert whose(known, keys[0]) == "r1"
    with pytest.raises(SSHHostKeyRevokedError, match=r"of r1 is revoked.*known_hosts:3"):
        whose(known, keys[1])


def test_the_users_own_file_is_read_when_none_is_named(keys, home):
    (home / ".ssh" / "known_hosts").write_text(line("r1", keys[0]) + "\n")
    assert whose(devices(Device(name="r1")), keys[0]) == "r1"


def test_a_device_without_a_good_key_is_refused(keys, known_hosts):
    file = known_hosts(line("r2", keys[0]), line("r3", keys[1]), "@revoked " + line("r3", keys[1]))
    with pytest.raises(
        OptionError, match=r"r1: host_keys: there is no host key on file in .*hosts"
    ):
        devices(Device(name="r1", known_hosts=file))
    with pytest.raises(OptionError, match=r"r3: host_keys: .* that is not revoked"):
        devices(Device(name="r3", known_hosts=file))
    with pytest.raises(OptionError, match="r1: known_hosts: /missing: No such file"):
        devices(Device(name="r1", known_hosts="/missing"))


def test_a_certificate_authoritys_key_is_no_devices(keys, known_hosts):
    file = known_hosts("@cert-authority " + line("*", keys[0]))
    with pytest.raises(OptionError, match="no host key on file"):
        devices(Device(name="r1", known_hosts=file))


def test_two_devices_with_one_key_or_one_name_are_refused(keys, known_hosts):
    with pytest.raises(OptionError, match=r"r1 and r2 have the same host key, .*SHA256:"):
        devices(
            Device(name="r1", host_keys=keys[0]), Device(name="r2", host_keys=[keys[1], keys[0]])
        )
    file = known_hosts(line("r*", keys[0]))
    with pytest.raises(OptionError, match="r1 and r2 have the same"):
        devices(Device(name="r1", known_hosts=file), Device(name="r2", known_hosts=file))
    with pytest.raises(OptionError, match="two are named r1"):
        devices(Device(name="r1", host_keys=keys[0]), Device(name="r1", host_keys=keys[1]))


@pytest.mark.parametrize("listed", [[], ["r1"], None, 7], ids=str)
def test_what_is_no_list_of_devices_is_refused(listed):
    with pytest.raises(OptionError, match="devices: "):
        HostKeyDevices(listed, Timeouts(), scripted())


def test_one_device_is_no_list(keys):
    with pytest.raises(OptionError, match="devices: must be several"):
        HostKeyDevices(Device(name="r1", host_keys=keys[0]), Timeouts(), scripted())


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("name", "r 1"), ("name", ""), ("username", ""), ("password", 7), ("allow_agent", 1),
        ("auth_handler", 7), ("keepalive", -1), ("keepalive_count", 0),
        ("environment", {"": ""}), ("subsystems", ()),
        ("timeouts", 7),
    ],
)  # fmt: skip
def test_wrong_parameters_are_told_with_the_device(keys, parameter, value):
    given = {"name": "r1", "host_keys": keys[0], parameter: value}
    with pytest.raises(OptionError, match=f"devices: {given['name']}: "):
        devices(Device(**given))


def test_a_key_file_that_cannot_be_used_is_told_at_once(keys, tmp_path):
    given = {"name": "r1", "host_keys": keys[0], "key_filename": tmp_path / "missing"}
    with pytest.raises(KeyFileError, match="missing"):
        devices(Device(**given, look_for_keys=False))
    # With something else to log in with it is told with each call.
    devices(Device(**given, password="p"))


def test_what_the_driver_cannot_do_is_told_at_once(keys):
    driver = scripted()
    driver.features = SSHDriver.CORE_FEATURES | {Feature.PUBLICKEY}
    with pytest.raises(UnsupportedOption, match="password"):
        devices(Device(name="r1", host_keys=keys[0], password="p"), driver=driver)


def test_a_devices_timeouts_are_its_own_or_the_listeners(keys):
    mine, listeners = Timeouts(rpc=1), Timeouts(rpc=2)
    known = devices(
        Device(name="r1", host_keys=keys[0], timeouts=mine),
        Device(name="r2", host_keys=keys[1]),
        timeouts=listeners,
    )
    budgets = [known.with_key(key, "").options.timeouts.rpc for key in keys[:2]]
    assert budgets == [1, 2]


def test_a_device_shows_no_secret():
    assert "hunter2" not in repr(Device(name="r1", password="hunter2"))
