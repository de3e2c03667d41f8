"""What is tried again, when, and what never is: without any device."""

from __future__ import annotations

import random

import pytest

from ncwire import errors
from ncwire.errors import (
    AuthenticationError,
    ConnectError,
    DriverUnavailable,
    HelloTimeoutError,
    OptionError,
    SessionCloseError,
    SSHHostKeyChangedError,
    SSHUnknownHostError,
)
from ncwire.persistent import NEVER_RETRIED, Backoff, State, is_retried
from ncwire.persistent.course import Course
from ncwire.persistent.retry import checked

UNKNOWN = SSHUnknownHostError("r1", "SHA256:x")
REFUSED = AuthenticationError("refused")
BROKEN = ConnectError("no route")


def test_waits_grow_to_the_ceiling_with_full_jitter():
    source = random.Random(7)
    backoff = Backoff(first=2, factor=3, ceiling=50, random=source.random)
    assert [backoff.longest(n) for n in (0, 1, 2, 3, 10**6)] == [2, 6, 18, 50, 50]
    expected = random.Random(7)
    assert [backoff.jitter() for _ in range(5)] == [expected.random() for _ in range(5)]
    assert Backoff(random=lambda: 7).jitter() == 1
    assert Backoff(random=lambda: -1).jitter() == 0
    assert Backoff(factor=1, first=3).longest(100) == 3
    assert Backoff(first=5e-324, ceiling=1).longest(1030) == 1


@pytest.mark.parametrize(
    "bad",
    [
        {"first": 0},
        {"first": True},
        {"ceiling": "x"},
        {"first": 5, "ceiling": 4},
        {"factor": 0.5},
        {"factor": float("nan")},
        {"factor": "2"},
        {"reset_after": -1},
        {"random": 0.5},
    ],
    ids=repr,
)
def test_a_backoff_has_sensible_numbers(bad):
    name = list(bad)[-1]
    with pytest.raises(OptionError, match=f"backoff.{name}"):
        Backoff(**bad)


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (BROKEN, True),
        (HelloTimeoutError(3), True),
        (SessionCloseError(b"", closed_by="peer"), True),
        (SessionCloseError(b"", closed_by="us"), True),
        (SessionCloseError(b"", closed_by="driver"), True),
        (ConnectionResetError(), True),
        (SessionCloseError(b"", closed_by="fork"), False),
        (errors.NoCommonBaseError("none"), False),
        (errors.ListenError("closed"), False),
        (UNKNOWN, False),
        (REFUSED, False),
        (errors.KeyFileError("key", "no such file"), False),
        (errors.PasswordExpiredError("expired"), False),
        (errors.CertificateError("expired"), False),
        (errors.ClientCertificateError("refused"), False),
        (errors.PeerUserError("1", "2"), False),
        (DriverUnavailable("x", "not there", "install it"), False),
        (errors.UnsupportedOption("x", "y"), False),
        (OptionError("x", "y"), False),
        (TypeError("a fault"), False),
    ],
    ids=lambda each: type(each).__name__,
)
def test_the_class_of_the_error_decides(error, again):
    assert checked(None)(error) is again
    if type(error) is not SessionCloseError:
        assert is_retried(error) is again


@pytest.mark.parametrize(
    "error", [UNKNOWN, REFUSED, OptionError("x", "y")], ids=lambda e: type(e).__name__
)
def test_no_choice_makes_these_ones_to_try_again(error):
    asked = []

    def always(each):
        asked.append(each)
        return True

    assert checked(always)(BROKEN)
    assert not checked(always)(error)
    assert not checked(Exception)(error)
    wrapped = ValueError("of the program's")
    wrapped.__cause__ = error
    assert not checked(Exception)(wrapped)
    wrapped = ValueError("of the program's")
    wrapped.__context__ = error
    assert not checked(Exception)(wrapped)
    assert not checked(Exception)(ExceptionGroup("several", [BROKEN, error]))
    assert asked == [BROKEN]


def test_what_a_caller_had_at_hand_when_a_cause_was_raised_for_it_does_not_count():
    cause = SessionCloseError(b"")
    cause.__context__ = REFUSED
    assert checked(None)(cause)


def test_errors_in_a_circle_end():
    first, second = ValueError(), ValueError()
    first.__cause__, second.__cause__ = second, first
    assert checked(ValueError)(first)


@pytest.mark.parametrize("bad", [7, (), (7,), "x", (ConnectError, print), BaseException], ids=repr)
def test_a_choice_is_classes_or_a_function(bad):
    with pytest.raises(OptionError, match="retry: must be"):
        checked(bad)


@pytest.mark.parametrize(
    "bad", [*NEVER_RETRIED, SSHHostKeyChangedError, (ConnectError, OptionError)]
)
def test_a_class_that_is_never_tried_again_cannot_be_chosen(bad):
    with pytest.raises(OptionError, match="is never tried again"):
        checked(bad)


def test_classes_that_are_chosen_take_the_place_of_ours():
    decide = checked((ValueError, ConnectError))
    assert decide(ValueError())
    assert decide(BROKEN)
    assert not decide(HelloTimeoutError(3))


def test_the_course_of_a_session():
    course = Course(Backoff(first=1, factor=2, ceiling=4, reset_after=10), 0.0)
    waits = []
    for _ in range(4):
        course.begin()
        course.failed(100.0, BROKEN, 1.0)
        waits.append(course.next_at - 100.0)
    assert waits == [1, 2, 4, 4]
    assert (course.status.attempts, course.status.failures) == (4, 4)
    course.begin()
    assert course.next_at is None
    course.connected(200.0)
    assert course.status.state is State.UP
    course.lost(209.9, BROKEN, 0.5)  # it has not held
    assert (course.status.failures, course.next_at) == (5, 211.9)
    course.begin()
    course.connected(300.0)
    course.lost(310.0, BROKEN, 0.5)
    assert (course.status.failures, course.next_at, course.status.sessions) == (1, 310.5, 2)
    course.begin()
    course.failed(400.0, REFUSED, None)
    course.stop(BROKEN)
    assert (course.status.state, course.status.cause) == (State.STOPPED, REFUSED)
    assert course.status.next_attempt is None
