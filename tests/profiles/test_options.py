"""Each option that is not about XML: what it comes to, and what wins over it."""

from __future__ import annotations

import dataclasses
import threading

import pytest

import ncwire
from ncwire import AlgorithmPolicy, Algorithms, Limits, SSHSession, Timeouts, profiles
from ncwire._plugins import registry
from ncwire._protocol.rpc import rpc_envelope, wrap_rpc
from ncwire._ssh.options.parameters import Parameters
from ncwire._ssh.options.resolve import settle
from ncwire.driver import Feature
from ncwire.errors import (
    ChannelError,
    MessageSizeError,
    OptionError,
    SessionCloseError,
    UnsupportedOption,
)
from ncwire.profiles import DeviceProfile
from ncwire.testing import EmbeddedServer
from waiting import eventually


def settled(text: str, **given: object):
    profile = profiles.parse(text, "lab.toml", "lab")
    return settle(Parameters(host="r1", username="u", profile=profile, **given))


def test_the_port_yields_to_the_argument_and_to_ssh_config():
    assert settled("port = 22").port == 22
    assert settled("").port == 830
    assert settled("port = 22", port=2022).port == 2022
    assert settled("port = 22", ssh_options=["Port=2022"]).port == 2022
    assert settled("port = 22", ssh_options=["User=u"]).port == 22


def test_the_order_of_authentication_yields_to_ssh_config():
    text = 'auth_methods = ["password", "publickey"]'
    assert settled(text).auth_methods == ("password", "publickey")
    preferred = ["PreferredAuthentications=publickey"]
    assert settled(text, ssh_options=preferred).auth_methods == ("publickey",)


def test_keepalives_yield_to_the_arguments_and_to_ssh_config():
    text = "keepalive = 30\nkeepalive_count = 5"
    options = settled(text)
    assert (options.keepalive, options.keepalive_count) == (30, 5)
    options = settled(text, keepalive=7, keepalive_count=2)
    assert (options.keepalive, options.keepalive_count) == (7, 2)
    assert settled(text, keepalive=0).keepalive is None
    assert settled("keepalive = 0").keepalive is None
    alive = ["ServerAliveInterval=9", "ServerAliveCountMax=4"]
    options = settled(text, ssh_options=alive)
    assert (options.keepalive, options.keepalive_count) == (9, 4)


def test_budgets_yield_to_what_is_given():
    text = "[timeouts]\nconnect = 1\nhello = 2\nrpc = 3\nclose = 4\noverall = 10"
    timeouts = settled(text).timeouts
    assert (timeouts.connect, timeouts.hello, timeouts.rpc, timeouts.close) == (1, 2, 3, 4)
    assert (timeouts.auth, timeouts.overall) == (30, 10)
    assert settled(text, timeout=7).timeouts.hello == 7
    assert settled(text, timeout=7).timeouts.rpc == 3
    given = settled(text, timeouts=Timeouts(hello=8, rpc=9)).timeouts
    assert (given.connect, given.hello, given.rpc) == (1, 8, 9)
    assert settled(text, ssh_options=["ConnectTimeout=5"]).timeouts.connect == 5


def test_algorithms_yield_kind_by_kind():
    text = '[algorithms.allow]\nkex = ["diffie-hellman-group14-sha1"]\nmacs = ["hmac-sha1"]'
    options = settled(text)
    assert options.algorithms.kex[-1] == "diffie-hellman-group14-sha1"
    assert options.algorithms.macs[-1] == "hmac-sha1"
    assert options.algorithms.ciphers == ()
    mine = settled(text, algorithms=Algorithms(kex=("curve25519-sha256",))).algorithms
    assert mine.kex == ("curve25519-sha256",)
    assert mine.macs[-1] == "hmac-sha1"
    forbid = AlgorithmPolicy(forbid=Algorithms(macs=("hmac-sha2-256",)))
    assert "hmac-sha1" not in settled(text, algorithms=forbid).algorithms.macs


def test_subsystems_that_are_given_are_all_that_is_tried():
    text = 'subsystems = ["a", "b"]\ncommand = "c"'
    options = settled(text)
    assert (options.subsystems, options.command) == (("a", "b"), "c")
    options = settled(text, subsystems=["x"])
    assert (options.subsystems, options.command) == (("x",), None)


def test_nothing_of_it_holds_for_a_jump_host():
    hop = settled(
        "port = 99\nkeepalive = 5\n[timeouts]\nauth = 1\n[algorithms.allow]\nmacs=['hmac-sha1']",
        jumps=["bastion"],
    ).jumps[0]
    assert (hop.port, hop.keepalive, hop.algorithms) == (22, None, None)
    assert hop.timeouts.auth == 30


def test_host_keys_are_verified_whatever_the_profile(peer):
    for name in profiles.built_in():
        options = settle(Parameters(host="r1", username="u", profile=profiles.get(name)))
        assert options.hostkey_verify
        assert options.unknown_host_cb is None
        assert options.accept_new is None
    fields = {each.name for each in dataclasses.fields(DeviceProfile)}
    assert not {"hostkey_verify", "unknown_host_cb", "accept_new", "hostkey_b64"} & fields


