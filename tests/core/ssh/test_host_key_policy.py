"""Which host keys are good, and who is asked."""

from __future__ import annotations

import pytest

from ncwire._ssh.hostkeys.known_hosts import KnownHosts, KnownHostsFile
from ncwire._ssh.hostkeys.pinned import parse_hostkey_b64
from ncwire._ssh.hostkeys.policy import HostKeyPolicy
from ncwire._ssh.options.defaults import default_unknown_host_cb
from ncwire.errors import (
    OptionError,
    SSHHostKeyChangedError,
    SSHHostKeyMismatchError,
    SSHHostKeyRevokedError,
    SSHUnknownHostError,
)


@pytest.fixture
def key(key_factory):
    return key_factory.public("ed25519")


@pytest.fixture
def other(key_factory):
    return key_factory.public("ed25519", n=1)


@pytest.fixture
def ecdsa(key_factory):
    return key_factory.public("ecdsa", bits=256)


class Callback:
    def __init__(self, answer: object = True) -> None:
        self.asked: list[tuple[str, str]] = []
        self._answer = answer

    def __call__(self, host: str, fingerprint: str) -> object:
        self.asked.append((host, fingerprint))
        return self._answer


def policy(*lines, host="r1", port=22, **more):
    text = "".join(f"{names} {key.type} {key.base64}\n" for names, key in lines)
    known = KnownHosts([KnownHostsFile("kh", text.encode())])
    more.setdefault("unknown_host_cb", Callback())
    return HostKeyPolicy(host=host, port=port, known_hosts=known, **more)


def asked(checked: HostKeyPolicy) -> list[tuple[str, str]]:
    return checked.unknown_host_cb.asked


@pytest.mark.parametrize(
    ("names", "port"),
    [("r1", 22), ("[r1]:830", 830), ("r1", 830), ("*", 830), ("[r1]:*", 830), ("r0,r1", 830)],
)
def test_a_known_key_is_good_without_asking(names, port, key):
    checked = policy((names, key), port=port)
    checked.verify(key)
    assert asked(checked) == []
    assert checked.key_types() == (key.type,)


def test_one_good_key_among_several_is_enough(key, other):
    policy(("r1", other), ("r1", key)).verify(key)


def test_an_unknown_host_is_refused_with_both_fingerprints(key, other):
    checked = policy(
        ("r2,[r1]:22,r1.example", other), port=830, unknown_host_cb=default_unknown_host_cb
    )
    with pytest.raises(SSHUnknownHostError) as caught:
        checked.verify(key)
    error = caught.value
    assert type(error) is SSHUnknownHostError
    assert (error.host, error.fingerprint) == ("[r1]:830", key.md5)
    assert (error.key_type, error.sha256) == (key.type, key.sha256)
    assert error.key_base64 == key.base64


def test_the_callback_gets_the_host_as_given_and_md5_and_true_accepts(key):
    checked = policy(host="R1", port=830)
    checked.verify(key)
    assert asked(checked) == [("R1", key.md5)]


@pytest.mark.parametrize("answer", [False, None, "yes", 1])
def test_nothing_but_true_accepts(answer, key):
    with pytest.raises(SSHUnknownHostError):
        policy(unknown_host_cb=Callback(answer)).verify(key)


def test_what_the_callback_raises_passes_through(key):
    def callback(host, fingerprint):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        policy(unknown_host_cb=callback).verify(key)


def test_a_changed_key_is_refused_with_file_and_line_without_asking(key, other, ecdsa):
    checked = policy(("r1", ecdsa), ("r1", other))
    with pytest.raises(SSHHostKeyChangedError) as caught:
        checked.verify(key)
    assert (caught.value.filename, caught.value.line) == ("kh", 2)
    assert (caught.value.host, caught.value.sha256) == ("r1", key.sha256)
    assert asked(checked) == []


def test_a_key_of_another_type_is_a_changed_key(key, ecdsa):
    checked = policy(("r1", ecdsa))
    with pytest.raises(SSHHostKeyChangedError):
        checked.verify(key)
    assert asked(checked) == []


def test_another_key_under_the_plain_name_says_nothing_about_another_port(key, other):
    checked = policy(("r1", other), port=830)
    checked.verify(key)
    assert asked(checked) == [("r1", key.md5)]


def test_the_plain_name_does_not_help_when_there_is_a_key_for_the_port(key, other):
    checked = policy(("[r1]:830", other), ("r1", key), port=830)
    with pytest.raises(SSHHostKeyChangedError):
        checked.verify(key)
    assert asked(checked) == []


@pytest.mark.parametrize("port", [22, 830])
@pytest.mark.parametrize("names", ["r1", "*"])
@pytest.mark.parametrize("verify", [True, False])
def test_a_revoked_key_is_refused_always(names, port, verify, key):
    checked = policy(
        ("r1", key), (f"@revoked {names}", key), port=port, verify_known=verify, pinned=key
    )
    with pytest.raises(SSHHostKeyRevokedError) as caught:
        checked.verify(key)
    assert caught.value.line == 2
    assert asked(checked) == []


