"""The connection `ncwire`: what the inventory says, many hosts at once, and what is left."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest
from nornir_hosts import host, host_for, only

import ncwire
from ncwire.contrib.nornir import NcwireConnection, get_config
from ncwire.errors import OptionError, SSHUnknownHostError
from ncwire.testing import EmbeddedServer, EmbeddedUnixServer

SECRET = "a-secret-that-nobody-sees"


def session_of(task):
    return task.host.get_connection("ncwire", task.nornir.config)


def opened(nr) -> ncwire.DriverSession:
    return only(nr.run(session_of, raise_on_error=True)).result


def refused(nr) -> BaseException:
    found = only(nr.run(session_of))
    assert found.failed
    return found.exception


def hub_threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "ncwire-nornir"]


def test_the_connection_is_a_session_which_nornir_closes(nr):
    session = opened(nr)

    assert session.connected
    assert opened(nr) is session
    nr.close_connections()
    assert not session.connected
    assert not nr.inventory.hosts["r1"].connections
    assert hub_threads() == []


def test_twenty_hosts_at_once_are_served_by_one_thread(program):
    with ExitStack() as stack:
        servers = [
            stack.enter_context(EmbeddedServer(datastore=f"<top xmlns='urn:t'>{number}</top>"))
            for number in range(20)
        ]
        hosts = [host_for(server, f"r{number}") for number, server in enumerate(servers)]
        nr = program(*hosts)
        results = nr.run(get_config)

        assert not results.failed
        for number in range(20):
            assert f">{number}</top>" in results[f"r{number}"].result
        assert len(hub_threads()) == 1
        sessions = [each.connections["ncwire"].connection for each in hosts]
        assert len({id(each) for each in sessions}) == 20
        nr.close_connections()
        assert not any(each.connected for each in sessions)
    assert hub_threads() == []


def test_hosts_that_fail_leave_nothing_open_and_the_others_go_on(server, program):
    bad = [host_for(server, f"bad{number}") for number in range(5)]
    for each in bad:
        each.password = SECRET
    nr = program(*bad, host_for(server, "good"))
    results = nr.run(get_config)

    assert set(results.failed_hosts) == {each.name for each in bad}
    for each in bad:
        found = only(results, each.name)
        assert isinstance(found.exception, ncwire.AuthenticationError)
        assert SECRET not in found.result + str(found.exception)
        assert not each.connections
    assert not results["good"].failed
    nr.close_connections()
    assert hub_threads() == []


def test_all_that_fail_leave_no_hub(server, program):
    each = host_for(server)
    each.password = "wrong"
    refused(program(each))

    assert hub_threads() == []


def test_a_connection_that_has_ended_is_closed_and_opened_anew(server, program):
    nr = program(host_for(server))
    first = opened(nr)
    first.close()
    failed = only(nr.run(get_config))
    nr.close_connections(on_failed=True)
    nr.data.reset_failed_hosts()

    assert isinstance(failed.exception, ncwire.SessionCloseError)
    assert opened(nr) is not first


def test_a_thread_of_its_own_and_a_hub_of_the_users(server, program):
    own = opened(program(host_for(server, hub=False)))
    assert own.is_alive()
    assert hub_threads() == []
    with ncwire.Hub() as hub:
        nr = program(host_for(server, hub=hub))
        opened(nr)
        assert len(hub) == 1
        assert hub_threads() == []
        nr.close_connections()
        assert not hub.closed


def test_an_unknown_host_key_is_refused_as_ever(server, program, tmp_path):
    (tmp_path / "known_hosts").touch()
    error = refused(
        program(host_for(server, hostkey_b64=None, known_hosts=str(tmp_path / "known_hosts")))
    )

    assert isinstance(error, SSHUnknownHostError)


@pytest.mark.parametrize(
    ("platform", "profile"),
    [
        ("junos", "junos"),
        ("cisco_xr", "iosxr"),
        ("NXOS", "nexus"),
        ("netconfd", "netconfd"),
        ("linux", None),
        ("Any Thing/else.toml", None),
        (None, None),
    ],
)
def test_the_profile_fits_the_platform(server, program, platform, profile):
    each = host_for(server)
    each.platform = platform
    found = opened(program(each)).profile

    assert (None if found is None else found.name) == profile


def test_a_profile_that_is_given_wins(server, program):
    each = host_for(server, profile="netopeer2")
    each.platform = "junos"

    assert opened(program(each)).profile.name == "netopeer2"


def test_tables_stand_for_objects(server, program):
    nr = program(
        host_for(
            server,
            timeouts={"rpc": 7},
            limits={"message": 1000},
            algorithms={"forbid": {"ciphers": ["aes128-ctr"]}},
            capabilities=["urn:ietf:params:netconf:base:1.0"],
        )
    )

    assert "1.0" in opened(nr).client_capabilities.base_versions()


@pytest.mark.parametrize(
    ("extras", "said"),
    [
        ({"timeouts": {"rcp": 7}}, "extras.timeouts: 'rcp' is no key here; did you mean rpc?"),
        ({"timeouts": {"rpc": -7}}, "extras.timeouts: rpc:"),
        ({"limits": {"mesage": 7}}, "extras.limits: has no 'mesage'"),
        ({"jumps": [{"port": 22}]}, "extras.jumps: lacks"),
        ({"algorithms": {"allowed": {}}}, "extras.algorithms: 'allowed' is no key here"),
        ({"password": "p"}, "extras.password: stands beside extras"),
        ({"hub": "yes"}, "hub: must be true, false or a Hub, not str"),
        ({"driver": "none-such"}, "none-such"),
        ({"nonesuch": 1}, "unexpected keyword argument 'nonesuch'"),
    ],
)
def test_a_mistake_in_the_inventory_is_told(server, program, extras, said):
    error = refused(program(host_for(server, **extras)))

    assert said in str(error)
    assert hub_threads() == []


def test_the_configurations_ssh_config_counts(server, program, tmp_path):
    file = tmp_path / "ssh_config"
    file.write_text(f"Host device\n  HostName {server.host}\n  Port {server.port}\n", "utf-8")
    each = host_for(server)
    each.hostname, each.port = "device", None

    assert opened(program(each, config_file=str(file))).port == server.port
    each = host_for(server, ssh_config=False, timeout=2)
    each.hostname, each.port = "device.invalid", None
    assert isinstance(refused(program(each, config_file=str(file))), ncwire.NcwireError)


def test_a_url_over_another_transport(program):
    """Of a group's user and password a Unix socket has no use."""
    with EmbeddedUnixServer() as server:
        each = host("r1", hostname=f"netconf+unix://{server.path}", username="u", password=SECRET)
        session = opened(program(each))

        assert isinstance(session, ncwire.UnixSocketSession)