@pytest.mark.parametrize("driver", ["paramiko", "libssh2"])
def test_a_server_that_starts_nothing_is_told_of_with_all_that_was_tried(driver, connect):
    with (
        EmbeddedServer(subsystems=[]) as server,
        pytest.raises(ChannelError) as caught,
    ):
        connect(server, profile="junos", driver=driver)
    text = str(caught.value)
    assert "none of the subsystems, nor the command: netconf: " in text
    assert "xml-mode netconf need-trailer: " in text


def test_a_driver_that_starts_no_commands_is_refused():
    class NoCommands(registry.load("paramiko")):
        contract = (1, 0)
        features = registry.load("paramiko").features - {Feature.COMMAND}

    with pytest.raises(UnsupportedOption, match=r"does not support profile\.command"):
        ncwire.connect("127.0.0.1", port=1, profile="junos", driver=NoCommands)


def test_a_pause_holds_connect_back_and_ends_with_the_session(peer, connect):
    server, _ = peer("default")
    session = SSHSession(profile=DeviceProfile(name="lab", pause=60))
    failed: list[BaseException] = []

    def connecting() -> None:
        try:
            session.connect(
                server.host, server.port, username=server.username, password=server.password,
                hostkey_b64=server.host_key.base64, allow_agent=False, look_for_keys=False,
            )  # fmt: skip
        except SessionCloseError as error:
            failed.append(error)

    thread = threading.Thread(target=connecting)
    thread.start()
    eventually(lambda: session.connected or not thread.is_alive())
    # The hellos are exchanged, and `connect` has not returned.
    assert thread.is_alive()
    session.close()
    thread.join(20)
    assert not thread.is_alive()
    assert failed == [session.cause]


def test_limits_are_the_sessions(peer, connect):
    server, _ = peer("default")
    small = DeviceProfile(name="lab", limits=Limits(message=50))
    session = connect(server, profile=small)
    with pytest.raises(MessageSizeError):
        session.rpc("<get/>", 20)
    session = connect(server, profile=small, limits=Limits())
    assert session.rpc("<get/>", 20)


def test_capabilities_that_are_given_win(peer, connect):
    server, playing = peer("default")
    mine = ["urn:ietf:params:netconf:base:1.0", "urn:example:mine"]
    session = connect(server, profile="sros-private", capabilities=mine)
    assert list(session.client_capabilities) == mine
    session.rpc("<get/>", 20)
    assert "urn:nokia.com:nc:pc" not in playing.hello


DIALECTS = {
    "": '<rpc message-id="1" xmlns="{nc}"><get/></rpc>',
    "[rpc]\ndeclaration = true": '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<rpc message-id="1" xmlns="{nc}"><get/></rpc>',
    "[rpc]\nprefix = 'nc'": '<nc:rpc message-id="1" xmlns="{nc}" xmlns:nc="{nc}"><get/></nc:rpc>',
    "[rpc.namespaces]\na = 'urn:100%&25'": None,
    "[rpc.namespaces]\na = 'urn:100%25'": '<rpc message-id="1" xmlns="{nc}" xmlns:a="urn:100%25">'
    "<get/></rpc>",
}


@pytest.mark.parametrize("text", DIALECTS)
def test_an_rpc_is_wrapped_in_the_dialect(text):
    expected = DIALECTS[text]
    if expected is None:
        with pytest.raises(OptionError, match=r"rpc\.namespaces"):
            profiles.parse(text, "lab.toml")
        return
    envelope = rpc_envelope(profiles.parse(text, "lab.toml").dialect)
    nc = "urn:ietf:params:xml:ns:netconf:base:1.0"
    assert wrap_rpc("<get/>", "1", envelope).decode() == expected.format(nc=nc)


def test_prefixes_are_understood_by_a_server_that_reads_xml(connect):
    prefixed = profiles.parse(
        "[hello]\nprefix = 'h'\n[rpc]\nprefix = 'nc'\ndeclaration = true\n"
        "[rpc.namespaces]\nif = 'urn:example:if'",
        "lab.toml",
    )
    with EmbeddedServer() as server:
        session = connect(server, profile=prefixed)
        operation = "<get-config><source><running/></source></get-config>"
        assert "<data" in session.rpc(operation, 20).raw
        assert "<data" in session.submit(operation).result(20).raw
        session.close_session(20)
        assert server.sessions == 0


def test_a_path_is_a_profile_too(tmp_path, peer, connect):
    path = tmp_path / "lab.toml"
    path.write_text('extends = "sros-private"')
    server, _ = peer("sros-private")
    session = connect(server, profile=path)
    assert session.profile.name == "lab"
    assert session.rpc("<get/>", 20)


def test_something_else_is_no_profile():
    with pytest.raises(OptionError, match="must be a DeviceProfile, a name, a path or"):
        SSHSession(profile=3)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="given twice"):
        SSHSession(DeviceProfile(name="a"), profile="junos")
