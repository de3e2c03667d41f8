"""Each built-in profile against a peer that does what its family is known for."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from ncwire import profiles
from ncwire.errors import NcwireError, SessionCloseError, UnsupportedOption
from ncwire.testing import EmbeddedServer
from ncwire.testing.ssh_login import Login
from peers import CAPABILITIES, FAMILIES, plain_reply

if TYPE_CHECKING:
    from ncwire.driver import Prompt

DRIVERS = ("paramiko", "libssh2")
NO_XML = {"\0", "\x07", "\x1b"}


def test_every_built_in_profile_has_a_peer():
    assert {*FAMILIES, "huawei-legacy"} == {*profiles.built_in()}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("name", FAMILIES)
def test_hello_rpc_and_close(name, driver, peer, connect):
    server, playing = peer(name)
    session = connect(server, profile=name, driver=driver)
    assert (session.profile.name, session.driver_choice.name) == (name, driver)
    assert session.id == "7"
    assert ":base" in session.server_capabilities
    for _ in range(2):
        reply = session.rpc("<get/>", 20)
        assert "42" in reply.raw
        assert not NO_XML & set(reply.raw)
    expected = list(profiles.get(name).client_capabilities())
    assert CAPABILITIES.findall(playing.hello) == expected
    session.close_session(20)
    assert isinstance(session.cause, SessionCloseError)
    assert session.cause.closed_by == "us"
    assert len(playing.rpcs) == 3


@pytest.mark.parametrize(
    ("name", "option"), [(name, key) for name, each in FAMILIES.items() for key in each.needs]
)
def test_without_the_option_it_fails(name, option, peer, connect):
    given = dict(profiles.get(name).values())
    del given[option]
    server, _ = peer(name)

    def talks(profile: profiles.DeviceProfile) -> bool:
        try:
            reply = connect(server, profile=profile).rpc("<get/>", 20)
        except NcwireError:
            return False
        return "42" in reply.raw and not NO_XML & set(reply.raw)

    assert not talks(profiles.profile.built(name, "test", given))
    assert talks(profiles.get(name))


@pytest.mark.parametrize("driver", DRIVERS)
def test_junos_has_its_last_word_between_chunks(driver, peer, connect):
    family = FAMILIES["junos"]
    chunked = type(family)(last_word=family.last_word)
    with EmbeddedServer(script=type(peer("junos")[1])(chunked)) as server:
        session = connect(server, profile="junos", driver=driver)
        assert "42" in session.rpc("<get/>", 20).raw
        session.close_session(20)
        assert isinstance(session.cause, SessionCloseError)
        assert session.cause.closed_by == "us"


@pytest.mark.parametrize("profile", ["huawei", "handler"])
def test_a_large_reply_is_mended_too(profile, peer, connect):
    class Handler:
        def get_capabilities(self):
            return list(profiles.get("huawei").client_capabilities())

        def handle_raw_dispatch(self, raw):
            return raw.strip("\0")

    def large(message_id: str) -> bytes:
        return b"\0" + plain_reply(message_id).replace(b"42", b"42" * 100_000) + b"\0"

    family = type(FAMILIES["huawei"])(reply=large)
    with EmbeddedServer(script=type(peer("huawei")[1])(family)) as server:
        session = connect(server, profile=Handler() if profile == "handler" else profile)
        assert session.rpc("<get/>", 20).raw.count("42") == 100_000
        assert not NO_XML & set(session.rpc("<get/>", 20).raw)


def test_a_reply_that_is_streamed_is_asked_for_and_mended_alike(peer, connect):
    server, playing = peer("huawei")
    prefixed = profiles.overlaid(
        profiles.get("huawei"), {"rpc": {"declaration": True}}, "test", "lab"
    )
    session = connect(server, profile=prefixed)
    taken = io.BytesIO()
    session.rpc("<get/>", 20, sink=taken)
    assert b"42" in taken.getvalue()
    assert b"\0" not in taken.getvalue()
    assert playing.rpcs[-1].startswith("<?xml ")


@pytest.mark.parametrize("driver", DRIVERS)
def test_netopeer2_is_given_the_password_before_it_asks(driver, connect):
    class Spurious(Login):
        """Says that it takes answers to prompts, and never does."""

        asked = 0

        def check_auth_interactive_response(self, responses):
            Spurious.asked += 1
            return self._outcome("keyboard-interactive", False)

    methods = ("keyboard-interactive", "password")

    def answers(_title: str, _instruction: str, prompts: list[Prompt]) -> list[str]:
        return ["admin" for _ in prompts]

    with EmbeddedServer(auth_methods=methods, login=Spurious) as server:
        for profile, asked in (("netopeer2", 0), ("default", 1)):
            session = connect(server, profile=profile, driver=driver, auth_handler=answers)
            assert session.connected
            assert Spurious.asked == asked


@pytest.mark.sshd
def test_huawei_legacy_takes_the_driver_that_has_its_algorithms(make_sshd, connect):
    sshd = make_sshd(
        config="KexAlgorithms diffie-hellman-group14-sha1\nHostKeyAlgorithms ssh-rsa\n"
        "Ciphers aes128-cbc\nMACs hmac-sha1\nPubkeyAcceptedAlgorithms +ssh-rsa\n",
        host_key_types=("rsa",),
    )
    login = {
        "username": sshd.user, "password": None, "key_filename": sshd.client_key,
        "hostkey_b64": None, "known_hosts": sshd.known_hosts,
    }  # fmt: skip
    session = connect(Place(sshd), profile="huawei-legacy", **login)
    assert session.driver_choice.name == "libssh2"
    assert "profile 'huawei-legacy'" in str(session.driver_choice)
    assert session.channel_info.kex == "diffie-hellman-group14-sha1"
    assert "rpc-reply" in session.rpc("<get/>", 20).raw
    session.close_session(20)
    with pytest.raises(UnsupportedOption) as caught:
        connect(Place(sshd), profile="huawei-legacy", driver="paramiko", **login)
    assert "diffie-hellman-group14-sha1" in str(caught.value)
    assert "these drivers do: libssh2" in str(caught.value)


class Place:
    """Where an sshd is, in the words of an embedded server."""

    def __init__(self, sshd) -> None:
        self.host, self.port, self.username = sshd.host, sshd.port, sshd.user
        self.password = self.host_key = None
        self.host_key = type("NoKey", (), {"base64": None})
