"""Negotiation with a real sshd: what is offered works, and what is not in common is told."""

from __future__ import annotations

import base64
import hashlib
import random

import pytest

import installed_ssh
import ncwire
from ncwire import AlgorithmPolicy, Algorithms, NoCommonAlgorithmError
from ncwire._algorithms.offer import MODERN, in_common
from ncwire._plugins import registry
from ncwire.driver import Feature, SSHDriver
from ncwire.errors import AuthenticationError
from ncwire.testing import EmbeddedServer
from servers.sshd import Sshd, SshdSettings

pytestmark = pytest.mark.sshd

MEGABYTE = 1024 * 1024

LEGACY = """
KexAlgorithms diffie-hellman-group14-sha1
HostKeyAlgorithms ssh-rsa
Ciphers aes128-cbc,3des-cbc
MACs hmac-sha1
"""
LEGACY_ALLOWED = Algorithms(
    kex=("diffie-hellman-group14-sha1",),
    host_keys=("ssh-rsa",),
    ciphers=("aes128-cbc",),
    macs=("hmac-sha1",),
)
ZLIB = Algorithms(compression=("zlib@openssh.com",))
TOO_NEW = {"mlkem768x25519-sha256"}  # of OpenSSH 9.9
FIELDS = {"kex": "kex", "host_keys": "host_key_type", "ciphers": "cipher", "macs": "mac"}


def claims(*, too_new):
    return list(_claims(too_new))


def _claims(too_new):
    for driver in installed_ssh.NAMES:
        library = registry.load(driver)
        if not issubclass(library, SSHDriver):
            continue  # what it is able to do it does not tell
        for kind in FIELDS:
            for name in getattr(in_common(MODERN, library.algorithms), kind):
                if (name in TOO_NEW) == too_new:
                    yield pytest.param(driver, kind, name, id=f"{driver}-{name}")


def only(kind, name):
    return Algorithms(**{kind: (name,)} | ({"ciphers": ("aes128-ctr",)} if kind == "macs" else {}))


@pytest.fixture(scope="module")
def sshd_of_all_keys(key_ring):
    types = ("ed25519", "ecdsa", "ecdsa-384", "ecdsa-521", "rsa")
    server = Sshd(SshdSettings(host_key_types=types), key_ring)
    yield server
    server.end()


# --- what is offered works ---------------------------------------------------------------------


@pytest.mark.parametrize(("driver", "kind", "name"), claims(too_new=False))
def test_each_modern_algorithm_that_a_driver_claims_is_negotiated(
    connect, sshd_of_all_keys, kind, name
):
    session = connect(sshd_of_all_keys, algorithms=only(kind, name))
    assert getattr(session.channel_info, FIELDS[kind]) == name
    assert session.rpc("<echo/>").message_id


@pytest.mark.parametrize(("driver", "kind", "name"), claims(too_new=True))
def test_what_sshd_does_not_have_yet_is_negotiated_with_the_embedded_server(driver, kind, name):
    with (
        EmbeddedServer() as server,
        ncwire.connect(
            server.host,
            port=server.port,
            driver=driver,
            username="admin",
            password="admin",
            hostkey_verify=False,
            allow_agent=False,
            look_for_keys=False,
            algorithms=only(kind, name),
        ) as session,
    ):
        assert getattr(session.channel_info, FIELDS[kind]) == name


@pytest.fixture
def core_offers(driver):
    """The core chooses what is offered by default; a program has a default of its own."""
    if not issubclass(registry.load(driver), SSHDriver):
        pytest.skip(f"driver {driver!r} offers by default what its program does")


@pytest.mark.usefixtures("core_offers")
def test_by_default_the_choice_is_the_same_on_every_driver(sshd, connect):
    info = connect(sshd).channel_info
    assert info.cipher == "aes128-gcm@openssh.com"
    assert info.mac == ""
    assert info.host_key_type == "ssh-ed25519"
    assert info.kex.startswith("curve25519-sha256")
    assert info.compression == "none"


@pytest.mark.usefixtures("core_offers")
def test_encrypt_then_mac_is_taken_with_ctr(sshd, connect):
    policy = AlgorithmPolicy(prefer=Algorithms(ciphers=("aes256-ctr",)))
    info = connect(sshd, algorithms=policy).channel_info
    assert (info.cipher, info.mac) == ("aes256-ctr", "hmac-sha2-256-etm@openssh.com")


def test_what_is_forbidden_is_not_taken(sshd, connect):
    gcm = tuple(name for name in MODERN.ciphers if "gcm" in name)
    policy = AlgorithmPolicy(forbid=Algorithms(ciphers=gcm))
    assert connect(sshd, algorithms=policy).channel_info.cipher == "aes128-ctr"


def test_what_is_allowed_is_not_taken_while_there_is_better(sshd, connect):
    policy = AlgorithmPolicy(allow=LEGACY_ALLOWED)
    info = connect(sshd, algorithms=policy).channel_info
    assert (info.cipher, info.host_key_type) == ("aes128-gcm@openssh.com", "ssh-ed25519")


# --- compression -------------------------------------------------------------------------------


