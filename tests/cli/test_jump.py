"""`ncwire` through a jump host, by ssh's own option."""

from __future__ import annotations

import pytest

from ncwire._cli.failures import Exit
from servers import keyring

pytestmark = pytest.mark.sshd


@pytest.fixture
def servers(make_sshd, home):
    """The device and the jump host; the device is known."""
    device, bastion = make_sshd(), make_sshd(config="AllowTcpForwarding yes")
    (home / ".ssh" / "known_hosts").write_text(device.known_hosts.read_text())
    (home / ".ssh" / "id_ed25519").write_bytes(bastion.client_key.read_bytes())
    (home / ".ssh" / "id_ed25519").chmod(0o600)
    return device, bastion


def hello(run, device, bastion, *more):
    hop = f"{bastion.user}@{bastion.host}:{bastion.port}"
    target = [f"{device.user}@{device.host}", "-p", str(device.port), "-i", str(device.client_key)]
    return run("hello", *target, "-J", hop, *more)


def test_a_device_behind_a_jump_host_says_hello(run, servers, home):
    device, bastion = servers
    with (home / ".ssh" / "known_hosts").open("a") as file:
        file.write(bastion.known_hosts.read_text())
    code, out, err = hello(run, device, bastion)
    assert (code, err) == (0, "")
    assert "session-id" in out


def test_an_unknown_jump_host_is_refused_and_not_accepted_by_the_devices_option(run, servers):
    device, bastion = servers
    code, out, err = hello(run, device, bastion)
    assert (code, out) == (Exit.HOST_KEY, "")
    assert f"jump host {bastion.host}:{bastion.port}" in err
    assert "--accept-host-key" not in err
    keys = [keyring.public(key).split()[1] for key in bastion.host_keys.values()]
    assert any(key in err for key in keys)


def test_an_empty_hop_is_a_usage_error(run):
    code, _, err = run("hello", "r1", "-J", "a,,b")
    assert code == Exit.USAGE
    assert "-J" in err
