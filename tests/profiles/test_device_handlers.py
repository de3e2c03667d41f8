"""ncclient's device handlers: by their methods alone, and the real ones where they can be had."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ncwire import SSHSession, profiles
from ncwire.errors import MessageError, OptionError, SSHUnknownHostError
from ncwire.profiles.ncclient_handler import from_device_handler

if TYPE_CHECKING:
    from pathlib import Path

NS = "urn:ietf:params:xml:ns:netconf:base:1.0"
BASE_1_0 = "urn:ietf:params:netconf:base:1.0"
BASE_1_1 = "urn:ietf:params:netconf:base:1.1"
DRIVERS = ("paramiko", "libssh2")


class DefaultHandler:
    """What such a handler says where its author has nothing to add."""

    def get_capabilities(self):
        return [BASE_1_0, BASE_1_1, "urn:example:handler"]

    def get_ssh_subsystem_names(self):
        return ["netconf"]

    def get_xml_base_namespace_dict(self):
        return {}

    def get_xml_extra_prefix_kwargs(self):
        return {}

    def add_additional_ssh_connect_params(self, kwargs):
        pass

    def perform_qualify_check(self):
        raise AssertionError("nothing of the transport's")

    transform_reply = add_additional_operations = perform_qualify_check

    def handle_raw_dispatch(self, raw):
        return False

    def handle_connection_exceptions(self, session):
        return False


class NexusHandler(DefaultHandler):
    def get_capabilities(self):
        return [NS, BASE_1_1]

    def get_xml_base_namespace_dict(self):
        return {None: NS}

    def get_xml_extra_prefix_kwargs(self):
        nxos = "http://www.cisco.com/nxos:1.0"
        managers = {"nfcli": "nfcli", "if": "if_manager", "vlan_mgr_cli": "vlan_mgr_cli"}
        others = {prefix: f"{nxos}:{name}" for prefix, name in managers.items()}
        return {"nsmap": {None: NS, "nxos": nxos, **others}}

    def get_ssh_subsystem_names(self):
        return ["netconf", "xmlagent"]


class JunosHandler(DefaultHandler):
    def handle_connection_exceptions(self, session):
        if session.__class__.__name__ == "SSHSession":
            # As the real one does it.
            channel = session._channel = session._transport.open_channel(kind="session")  # noqa: SLF001
            channel.set_name("netconf-command-" + str(session._channel_id))  # noqa: SLF001
            channel.exec_command("xml-mode netconf need-trailer")
        return True


class HuaweiHandler(DefaultHandler):
    def get_xml_base_namespace_dict(self):
        return {None: NS}

    def get_xml_extra_prefix_kwargs(self):
        return {"nsmap": {None: NS}}

    def get_capabilities(self):
        return list(profiles.get("huawei").client_capabilities())

    def handle_raw_dispatch(self, raw):
        return raw.strip("\0")


class IosxrHandler(DefaultHandler):
    def add_additional_ssh_connect_params(self, kwargs):
        kwargs["unknown_host_cb"] = lambda _host, _fingerprint: True


def test_what_it_says_of_the_wire_is_taken():
    profile = from_device_handler(DefaultHandler())
    assert list(profile.client_capabilities()) == [BASE_1_0, BASE_1_1, "urn:example:handler"]
    assert profile.subsystems == ("netconf",)
    assert (profile.dialect.hello_prefix, profile.dialect.rpc_prefix) == ("nc", "nc")
    assert profile.dialect.rpc_declaration
    assert profile.command is None
    assert profile.name == "DefaultHandler"
    nexus = from_device_handler(NexusHandler())
    assert (nexus.dialect.hello_prefix, nexus.dialect.rpc_prefix) == ("", "")
    assert dict(nexus.dialect.rpc_namespaces)["nxos"] == "http://www.cisco.com/nxos:1.0"
    assert nexus.subsystems == ("netconf", "xmlagent")
    assert from_device_handler(JunosHandler()).command == "xml-mode netconf need-trailer"


HANDLERS = {
    "default": DefaultHandler,
    "nexus": NexusHandler,
    "junos": JunosHandler,
    "huawei": HuaweiHandler,
}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("name", HANDLERS)
def test_a_session_with_a_handler_talks_to_its_family(name, driver, peer):
    server, _ = peer(name)
    session = SSHSession(HANDLERS[name](), driver=driver)
    session.connect(
        server.host, server.port, username=server.username, password=server.password,
        hostkey_b64=server.host_key.base64, allow_agent=False, look_for_keys=False,
    )  # fmt: skip
    reply = session.rpc("<get/>", 20)
    assert "42" in reply.raw
    session.close_session(20)
    assert session.profile.name == HANDLERS[name].__name__


def test_by_its_documented_name_and_as_a_profile(peer, connect):
    server, _ = peer("default")
    assert connect(server, profile=DefaultHandler()).rpc("<get/>", 20)
    session = SSHSession(device_handler=DefaultHandler())
    assert ":base:1.1" in session.client_capabilities
    with pytest.raises(OptionError, match="given twice"):
        SSHSession(device_handler=DefaultHandler(), profile="junos")


def test_its_callback_for_unknown_hosts_is_never_asked(peer, connect, tmp_path):
    server, _ = peer("default")
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text("")
    with pytest.raises(SSHUnknownHostError):
        connect(server, profile=IosxrHandler(), hostkey_b64=None, known_hosts=known_hosts)


@pytest.mark.parametrize("name", ["hostkey_verify", "known_hosts", "allow_agent"])
def test_what_it_sets_and_ncwire_does_not_do_is_refused(name):
    class Setting(DefaultHandler):
        def add_additional_ssh_connect_params(self, kwargs):
            kwargs[name] = False

    with pytest.raises(OptionError, match=f"Setting: .* sets {name}, which a profile cannot set"):
        from_device_handler(Setting())


def test_a_port_that_it_sets_is_the_profiles():
    class Setting(DefaultHandler):
        def add_additional_ssh_connect_params(self, kwargs):
            kwargs |= {"port": 22, "keepalive": 10}

    profile = from_device_handler(Setting())
    assert (profile.port, profile.keepalive) == (22, 10.0)


def test_an_error_that_it_makes_of_a_message_ends_the_session(peer, connect):
    class Judging(HuaweiHandler):
        def handle_raw_dispatch(self, raw):
            return RuntimeError("no good")

    server, _ = peer("huawei")
    session = connect(server, profile=HuaweiHandler())
    assert session.rpc("<get/>", 20)
    with pytest.raises(MessageError, match=r"Judging\.handle_raw_dispatch: RuntimeError"):
        connect(server, profile=Judging()).rpc("<get/>", 20)


def test_what_it_raises_is_told_with_its_name():
    class Raising(DefaultHandler):
        def get_ssh_subsystem_names(self):
            raise KeyError("x")

    with pytest.raises(OptionError, match="Raising: get_ssh_subsystem_names raised KeyError"):
        from_device_handler(Raising())


REAL = """
import importlib, json, sys, warnings
warnings.simplefilter("ignore")
from ncwire.profiles import built_in, get
from ncwire.profiles.ncclient_handler import from_device_handler
seen = {}
for name in sys.argv[1:]:
    module = importlib.import_module(f"ncclient.devices.{name}")
    handler = getattr(module, f"{name.capitalize()}DeviceHandler")({"name": name})
    profile = from_device_handler(handler)
    seen[name] = [
        profile.subsystems, profile.command, list(profile.client_capabilities()),
        profile.dialect.rpc_prefix, profile.dialect.rpc_namespaces,
    ]
