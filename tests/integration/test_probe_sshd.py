"""`ncwire.probe` against sshd: its advice is right, for it is followed here."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

import ncwire
from ncwire import AlgorithmPolicy, Algorithms, NoCommonAlgorithmError, _cli
from ncwire._plugins import registry
from ncwire.probe import Ability, Standing, probe, stanza

pytestmark = pytest.mark.sshd

LEGACY = """
KexAlgorithms diffie-hellman-group14-sha1
HostKeyAlgorithms ssh-rsa
Ciphers aes128-cbc,3des-cbc
MACs hmac-sha1
"""
OLD_MACS = "Ciphers aes128-cbc\nMACs hmac-sha1"
MODERN = """
KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org
HostKeyAlgorithms ssh-ed25519
Ciphers aes256-gcm@openssh.com
MACs hmac-sha2-512-etm@openssh.com
"""
ONE_NAME = "KexAlgorithms curve25519-sha256"  # paramiko 5.1 has it by its old name only
CHACHA = "Ciphers chacha20-poly1305@openssh.com"
NO_COMMON_MAC = "Ciphers aes128-gcm@openssh.com\nMACs umac-64@openssh.com"
POST_QUANTUM = "KexAlgorithms sntrup761x25519-sha512@openssh.com"

YES, IF_ALLOWED, NO = Ability.YES, Ability.IF_ALLOWED, Ability.NO
SETS = {
    "default": ("", {"paramiko": YES, "libssh2": YES}),
    "legacy": (LEGACY, {"paramiko": NO, "libssh2": IF_ALLOWED}),
    "old macs": (OLD_MACS, {"paramiko": IF_ALLOWED, "libssh2": IF_ALLOWED}),
    "modern": (MODERN, {"paramiko": YES, "libssh2": YES}),
    "one name": (ONE_NAME, {"paramiko": NO, "libssh2": YES}),
    "chacha20": (CHACHA, {"paramiko": NO, "libssh2": YES}),
    # paramiko 5.1 wants a MAC in common even with a cipher that needs none.
    "no common mac": (NO_COMMON_MAC, {"paramiko": NO, "libssh2": YES}),
    "post-quantum": (POST_QUANTUM, {"paramiko": NO, "libssh2": NO}),
}


def login(server):
    return {
        "host": server.host,
        "port": server.port,
        "username": server.user,
        "key_filename": str(server.client_key),
        "known_hosts": server.known_hosts,
        "allow_agent": False,
        "look_for_keys": False,
    }


@pytest.mark.parametrize("name", SETS)
def test_the_advice_is_right_for_each_driver(make_sshd, name):
    config, expected = SETS[name]
    server = make_sshd(config=config, host_key_types=("ed25519", "ecdsa", "rsa"))

    report = probe(**login(server))

    verdicts = {verdict.driver: verdict for verdict in report.drivers}
    assert {driver: verdicts[driver].ability for driver in expected} == expected
    for driver, ability in expected.items():
        verdict = verdicts[driver]
        if ability is NO:
            everything = AlgorithmPolicy(allow=registry.load(driver).algorithms)
            with pytest.raises(NoCommonAlgorithmError):
                ncwire.connect(**login(server), driver=driver, algorithms=everything)
            continue
        if ability is IF_ALLOWED:
            with pytest.raises(NoCommonAlgorithmError):
                ncwire.connect(**login(server), driver=driver)
        with ncwire.connect(**login(server), driver=driver, algorithms=verdict.policy) as session:
            assert session.rpc("<echo/>").message_id


@pytest.mark.parametrize("name", ["legacy", "old macs"])
def test_the_options_of_the_advice_connect_as_they_are_printed(make_sshd, name, capfd):
    config, _ = SETS[name]
    server = make_sshd(config=config)
    options = [
        *("-p", str(server.port), "-i", str(server.client_key), "-F", "none", "--no-prompt"),
        *("--known-hosts", str(server.known_hosts)),
    ]
    assert _cli.main(["probe", *options, server.host]) == 3
    out = capfd.readouterr().out
    assert "session: left out  the server needs algorithms that have to be allowed by name" in out
    commands = [
        line for line in out.splitlines() if "ncwire hello" in line and server.host in line
    ]
    assert commands
    for command in commands:  # one for each driver that can be had
        _, _, arguments = command.partition("ncwire ")
        assert _cli.main([*arguments.split(), *options]) == 0
        assert "capabilities" in capfd.readouterr().out


@pytest.mark.parametrize("name", ["default", "legacy", "old macs"])
def test_the_lines_for_the_inventory_reach_the_device(make_sshd, tmp_path, name):
    config, _ = SETS[name]
    server = make_sshd(config=config)
    report = probe(**login(server))
    path = tmp_path / "ncwire.toml"
    path.write_text(stanza(report))
    path.chmod(0o644)

    device = ncwire.Inventory.load(path).device(server.host)
    mine = {"key_filename": str(server.client_key), "known_hosts": server.known_hosts}
    with device.connect(**mine, ssh_config=None, allow_agent=False) as session:
        assert session.rpc("<echo/>").message_id


def test_what_the_user_has_allowed_already_needs_no_advice(make_sshd):
    server = make_sshd(config=LEGACY)
    allow = Algorithms(
        ("diffie-hellman-group14-sha1",), ("ssh-rsa",), ("aes128-cbc",), ("hmac-sha1",)
    )

    report = probe(**login(server), algorithms=AlgorithmPolicy(allow=allow))

    assert report.answer is not None
    assert report.answer.driver == "libssh2"  # paramiko is the default, and cannot
    verdict = report.best()
    assert verdict is not None
    assert (verdict.ability, verdict.allow) == (YES, allow)
    assert 'algorithms.allow.kex = ["diffie-hellman-group14-sha1"]' in stanza(report)


def test_all_that_is_found_is_in_the_report(sshd):
    report = probe(**login(sshd))

    assert report.greeting.software.startswith("OpenSSH")
    assert "curve25519-sha256" in report.greeting.offer.kex
    assert {key.type for key in report.host_keys} >= {"ssh-ed25519", "ecdsa-sha2-nistp256"}
    assert {key.standing for key in report.host_keys} == {Standing.GOOD}
    assert report.auth_methods == {"publickey"}
    assert report.answer is not None
    assert (report.answer.subsystem, report.answer.framing) == ("netconf", "chunked")
    assert report.answer.refused == ()
    assert report.problem is None
    json.dumps(report.as_json())


def test_a_host_certificate_is_among_the_keys(make_sshd, key_ring, tmp_path):
    authority = key_ring.key("authority")
    host = key_ring.key("host", "ed25519")
    copy = tmp_path / "host.pub"
    shutil.copy(f"{host}.pub", copy)
    subprocess.run(
        ["ssh-keygen", "-q", "-s", str(authority), "-h", "-I", "h", "-n", "127.0.0.1", str(copy)],
        check=True,
    )
    server = make_sshd(config=f"HostCertificate {tmp_path / 'host-cert.pub'}")

    report = probe(**login(server), log_in=False)

    keys = {key.type: key for key in report.host_keys}
    certified = keys["ssh-ed25519-cert-v01@openssh.com"]
    assert certified.sha256 == keys["ssh-ed25519"].sha256
    assert certified.standing is Standing.GOOD


def test_without_a_known_key_nothing_but_the_name_is_sent(make_sshd, tmp_path):
    server = make_sshd()
    empty = tmp_path / "known_hosts"
    empty.touch()

    report = probe(**login(server) | {"known_hosts": empty})

    assert {key.standing for key in report.host_keys} == {Standing.UNKNOWN}
    assert report.auth_methods == {"publickey"}
    assert report.answer is None
    assert isinstance(report.problem, ncwire.SSHUnknownHostError)
    assert "Accepted" not in server.log()
    assert "Failed publickey" not in server.log()


def test_to_a_host_with_a_changed_key_not_even_the_name_is_sent(make_sshd, key_ring, tmp_path):
    server = make_sshd(host_key_types=("ed25519",))
    other = (key_ring.key("other", "ed25519").with_suffix(".pub")).read_text()
    changed = tmp_path / "known_hosts"
    changed.write_text(f"[{server.host}]:{server.port} {other}\n")

    report = probe(**login(server) | {"known_hosts": changed, "username": "nobody-there"})

    (key,) = report.host_keys
    assert key.standing is Standing.CHANGED
    assert f"{changed}:1" in key.detail
    assert report.auth_methods is None
    assert report.auth_problem == "not asked: the host key is changed"
    assert isinstance(report.problem, ncwire.SSHUnknownHostError)
    assert "nobody-there" not in server.log()
