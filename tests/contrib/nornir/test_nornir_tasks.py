"""The tasks: what they send, and what nornir is told of it."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from nornir.core.exceptions import NornirExecutionError
from nornir_hosts import host_for, only

import ncwire
from ncwire.contrib.nornir import edit_config, get, get_config, rpc
from ncwire.errors import OptionError, RPCError

NC = "xmlns:nc='urn:ietf:params:xml:ns:netconf:base:1.0'"
AFTER = f"<top xmlns='urn:t' {NC} nc:operation='replace'><motd>after</motd></top>"
REFUSED = f"<top xmlns='urn:t' {NC}><other nc:operation='delete'/></top>"
"""An edit that no server can make: what is to be deleted is not there (RFC 6241 section 7.2)."""


def motd_in(nr, source="running"):
    return only(nr.run(get_config, source=source)).reply.data.findtext(".//{urn:t}motd")


@pytest.mark.parametrize("task", [get, get_config])
def test_what_is_read_is_the_replys_text(nr, task):
    found = only(nr.run(task))

    assert not found.failed
    assert not found.changed
    assert "<motd>before</motd>" in found.result
    assert found.result == found.reply.raw
    assert isinstance(found.reply, ncwire.Reply)


@pytest.mark.parametrize(
    "subtree",
    [
        "<top xmlns='urn:t'/>",
        b"<?xml version='1.0'?><top xmlns='urn:t'/>",
        "<none xmlns='urn:n'/><top xmlns='urn:t'/>",
        ET.fromstring("<top xmlns='urn:t'/>"),
    ],
)
@pytest.mark.parametrize("task", [get, get_config])
def test_a_subtree_selects(nr, task, subtree):
    assert "before" in only(nr.run(task, filter=subtree)).result
    assert "before" not in only(nr.run(task, filter="<none xmlns='urn:n'/>")).result


@pytest.mark.parametrize("task", [get, get_config])
def test_an_xpath_is_sent_as_one(nr, task):
    """The embedded server has no XPath, and says which type of filter it was given."""
    found = only(nr.run(task, xpath="/t:top[t:motd='a<b']", namespaces={"t": "urn:t"}))

    assert found.failed
    assert isinstance(found.exception, RPCError)
    assert "'xpath'" in str(found.exception)


def test_what_the_server_refuses_is_told_as_nornir_does(nr):
    found = only(nr.run(edit_config, config=REFUSED))

    assert (found.failed, found.changed) == (True, False)
    assert found.exception.tag == "data-missing"
    assert "r1" in nr.data.failed_hosts
    nr.data.reset_failed_hosts()
    with pytest.raises(NornirExecutionError):
        nr.run(edit_config, config=REFUSED, raise_on_error=True)


@pytest.mark.parametrize("wrap", ["{}", "<config>{}</config>"])
def test_an_edit_with_and_without_config_around_it(nr, wrap):
    found = only(nr.run(edit_config, config=wrap.format(AFTER)))

    assert (found.failed, found.changed) == (False, True)
    assert "<ok/>" in found.result
    assert motd_in(nr) == "after"


def test_a_config_of_a_data_model_is_no_config_of_netconfs(nr):
    nr.run(edit_config, config="<config xmlns='urn:m'><a>1</a></config>", raise_on_error=True)

    assert "urn:m" in only(nr.run(get_config)).result


def test_the_candidate_is_committed_and_let_go(nr):
    found = only(nr.run(edit_config, config=AFTER, target="candidate", validate=True, commit=True))

    assert (found.failed, found.changed) == (False, True)
    assert motd_in(nr) == "after"
    assert not only(nr.run(rpc, operation=lock())).failed


def test_without_commit_it_stays_in_the_candidate(nr):
    assert only(nr.run(edit_config, config=AFTER, target="candidate")).changed
    assert (motd_in(nr), motd_in(nr, "candidate")) == ("before", "after")
    assert only(nr.run(rpc, operation="<commit/>", changed=True)).changed
    assert motd_in(nr) == "after"


def test_a_failed_edit_leaves_neither_lock_nor_candidate(nr, server, program):
    two = "<config>" + AFTER + REFUSED.replace("urn:t", "urn:o", 1) + "</config>"
    found = only(nr.run(edit_config, config=two, target="candidate", commit=True))

    assert isinstance(found.exception, RPCError)
    assert not hasattr(found.exception, "__notes__")
    other = program(host_for(server))
    assert motd_in(other, "candidate") == "before"
    assert not only(other.run(rpc, operation=lock())).failed


def test_a_lock_that_another_holds_fails_the_host_with_nothing_changed(nr, server, program):
    other = program(host_for(server))
    assert not only(other.run(rpc, operation=lock())).failed
    found = only(nr.run(edit_config, config=AFTER, target="candidate", commit=True))

    assert found.exception.tag == "lock-denied"
    assert motd_in(other, "candidate") == "before"


@pytest.mark.parametrize("target", ["running", "candidate"])
def test_a_dry_run_is_tested_by_the_server_alone(server, program, target):
    nr = program(host_for(server), dry_run=True)
    good = only(nr.run(edit_config, config=AFTER, target=target, commit=target == "candidate"))
    bad = only(nr.run(edit_config, config=REFUSED, target=target))
    nr.data.reset_failed_hosts()

    assert (good.failed, good.changed, bad.failed, bad.changed) == (False, False, True, False)
    assert (motd_in(nr), motd_in(nr, "candidate")) == ("before", "before")
    assert only(nr.run(edit_config, config=AFTER, dry_run=False)).changed
    assert motd_in(nr) == "after"


def test_a_dry_run_of_one_task_alone(nr):
    assert not only(nr.run(edit_config, config=AFTER, dry_run=True)).changed
    assert motd_in(nr) == "before"


def test_test_only_changes_nothing(nr):
    assert not only(nr.run(edit_config, config=AFTER, test_option="test-only")).changed
    assert motd_in(nr) == "before"


def test_in_a_dry_run_what_changes_is_not_sent(server, program):
    nr = program(host_for(server), dry_run=True)
    found = only(nr.run(rpc, operation="<commit/>", changed=True))

    assert (found.failed, found.changed, found.result, found.reply) == (False, False, "", None)
    assert only(nr.run(rpc, operation="<get/>")).reply.ok


@pytest.mark.parametrize(
    ("task", "arguments", "said"),
    [
        (get, {"filter": "<a>"}, "filter: is not well-formed"),
        (get, {"filter": "</filter><filter>"}, "filter: does not begin with an XML element"),
        (get, {"filter": "<a/></_><_>"}, "filter: is not well-formed"),
        (get, {"filter": ""}, "filter: is empty"),
        (get, {"filter": 7}, "filter: must be"),
        (get, {"filter": "<a/>", "xpath": "/a"}, "xpath: is given besides a filter"),
        (get, {"namespaces": {}}, "namespaces: are those of an xpath"),
        (get, {"xpath": "/a", "namespaces": {"a b": "urn:a"}}, "namespaces: 'a b' is no prefix"),
        (get_config, {"source": "a b"}, "source: 'a b' is neither"),
        (edit_config, {"config": AFTER, "target": "running", "commit": True}, "commit: goes with"),
        (edit_config, {"config": AFTER, "target": "candidate", "lock": True}, "lock: of the"),
        (edit_config, {"config": AFTER, "default_operation": "delete"}, "default_operation:"),
        (
            edit_config,
            {"config": "<a>\n<b></a>"},
            "config: is not well-formed: mismatched tag (li",
        ),
        (edit_config, {"config": "<a>\n<b></a>"}, "(line 2, column 6)"),
        (rpc, {"operation": "<a>"}, "operation: is not well-formed"),
    ],
)
def test_a_mistake_is_told_before_anything_is_sent(nr, task, arguments, said):
    found = only(nr.run(task, **arguments))

    assert isinstance(found.exception, OptionError)
    assert said in str(found.exception)


def test_the_options_of_an_edit_are_sent(nr):
    everything = {"error_option": "rollback-on-error", "test_option": "test-then-set"}
    nr.run(
        edit_config,
        config="<other xmlns='urn:o'/>",
        default_operation="replace",
        **everything,
        raise_on_error=True,
    )

    assert motd_in(nr) is None


def test_a_url_as_the_source(nr):
    """The embedded server has no `:url`, and says what it took for a datastore."""
    found = only(nr.run(get_config, source="file:///a?b&c"))

    assert "url" in str(found.exception)


def lock() -> str:
    return "<lock><target><candidate/></target></lock>"
