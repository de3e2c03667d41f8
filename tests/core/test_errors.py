"""What the errors say, whatever their kind."""

from __future__ import annotations

import inspect

import pytest

from ncwire import errors
from ncwire.errors import NcwireError

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, NcwireError)
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_lets_the_root_put_its_text_together(kind):
    # One that had its own __str__ would not say at which jump host it happened.
    assert kind is NcwireError or "__str__" not in vars(kind)


def test_an_error_at_a_jump_host_begins_with_it_and_stays_what_it_is():
    error = errors.SSHUnknownHostError("r1", "00:11")
    plain = str(error)
    assert error.at_jump_host("bastion:22") is error
    assert str(error) == f"jump host bastion:22: {plain}"
    assert str(error.at_jump_host("outer:22")) == f"jump host bastion:22: {plain}"


def test_the_step_that_was_late_names_the_jump_host():
    error = errors.StepTimeoutError("SSH handshake", 3.0).at_jump_host("bastion:22")
    assert error.step == "SSH handshake at jump host bastion:22"
    assert str(error) == "jump host bastion:22: SSH handshake: not done within 3 s"
