"""Keyboard-interactive with people who take their time, and servers that make mistakes."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import paramiko
import pytest

import ncwire
from ncwire import Timeouts
from ncwire._plugins import registry
from ncwire._ssh.auth.answer_clock import AnswerClock
from ncwire.driver import Feature
from ncwire.errors import AuthenticationError, SSHError, StepTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONG = 30.0


@pytest.fixture(autouse=True)
def _driver_of_prompts(needs) -> None:
    needs(Feature.KEYBOARD_INTERACTIVE)


@pytest.fixture
def prompt_by_prompt(driver) -> bool:
    return Feature.PROMPT_BY_PROMPT in registry.load(driver).features


class Asking(paramiko.ServerInterface):
    """Asks what it is told to ask, and judges no answer before it may."""

    def __init__(self, texts: tuple[Any, Any, Any]) -> None:
        self.query = paramiko.InteractiveQuery(*texts[:2], (texts[2], False))
        self.answers: list[str] = []
        self.may_judge = threading.Event()
        self.may_judge.set()

    def get_allowed_auths(self, _username):
        return "keyboard-interactive"

    def check_auth_interactive(self, _username, _submethods):
        return self.query

    def check_auth_interactive_response(self, responses):
        self.answers.append(*responses)
        assert self.may_judge.wait(LONG)
        return paramiko.AUTH_FAILED


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[Asking, tuple[str, int]]]]:
    """Start a server for one client."""
    servers: list[Asking] = []
    transports: list[paramiko.Transport] = []
    key = paramiko.ECDSAKey.generate()

    def serve(*texts, server=None):
        server = server or Asking(texts or ("title", "instruction", "Code: "))
        listener = socket.create_server(("127.0.0.1", 0))

        def accept():
            with listener:
                sock, _ = listener.accept()
            transport = paramiko.Transport(sock)
            transport.add_server_key(key)
            transports.append(transport)
            transport.start_server(threading.Event(), server)

        threading.Thread(target=accept, daemon=True).start()
        servers.append(server)
        return server, listener.getsockname()

    yield serve
    for server in servers:
        server.may_judge.set()
    for transport in transports:
        transport.close()
        transport.join(LONG)


@pytest.fixture
def refused(driver):
    """Log in; returns the error."""

    def refused(place, handler, **timeouts):
        with pytest.raises(ncwire.NcwireError) as caught:
            ncwire.connect(
                place[0],
                port=place[1],
                username="admin",
                auth_handler=handler,
                driver=driver,
                hostkey_verify=False,
                allow_agent=False,
                look_for_keys=False,
                timeouts=Timeouts(**timeouts),
            )
        return caught.value

    return refused


def test_a_person_may_take_longer_than_the_budget(serve, refused):
    server, place = serve()
    budget = 3.0

    def handler(*_):
        passed = threading.Event()
        with AnswerClock(budget, passed.set):
            assert passed.wait(LONG)
        return ["slowly"]

    error = refused(place, handler, auth=budget)
    assert server.answers == ["slowly"]
    assert isinstance(error, AuthenticationError)
    assert 'keyboard-interactive: denied (the server asked "Code:")' in error.attempts


def test_a_server_that_does_not_judge_the_answer_is_not_waited_for(serve, refused):
    server, place = serve()
    server.may_judge.clear()
    error = refused(place, lambda *_: ["quickly"], auth=1.0)
    assert isinstance(error, StepTimeoutError)
    assert str(error) == "authentication by keyboard-interactive: not done within 1 s"


@pytest.mark.parametrize("place", [0, 1, 2], ids=["title", "instruction", "prompt"])
def test_text_that_is_not_utf_8_is_the_servers_fault(serve, refused, place, prompt_by_prompt):
    texts: list[Any] = ["title", "instruction", "Code: "]
    texts[place] = b"caf\xe9: "
    _, at = serve(*texts)
    seen = []

    def handler(title, instruction, prompts):
        seen.extend((title, instruction, prompts[0].text))
        return ["wrong"]

    error = refused(at, handler)
    if prompt_by_prompt:  # what ssh gives out: the prompts alone, such bytes in octal (strvis(3))
        assert seen[2] == ("caf\\351: " if place == 2 else "Code: ")
        assert isinstance(error, AuthenticationError)
    elif seen:
        assert seen[place] == "caf\ufffd: "
        assert isinstance(error, AuthenticationError)
    else:
        assert type(error) is SSHError


class Terms(Asking):
    """Wants its terms accepted, whose answer is shown, before it asks for the password."""

    def __init__(self) -> None:
        super().__init__(("", "", ""))
        self.query = paramiko.InteractiveQuery("", "", ("Accept? yes/no ", True))

    def check_auth_interactive_response(self, responses):
        self.answers.append(*responses)
        if len(self.answers) > 1:
            return paramiko.AUTH_FAILED
        return paramiko.InteractiveQuery("", "", ("Password: ", False))


def test_the_password_goes_to_no_prompt_whose_answer_is_shown(serve, driver):
    server, place = serve(server=Terms())
    with pytest.raises(AuthenticationError) as caught:
        ncwire.connect(
            place[0],
            port=place[1],
            username="admin",
            password="secret",
            driver=driver,
            hostkey_verify=False,
            allow_agent=False,
            look_for_keys=False,
        )
    assert server.answers == ["", "secret"]
    assert (
        'keyboard-interactive: denied (the server asked "Accept? yes/no" (left without an answer: '
        'auth_handler can give one), "Password:")'
    ) in caught.value.attempts
    assert "secret" not in str(caught.value)