def test_compressed_bulk_arrives_whole_both_ways_across_key_exchanges(make_sshd, connect, driver):
    if Feature.COMPRESSION not in registry.load(driver).features:
        pytest.skip("the driver does not compress")
    session = connect(make_sshd(config="RekeyLimit 1M"), algorithms=ZLIB)
    assert session.channel_info.compression == "zlib@openssh.com"
    reply = session.rpc(f'<get-bytes n="{20 * MEGABYTE}"/>', timeout=100)
    text = reply.raw[reply.raw.index("<data>") + 6 : reply.raw.index("</data>")]
    pattern = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n"
    assert len(text) == 20 * MEGABYTE
    assert text == (pattern * (len(text) // len(pattern) + 1))[: len(text)]
    # What compresses well, and what does not.
    noise = base64.b64encode(random.Random(4).randbytes(5 * MEGABYTE)).decode()
    for payload in ("x" * (10 * MEGABYTE), noise):
        operation = f"<digest>{payload}</digest>"
        reply = session.rpc(operation, timeout=100)
        sent = (
            f'<rpc message-id="{reply.message_id}" '
            f'xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">{operation}</rpc>'
        ).encode()
        assert hashlib.sha256(sent).hexdigest() in reply.raw


def test_a_server_that_does_not_compress_is_no_match(make_sshd, connect):
    server = make_sshd(config="Compression no")
    with pytest.raises(NoCommonAlgorithmError, match="no compression in common") as raised:
        connect(server, algorithms=ZLIB)
    assert raised.value.theirs.compression == ("none",)
    either = Algorithms(compression=("zlib@openssh.com", "none"))
    assert connect(server, algorithms=either).channel_info.compression == "none"


# --- nothing in common -------------------------------------------------------------------------


@pytest.mark.usefixtures("core_offers")
def test_a_legacy_server_is_refused_by_default_and_the_way_is_told(make_sshd, connect):
    with pytest.raises(NoCommonAlgorithmError) as raised:
        connect(make_sshd(config=LEGACY))
    error = raised.value
    assert error.kind == "kex"
    assert error.ours.kex
    assert set(error.ours.kex) <= set(MODERN.kex)
    assert error.theirs == Algorithms(
        kex=("diffie-hellman-group14-sha1",),
        host_keys=("ssh-rsa",),
        ciphers=("aes128-cbc", "3des-cbc"),
        macs=("hmac-sha1",),
        compression=("none", "zlib@openssh.com"),
    )
    # What more there is depends on which libssh2 is installed.
    assert error.advice.startswith(
        "driver libssh2 could, with algorithms=AlgorithmPolicy(allow=Algorithms("
        "kex=('diffie-hellman-group14-sha1',), host_keys=('ssh-rsa',), "
        "ciphers=('aes128-cbc',), macs=('hmac-sha1',)))"
    )
    assert "the server diffie-hellman-group14-sha1; driver libssh2" in str(error)


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ("KexAlgorithms diffie-hellman-group14-sha1", "kex"),
        ("HostKeyAlgorithms ssh-rsa", "host_keys"),
        ("Ciphers 3des-cbc", "ciphers"),
        ("Ciphers aes128-ctr\nMACs hmac-md5", "macs"),
    ],
)
def test_each_kind_that_has_nothing_in_common_is_named(make_sshd, connect, config, kind):
    with pytest.raises(NoCommonAlgorithmError) as raised:
        connect(make_sshd(config=config))
    assert raised.value.kind == kind
    assert ", ".join(getattr(raised.value.theirs, kind)) in str(raised.value)


def test_a_legacy_server_is_reached_by_name_where_the_driver_can(make_sshd, connect, driver):
    server = make_sshd(config=LEGACY)
    policy = AlgorithmPolicy(allow=LEGACY_ALLOWED)
    if driver == "libssh2":
        info = connect(server, algorithms=policy).channel_info
        assert (info.kex, info.host_key_type) == ("diffie-hellman-group14-sha1", "ssh-rsa")
        assert (info.cipher, info.mac) == ("aes128-cbc", "hmac-sha1")
    elif driver == "paramiko":  # 5.1 has no SHA-1 key exchange; that it may be named is no error
        with pytest.raises(NoCommonAlgorithmError, match="driver libssh2 could"):
            connect(server, algorithms=policy)


def test_cbc_and_sha1_macs_are_reached_by_name_on_every_driver(make_sshd, connect):
    server = make_sshd(config="Ciphers aes128-cbc,3des-cbc\nMACs hmac-sha1")
    info = connect(server, algorithms=AlgorithmPolicy(allow=LEGACY_ALLOWED)).channel_info
    assert (info.cipher, info.mac) == ("aes128-cbc", "hmac-sha1")


def test_another_driver_that_can_without_any_opt_in_is_named(make_sshd, connect, driver):
    server = make_sshd(config="Ciphers chacha20-poly1305@openssh.com")
    if driver == "paramiko":
        with pytest.raises(NoCommonAlgorithmError) as raised:
            connect(server)
        assert raised.value.kind == "ciphers"
        advised = "driver libssh2 could, with the default algorithms"
        assert raised.value.advice.startswith(advised)
    else:
        info = connect(server).channel_info
        assert (info.cipher, info.mac) == ("chacha20-poly1305@openssh.com", "")


# --- signatures of the user's RSA keys ---------------------------------------------------------


def test_an_rsa_key_signs_by_sha2(make_sshd, connect, key_ring):
    key = key_ring.key("signing", "rsa")
    server = make_sshd(
        authorized_keys=[key], config="PubkeyAcceptedAlgorithms rsa-sha2-512,rsa-sha2-256"
    )
    assert connect(server, key_filename=str(key)).connected


def test_an_rsa_key_does_not_sign_by_sha1(make_sshd, connect, key_ring):
    key = key_ring.key("signing", "rsa")
    server = make_sshd(authorized_keys=[key], config="PubkeyAcceptedAlgorithms ssh-rsa")
    with pytest.raises(AuthenticationError):
        connect(server, key_filename=str(key))
