"""Device handlers: their parsers, repairs and ways of starting the session."""

from __future__ import annotations

import re
from typing import Any

import pytest
from drop_in_arguments import arguments_for
from lxml import etree
from ncclient import manager
from ncclient.devices.default import DefaultDeviceHandler
from ncclient.devices.junos import JunosDeviceHandler
from ncclient.operations import RPCError

from ncwire.testing import EmbeddedServer

NS = "urn:ietf:params:xml:ns:netconf:base:1.0"
HELLO = (
    f'<hello xmlns="{NS}"><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability>'
    "</capabilities><session-id>7</session-id></hello>]]>]]>"
)
MESSAGE_ID = re.compile(r'message-id="([^"]*)"')
INTERFACES = (
    "<interface-information><physical-interface><name>ge-0/0/0</name><oper-status>up"
    "</oper-status><mtu>1514</mtu></physical-interface><physical-interface><name>ge-0/0/1</name>"
    "<oper-status>down</oper-status><mtu>1514</mtu></physical-interface></interface-information>"
)
FILTER = (
    "<interface-information><physical-interface><name/><oper-status/></physical-interface>"
    "</interface-information>"
)


class JunosLike:
    """A peer that answers as Junos does, and ends with its last word in no framing."""

    def __init__(self, before_hello: str = "") -> None:
        self.before_hello = before_hello
        self.requests: list[str] = []

    def __call__(self, stream: Any) -> None:
        self.requests.append(stream.info.request)
        stream.send((self.before_hello + HELLO).encode())
        data = ""
        try:
            while more := stream.recv().decode():
                data += more
                *whole, data = data.split("]]>]]>")
                for each in whole:
                    if (found := MESSAGE_ID.search(each)) is None:
                        continue  # our hello
                    content = INTERFACES if "get-interface" in each else "<ok/>"
                    stream.send(f"{reply(found[1], content)}\n]]>]]>\n".encode())
                    if "close-session" in each:
                        stream.send(b"<!-- session end at 2026-01-01 00:00:00 UTC -->\n")
                        return
        except ConnectionError:
            pass
        finally:
            stream.close()


def reply(message_id: str, content: str) -> str:
    return (
        f'<rpc-reply xmlns="{NS}" xmlns:junos="http://xml.juniper.net/junos/23.2R1/junos" '
        f'message-id="{message_id}">\n{content}\n</rpc-reply>'
    )


def texts(found: Any, path: str) -> list[str]:
    return [each.text for each in etree.fromstring(found.tostring).iterfind(path)]


def test_the_sax_filter_of_junos(installed):
    with EmbeddedServer(script=JunosLike()) as server:
        device = {"name": "junos", "use_filter": True}
        with manager.connect(**arguments_for(server, device_params=device)) as found:
            for _ in range(3):
                filtered = found.rpc("<get-interface-information/>", filter_xml=FILTER)
                assert texts(filtered, ".//name") == ["ge-0/0/0", "ge-0/0/1"]
                assert texts(filtered, ".//oper-status") == ["up", "down"]
                assert texts(filtered, ".//mtu") == []
                # Without a filter it goes over to its other parser, and back.
                whole = found.rpc("<get-interface-information/>")
                assert texts(whole, ".//mtu") == ["1514", "1514"]
        assert not found.connected


def test_a_command_where_every_subsystem_is_refused(installed):
    peer = JunosLike()
    command = "xml-mode netconf need-trailer"
    with (
        EmbeddedServer(script=peer, subsystems=(), commands=(command,)) as server,
        manager.connect(**arguments_for(server, device_params={"name": "junos"})) as found,
    ):
        assert found.get_configuration() is not None
    assert peer.requests == [command]


def test_an_error_in_place_of_the_hello_is_the_handlers(installed):
    error = (
        "<rpc-reply><rpc-error><error-type>protocol</error-type><error-tag>"
        "operation-failed</error-tag><error-severity>error</error-severity><error-message>"
        "session limit reached</error-message></rpc-error></rpc-reply>\n"
    )
    with (
        EmbeddedServer(script=JunosLike(before_hello=error)) as server,
        pytest.raises(RPCError, match="session limit reached"),
    ):
        manager.connect(**arguments_for(server, device_params={"name": "junos"}))


class Custom(DefaultDeviceHandler):
    """A handler of a program's own: another subsystem, and its say in connecting."""

    def get_ssh_subsystem_names(self):
        return ["none-such", "own-netconf"]

    def get_capabilities(self):
        return [*super().get_capabilities(), "urn:example:own"]

    def add_additional_ssh_connect_params(self, kwargs):
        kwargs["unknown_host_cb"] = lambda host, fingerprint: True
        kwargs["look_for_keys"] = False

    def perform_qualify_check(self):
        return False


def test_a_handler_of_ones_own(installed, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with EmbeddedServer(subsystems=("own-netconf",)) as server:
        arguments = arguments_for(server, device_params={"handler": Custom}, hostkey_verify=True)
        with manager.connect(**arguments) as found:
            assert found.get_config("running").ok
            assert "urn:example:own" in found.client_capabilities
            assert server.last_session.request == "own-netconf"


def test_capabilities_of_the_programs_own_are_sent(installed, server):
    with manager.connect(
        **arguments_for(server, nc_params={"capabilities": ["urn:example:program"]})
    ) as found:
        assert "urn:example:program" in found.client_capabilities
        assert found.get_config("running").ok


def test_handlers_are_ncclients_own(installed, connect):
    found = connect(device_params={"name": "junos"})
    assert type(found._device_handler) is JunosDeviceHandler
