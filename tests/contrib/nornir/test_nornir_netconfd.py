"""Connections, tasks and the connection `netconf` at a real server."""

from __future__ import annotations

import pytest
from nornir_hosts import STRICT, host, only

from ncwire.contrib.nornir import edit_config, get, get_config, register, rpc, unregister
from ncwire.errors import RPCError

pytestmark = pytest.mark.netconfd

SYSTEM = "urn:ietf:params:xml:ns:yang:ietf-system"
PREFIXES = {"sys": SYSTEM}
WRONG = f'<system xmlns="{SYSTEM}"><nonsense/></system>'
# After a <validate> netconfd (2.13) commits nothing, and answers <ok/>.
COMMITTED = {"target": "candidate", "commit": True}


def contact(text: str, operation: str = "merge") -> str:
    return (
        f'<system xmlns="{SYSTEM}" xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0">'
        f'<contact nc:operation="{operation}">{text}</contact></system>'
    )


@pytest.fixture
def hosts(netconfd):
    """Return a number of hosts, all of them this server."""

    def hosts(count, connection="ncwire", **extras):
        keys = STRICT | {"key_filename": str(netconfd.client_key)}
        if connection == "ncwire":
            keys |= {"known_hosts": str(netconfd.known_hosts)}
        return [
            host(
                f"r{number}",
                hostname=netconfd.host,
                port=netconfd.port,
                username=netconfd.user,
                platform="netconfd",
                connection=connection,
                extras=keys | extras,
            )
            for number in range(1, count + 1)
        ]

    return hosts


def test_read_edit_and_delete(hosts, program):
    nr = program(*hosts(1))
    made = only(nr.run(edit_config, config=contact("nornir 1"), **COMMITTED))
    # netconfd knows the prefixes of its modules, and no others.
    by_xpath = only(nr.run(get_config, xpath="/sys:system/sys:contact", namespaces=PREFIXES))
    by_subtree = only(nr.run(get, filter=f'<system xmlns="{SYSTEM}"><contact/></system>'))
    gone = only(nr.run(edit_config, config=contact("nornir 1", "delete"), **COMMITTED))

    assert (made.failed, made.changed) == (False, True)
    assert "nornir 1" in by_xpath.result
    assert "nornir 1" in by_subtree.result
    assert not gone.failed
    assert "nornir 1" not in only(nr.run(get_config)).result


def test_a_dry_run_changes_nothing_there(hosts, program):
    nr = program(*hosts(1), dry_run=True)
    tried = only(nr.run(edit_config, config=contact("nornir 2"), target="candidate"))
    refused = only(nr.run(edit_config, config=WRONG, target="candidate"))
    nr.data.reset_failed_hosts()

    assert (tried.failed, tried.changed, refused.failed) == (False, False, True)
    for source in ("running", "candidate"):
        assert "nornir 2" not in only(nr.run(get_config, source=source)).result


def test_an_edit_that_fails_lets_go_of_the_lock(hosts, program):
    nr = program(*hosts(1))
    failed = only(nr.run(edit_config, config=WRONG, **COMMITTED))
    other = only(
        program(*hosts(1)).run(rpc, operation="<lock><target><candidate/></target></lock>")
    )

    assert isinstance(failed.exception, RPCError)
    assert not other.failed


def test_twenty_sessions_at_once(hosts, program):
    results = program(*hosts(20)).run(get_config)

    assert not results.failed
    assert all(only(results, name).reply.ok for name in results)


def test_a_commit_that_the_server_refuses_leaves_the_candidate_as_it_was(hosts, program):
    nr = program(*hosts(1))
    nr.run(rpc, operation="<lock><target><running/></target></lock>", raise_on_error=True)
    found = only(program(*hosts(1)).run(edit_config, config=contact("nornir 3"), **COMMITTED))

    assert isinstance(found.exception, RPCError)
    assert "nornir 3" not in only(nr.run(get_config, source="candidate")).result


def test_the_connection_netconf(hosts, program):
    register(profile="netconfd")
    try:
        nr = program(*hosts(3, "netconf", hostkey_verify=False))
        results = nr.run(
            lambda task: task.host.get_connection("netconf", task.nornir.config).get_config(
                "running"
            )
        )
        assert not results.failed
        assert all(only(results, name).result.ok for name in results)
        nr.close_connections()
    finally:
        unregister()