print(json.dumps(seen))
"""
FAMILIES = (
    *("default", "junos", "iosxr", "iosxe", "csr", "nexus", "huawei", "huaweiyang", "sros"),
    *("alu", "h3c", "hpcomware", "ciena", "ericsson"),
)


@pytest.mark.timeout(300)
def test_the_real_ones_say_what_the_profiles_do(tmp_path: Path):
    # In a folder of its own: neither this environment nor ncwire knows ncclient.
    pip = [sys.executable, "-m", "pip", "install", "-q", "--target", str(tmp_path), "--no-deps"]
    done = subprocess.run(
        [*pip, "ncclient>=0.7", "lxml"], check=False, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"ncclient cannot be installed: {done.stderr.strip().splitlines()[-1]}")
    command = [sys.executable, "-c", REAL, *FAMILIES]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    for name, said in json.loads(shown.stdout).items():
        subsystems, command, capabilities, prefix, namespaces = said
        ours = profiles.get(name)
        assert tuple(subsystems) == ours.subsystems, name
        assert command == ours.command, name
        # Its handlers claim more in the hello than a transport can; ours is among that.
        assert set(ours.client_capabilities()) - {"urn:nokia.com:nc:pc"} <= set(capabilities), name
        if "rpc.prefix" in ours.values():
            assert prefix == ours.dialect.rpc_prefix, name
        assert dict(namespaces) == dict(ours.dialect.rpc_namespaces), name