def test_a_revoked_key_of_another_does_no_harm(key, other):
    policy(("r1", key), ("@revoked *", other)).verify(key)


def test_an_authority_is_no_known_key_and_no_changed_one(key, other):
    for authority in (key, other):
        checked = policy(("@cert-authority *", authority))
        checked.verify(key)
        assert asked(checked) == [("r1", key.md5)]


def test_an_alias_is_looked_up_alone_and_without_the_port(key, other):
    checked = policy(("lab", key), ("[r1]:830", other), ("r1", other), port=830, alias="lab")
    checked.verify(key)
    assert asked(checked) == []
    unknown = policy(("r1", key), alias="lab", unknown_host_cb=default_unknown_host_cb)
    with pytest.raises(SSHUnknownHostError) as caught:
        unknown.verify(key)
    assert caught.value.host == "lab"


def test_hostkey_verify_false_skips_the_lookup_only(key, other):
    checked = policy(("r1", other), verify_known=False)
    checked.verify(key)
    assert asked(checked) == []


def test_the_pinned_key_is_enough_and_no_other_is_good(key, other):
    policy(("r1", other), pinned=key).verify(key)
    for verify in (True, False):
        checked = policy(("r1", key), pinned=other, verify_known=verify)
        with pytest.raises(SSHHostKeyMismatchError):
            checked.verify(key)
        assert asked(checked) == []


def test_the_types_to_prefer(key, other, ecdsa):
    assert policy(("r1", ecdsa), ("r1", key), ("r1", other)).key_types() == (ecdsa.type, key.type)
    assert policy(("r1", ecdsa), port=830).key_types() == (ecdsa.type,)
    assert policy(("r1", ecdsa), ("[r1]:830", key), port=830).key_types() == (key.type,)
    assert policy(("r1", ecdsa), pinned=key).key_types() == (key.type,)


def test_hostkey_b64_may_be_wrapped(key):
    wrapped = f"{key.base64[:20]}\n  {key.base64[20:]}\n"
    assert parse_hostkey_b64(wrapped) == key


@pytest.mark.parametrize("value", ["", "!!", "AAAA", "c3NoLXJzYQ==", "ssh-ed25519 AAAA", "ü"])
def test_hostkey_b64_that_is_none_is_refused(value):
    with pytest.raises(OptionError, match="hostkey_b64"):
        parse_hostkey_b64(value)


def test_hostkey_b64_is_no_certificate(key_ring):
    certificate = key_ring.host_certificate(key_ring.key("host"), key_ring.key("ca"))
    with pytest.raises(OptionError, match=r"hostkey_b64: .*certificate"):
        parse_hostkey_b64(certificate.read_text().split()[1])


def test_an_address_is_known_in_any_form(key):
    policy(("[::1]:830", key), host="0:0:0:0:0:0:0:1", port=830).verify(key)


class TestRemembering:
    def test_what_is_accepted_is_put_on_file_under_its_name(self, key):
        kept = []
        checked = policy(port=830, remember=lambda *new: kept.append(new) or [])
        checked.verify(key)
        assert kept == [("[r1]:830", key)]
        assert asked(checked) == [("r1", key.md5)]

    def test_what_is_refused_is_not(self, key, other):
        remember = lambda *new: pytest.fail("remembered")  # noqa: E731
        with pytest.raises(SSHUnknownHostError):
            policy(unknown_host_cb=Callback(False), remember=remember).verify(key)
        with pytest.raises(SSHHostKeyChangedError):
            policy(("r1", other), remember=remember).verify(key)
        with pytest.raises(SSHHostKeyRevokedError):
            policy(("@revoked r1", key), remember=remember).verify(key)
        with pytest.raises(SSHHostKeyMismatchError):
            policy(pinned=other, remember=remember).verify(key)
        policy(("r1", key), remember=remember).verify(key)
        policy(pinned=key, remember=remember).verify(key)

    def test_a_key_that_came_on_file_meanwhile_decides(self, key, other):
        by_now = KnownHostsFile("kh", f"r1 {key.type} {key.base64}".encode()).lookup("r1")
        policy(remember=lambda *_: by_now).verify(key)
        with pytest.raises(SSHHostKeyChangedError) as caught:
            policy(remember=lambda *_: by_now).verify(other)
        assert (caught.value.filename, caught.value.line) == ("kh", 1)


def test_errors_of_drivers_that_cannot_name_the_place():
    assert SSHHostKeyRevokedError("r1", "ab", key_type="t", sha256="SHA256:x").problem == (
        "host key of r1 is revoked: t SHA256:x"
    )
    assert SSHHostKeyChangedError("r1", "ab", key_type="t", sha256="SHA256:x").problem == (
        "host key of r1 has changed: it presents t SHA256:x, another is known"
    )