def test_open_is_once_and_close_is_idempotent(server):
    connection = NcwireConnection()
    with pytest.raises(ncwire.TransportError, match="was not opened"):
        _ = connection.connection
    connection.close()
    arguments = (server.host, server.username, server.password, server.port, None)
    extras = {"hostkey_b64": server.host_key.base64, "allow_agent": False}
    connection.open(*arguments, extras)
    with pytest.raises(ncwire.TransportError, match="opened before"):
        connection.open(*arguments, extras)
    assert SECRET not in repr(connection)
    connection.close()
    connection.close()
    assert hub_threads() == []
    with pytest.raises(OptionError):
        NcwireConnection().open(None, None, None, None, None)


def test_a_forked_child_has_a_hub_of_its_own(run_program):
    run_program(FORKS)


FORKS = """
import os
from ncwire.contrib.nornir import NcwireConnection
from ncwire.testing import EmbeddedServer

server = EmbeddedServer.spawn()
def opened():
    made = NcwireConnection()
    extras = {"hostkey_b64": server.host_key.base64, "allow_agent": False, "look_for_keys": False}
    made.open(server.host, server.username, server.password, server.port, None, extras)
    return made
mine = opened()
child = os.fork()
if not child:
    try:
        theirs = opened()
        mine.close()
        theirs.connection.rpc("<get/>", check=True)
        theirs.close()
        os._exit(0)
    except BaseException:
        import traceback
        traceback.print_exc()
    finally:
        os._exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
mine.connection.rpc("<get/>", check=True)
mine.close()
server.close()
"""
