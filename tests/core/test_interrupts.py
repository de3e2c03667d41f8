"""Telling what a signal handler raised from what the code that it interrupted raised."""

from __future__ import annotations

import functools
import signal
import threading

import pytest

from ncwire._interrupts import by_signal, interruption, raise_interruption, raise_signalled
from ncwire.errors import SessionCloseError

pytestmark = pytest.mark.usefixtures("no_gc_callbacks")


class OwnError(OSError):
    """Of the program's own, and of a class that libraries raise, too."""


def function(_number, _frame):
    raise OwnError("by a function")


class Handler:
    def method(self, _number, _frame):
        raise OwnError("by a method")

    def __call__(self, _number, _frame):
        raise OwnError("by an object")


HANDLERS = {
    "a function": function,
    "a method": Handler().method,
    "an object": Handler(),
    "a partial": functools.partial(function),
}


@pytest.fixture(params=HANDLERS.values(), ids=HANDLERS)
def raised(request):
    """Return what the handler of a signal raised."""
    before = signal.signal(signal.SIGUSR1, request.param)
    try:
        signal.raise_signal(signal.SIGUSR1)
    except OwnError as error:
        yield error
    finally:
        signal.signal(signal.SIGUSR1, before)


def library_error(cause):
    """Return an error that a library made of another."""
    try:
        try:
            raise cause
        except OSError as error:
            raise ValueError("the library's") from error
    except ValueError as error:
        return error


def test_it_is_known_by_itself_and_as_a_cause(raised):
    assert by_signal(raised)
    assert interruption(raised) is raised
    assert interruption(library_error(raised)) is raised


def test_what_has_ended_a_session_is_no_part_of_what_comes_later(raised):
    """It came out where it ended the session; the cause is raised by each call after that."""
    ended = SessionCloseError(b"")
    ended.__cause__ = raised
    assert interruption(ended) is None
    raise_signalled(ended)
    raise_interruption(ended)


def test_it_comes_out_as_it_was(raised):
    for tell in (raise_interruption, raise_signalled):
        with pytest.raises(OwnError) as caught:
            handled(library_error(raised), tell)
        assert caught.value is raised
        assert raised.__cause__ is None
        assert raised.__context__ is None


def handled(error, tell):
    try:
        raise error
    except ValueError as seen:
        tell(seen)


def test_what_the_code_itself_raises_is_its_own():
    with pytest.raises(OwnError) as caught:
        function(None, None)
    error = caught.value
    assert not by_signal(error)
    assert interruption(error) is None
    raise_interruption(error)
    raise_signalled(error)


def test_a_handler_that_is_not_installed_any_more_is_known_all_the_same():
    def once(number, _frame):
        signal.signal(number, signal.SIG_DFL)
        raise OwnError("once")

    before = signal.signal(signal.SIGUSR1, once)
    try:
        with pytest.raises(OwnError) as caught:
            signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert interruption(library_error(caught.value)) is caught.value


def test_what_was_being_handled_before_is_no_cause():
    """Cleaning up after Ctrl-C, what fails is told, and not the Ctrl-C once more."""
    try:
        raise KeyboardInterrupt("before")
    except KeyboardInterrupt:
        error = library_error(OwnError("new"))
        assert interruption(error) is None


def test_what_is_no_exception_comes_from_outside_but_not_by_a_signal():
    error = SystemExit(3)
    assert interruption(error) is error
    assert not by_signal(error)
    raise_signalled(error)
    with pytest.raises(SystemExit):
        raise_interruption(error)


def test_ctrl_c_is_a_signal_in_the_main_thread_only():
    told = []
    thread = threading.Thread(target=lambda: told.append(by_signal(KeyboardInterrupt())))
    thread.start()
    thread.join()
    assert told == [False]
    assert by_signal(KeyboardInterrupt())


def test_a_circle_of_causes_ends():
    one, other = ValueError(), ValueError()
    one.__cause__, other.__cause__ = other, one
    assert interruption(one) is None
