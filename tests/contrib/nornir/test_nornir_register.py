"""The connection `netconf` in the place of another package's, whichever comes first."""

from __future__ import annotations

import importlib
import sys
import threading
import types
from importlib.metadata import entry_points

import pytest
from nornir.core.plugins.connections import ConnectionPluginRegister
from nornir_hosts import host_for, only

pytest.importorskip("ncclient", reason="needs ncclient: pip install 'ncwire[ncclient]'")

import ncclient
from ncclient.manager import Manager

import ncwire
from metadata import write_metadata
from ncwire.contrib.nornir import register, unregister
from ncwire.testing import EmbeddedServer
from waiting import eventually

GROUP = "nornir.plugins.connections"


class Own:
    """Stands for the plugin of nornir_netconf."""


@pytest.fixture(autouse=True)
def as_before():
    plugins = dict(ConnectionPluginRegister.available)
    yield
    unregister()
    ConnectionPluginRegister.available.clear()
    ConnectionPluginRegister.available.update(plugins)


@pytest.fixture
def other(tmp_path, monkeypatch):
    """The plugin of an entry point of the same name: nornir_netconf's, where it is installed."""
    ConnectionPluginRegister.available.pop("netconf", None)
    for installed in entry_points(group=GROUP, name="netconf"):
        return installed.load()
    write_metadata(tmp_path, "another-netconf", "1.0", GROUP, netconf="another_netconf:Own")
    module = types.ModuleType("another_netconf")
    module.Own = Own
    monkeypatch.setitem(sys.modules, "another_netconf", module)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    return Own


def manager_of(task):
    return task.host.get_connection("netconf", task.nornir.config)


def netconf_host(server, name="r1", **extras):
    return host_for(server, name, "netconf", hostkey_verify=False, **extras)


def hub_threads():
    return [each for each in threading.enumerate() if each.name == "ncwire-nornir"]


def test_it_is_no_entry_point():
    ConnectionPluginRegister.auto_register()
    assert "ncwire" in ConnectionPluginRegister.available


def test_registered_first_it_stays(other):
    register()
    ours = ConnectionPluginRegister.get_plugin("netconf")
    for _ in range(2):
        ConnectionPluginRegister.auto_register()
        assert ConnectionPluginRegister.get_plugin("netconf") is ours
    unregister()
    ConnectionPluginRegister.auto_register()
    assert ConnectionPluginRegister.get_plugin("netconf") is other


def test_registered_later_it_replaces_and_is_taken_back(other):
    ConnectionPluginRegister.auto_register()
    register()
    register(driver="libssh2")
    assert ConnectionPluginRegister.get_plugin("netconf") is not other
    ConnectionPluginRegister.auto_register()
    unregister()
    unregister()
    assert ConnectionPluginRegister.get_plugin("netconf") is other


def test_the_connection_is_ncclients_manager_over_the_shared_hub(server, program):
    register(driver="paramiko")
    nr = program(*(netconf_host(server, f"r{number}") for number in range(5)))
    results = nr.run(manager_of)
    managers = [only(results, name).result for name in results]

    assert all(type(each) is Manager for each in managers)
    assert all("before" in each.get_config("running").xml for each in managers)
    assert len(hub_threads()) == 1
    nr.close_connections()
    assert not any(each.connected for each in managers)
    assert hub_threads() == []


def test_extras_win_over_what_was_registered(server, program):
    register(driver="none-such")
    bad, good = netconf_host(server, "bad"), netconf_host(server, "good", driver="paramiko")
    results = program(bad, good).run(manager_of)

    assert isinstance(only(results, "bad").exception, ncwire.DriverError)
    assert only(results, "good").result.connected


def test_a_hub_of_its_own(server, program):
    with ncwire.Hub() as hub:
        register(hub=hub)
        nr = program(netconf_host(server))
        assert only(nr.run(manager_of)).result.connected
        assert len(hub) == 1
        assert hub_threads() == []


@pytest.mark.parametrize(
    ("platform", "is_junos"),
    [("junos", True), ("juniper_junos", True), ("What.Ever/1", False), (None, False)],
)
def test_the_platform_chooses_the_device_handler(server, program, platform, is_junos):
    register()
    each = netconf_host(server)
    each.platform = platform
    manager = only(program(each).run(manager_of)).result

    # An operation that Junos alone has; all else is taken for an rpc of that name.
    assert (type(manager.get_configuration).__name__ == "partial") is is_junos


def test_who_cannot_log_in_leaves_nothing(server, program):
    register()
    each = netconf_host(server)
    each.password = "wrong"
    found = only(program(each).run(manager_of))

    assert isinstance(found.exception, ncclient.transport.AuthenticationError)
    assert hub_threads() == []


def test_a_session_that_has_ended_is_closed_without_a_word(program):
    register()
    with EmbeddedServer() as server:
        nr = program(netconf_host(server))
        manager = only(nr.run(manager_of)).result
    eventually(lambda: not manager.connected)
    results = nr.run(lambda task: task.host.close_connections())

    assert not results.failed
    assert hub_threads() == []


def test_the_configurations_ssh_config_counts(server, program, tmp_path):
    register()
    file = tmp_path / "ssh_config"
    file.write_text(f"Host device\n  HostName {server.host}\n", "utf-8")
    each = netconf_host(server)
    each.hostname = "device"

    assert only(program(each, config_file=str(file)).run(manager_of)).result.connected
