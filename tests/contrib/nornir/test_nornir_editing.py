"""What is sent for an edit, in which order, and what is undone when a step fails."""

from __future__ import annotations

import pytest
from dictated_server import ERROR, GOODBYE, SILENCE, Dictated, dictated
from nornir_hosts import host_for, only

import ncwire
from ncwire.contrib.nornir import edit_config, get
from ncwire.errors import OptionError, RPCError

CANDIDATE = "urn:ietf:params:netconf:capability:candidate:1.0"
VALIDATE_1_0 = "urn:ietf:params:netconf:capability:validate:1.0"
VALIDATE_1_1 = "urn:ietf:params:netconf:capability:validate:1.1"
COMMITTED = {"config": "<a/>", "target": "candidate", "validate": True, "commit": True}


def edited(program, script, **arguments):
    """Return the result of an edit at such a server, and close."""
    with dictated(script) as server:
        nr = program(host_for(server, timeouts={"close": 1}))
        found = only(nr.run(edit_config, **arguments))
        nr.close_connections(on_failed=True)
    script.asked = [each for each in script.asked if each != "close-session"]
    return found


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ({"config": "<a/>"}, ["edit-config"]),
        ({"config": "<a/>", "validate": True}, ["edit-config", "validate"]),
        ({"config": "<a/>", "lock": True}, ["lock", "edit-config", "unlock"]),
        ({"config": "<a/>", "target": "candidate"}, ["edit-config"]),
        (COMMITTED, ["lock", "edit-config", "validate", "commit", "unlock"]),
        (COMMITTED | {"lock": False}, ["edit-config", "validate", "commit"]),
    ],
)
def test_the_steps_of_an_edit(program, arguments, asked):
    script = Dictated(CANDIDATE, VALIDATE_1_1)

    assert edited(program, script, **arguments).changed
    assert script.asked == asked


@pytest.mark.parametrize("step", ["edit_config", "validate", "commit"])
def test_a_step_that_fails_undoes_those_before(program, step):
    script = Dictated(CANDIDATE, VALIDATE_1_1, **{step: ERROR})
    found = edited(program, script, **COMMITTED)

    assert isinstance(found.exception, RPCError)
    assert not found.changed
    assert script.asked[-3:] == [step.replace("_", "-"), "discard-changes", "unlock"]
    assert not hasattr(found.exception, "__notes__")


def test_running_is_only_unlocked(program):
    script = Dictated(edit_config=ERROR)
    edited(program, script, config="<a/>", lock=True)

    assert script.asked == ["lock", "edit-config", "unlock"]


def test_a_lock_that_is_refused_is_the_end(program):
    script = Dictated(CANDIDATE, lock=ERROR)
    edited(program, script, **COMMITTED)

    assert script.asked == ["lock"]


def test_what_fails_of_undoing_is_a_note(program):
    script = Dictated(CANDIDATE, commit=ERROR, discard_changes=ERROR)
    found = edited(program, script, **COMMITTED)

    assert script.asked[-1] == "unlock"
    (note,) = found.exception.__notes__
    assert "<discard-changes/>" in note
    assert "as told" in note


def test_nothing_is_undone_over_a_session_that_has_ended(program):
    script = Dictated(CANDIDATE, commit=GOODBYE)
    found = edited(program, script, **COMMITTED)

    assert isinstance(found.exception, ncwire.SessionCloseError)
    assert script.asked[-1] == "commit"
    assert not hasattr(found.exception, "__notes__")


@pytest.mark.parametrize(
    ("capabilities", "target", "asked"),
    [
        ((VALIDATE_1_1,), "running", ["edit-config"]),
        ((VALIDATE_1_1, CANDIDATE), "candidate", ["edit-config"]),
        ((CANDIDATE,), "candidate", ["lock", "edit-config", "discard-changes", "unlock"]),
        (
            (CANDIDATE, VALIDATE_1_0),
            "candidate",
            ["lock", "edit-config", "validate", "discard-changes", "unlock"],
        ),
    ],
)
def test_how_an_edit_is_tried_out(program, capabilities, target, asked):
    script = Dictated(*capabilities)
    found = edited(program, script, config="<a/>", target=target, dry_run=True)

    assert (found.failed, found.changed) == (False, False)
    assert script.asked == asked


@pytest.mark.parametrize(
    ("capabilities", "target"), [((), "running"), ((CANDIDATE,), "running"), ((), "candidate")]
)
def test_what_cannot_be_tried_out_is_not_sent(program, capabilities, target):
    script = Dictated(*capabilities)
    found = edited(program, script, config="<a/>", target=target, dry_run=True)

    assert isinstance(found.exception, OptionError)
    assert "dry_run" in str(found.exception)
    assert script.asked == []


def test_an_attempt_that_is_refused_is_discarded(program):
    script = Dictated(CANDIDATE, edit_config=ERROR)
    found = edited(program, script, config="<a/>", target="candidate", dry_run=True)

    assert isinstance(found.exception, RPCError)
    assert script.asked == ["lock", "edit-config", "discard-changes", "unlock"]


def test_a_timeout_is_the_rpcs(program):
    with dictated(Dictated(get=SILENCE)) as server:
        nr = program(host_for(server))
        found = only(nr.run(get, timeout=0.1))
        nr.close_connections(on_failed=True)

    assert isinstance(found.exception, ncwire.RPCTimeoutError)
