"""Device handlers: their parsers, repairs and ways of starting the session."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from drop_in_arguments import arguments_for
from junos_peer import FILTER, JunosLike
from lxml import etree
from ncclient import manager
from ncclient.devices.default import DefaultDeviceHandler
from ncclient.devices.junos import JunosDeviceHandler
from ncclient.operations import RPCError
from scripted_answers import Scripted, reply

from ncwire.contrib import ncclient as drop_in
from ncwire.testing import EmbeddedServer

NS = "urn:ietf:params:xml:ns:netconf:base:1.0"


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


VLAN = "VLAN with the same name exists, using vlan 100"


@pytest.mark.parametrize(
    ("message", "device", "raises"),
    [
        (VLAN, {"name": "nexus"}, False),
        (VLAN, {"name": "default"}, True),
        ("no such vlan", {"name": "nexus"}, True),
    ],
)
@pytest.mark.parametrize("connect", [drop_in.connect, manager.connect], ids=["drop-in", "own"])
def test_what_the_handler_of_nexus_exempts_is_no_error(connect, message, device, raises):
    error = (
        "<rpc-error><error-type>application</error-type><error-tag>operation-failed</error-tag>"
        f"<error-severity>error</error-severity><error-message>{message}</error-message>"
        "</rpc-error>"
    )
    with EmbeddedServer(script=Scripted(lambda number: [reply(number, error)])) as server:
        found = connect(**arguments_for(server, device_params=device))
        edit = partial(found.edit_config, target="running", config=f'<config xmlns="{NS}"/>')
        if raises:
            with pytest.raises(RPCError, match=message):
                edit()
        else:
            assert edit().error.message == message
        found._session.close()


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
