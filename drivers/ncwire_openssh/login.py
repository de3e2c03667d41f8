"""From the start of ssh to its control socket: what it asks is answered, and its log followed."""

from __future__ import annotations

import logging
import os
import selectors
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ncwire.driver import Algorithms, Deadline, one_line
from ncwire.driver import Prompt as PromptToAnswer
from ncwire.errors import (
    OptionError,
    PasswordExpiredError,
    SSHError,
    TransportError,
)
from ncwire_openssh.authentication import not_let_in, unusable_keys
from ncwire_openssh.config import host_argument, ssh_config
from ncwire_openssh.failure import failure, not_agreed
from ncwire_openssh.journal import Phase
from ncwire_openssh.program import known, offered
from ncwire_openssh.questions import (
    LONGEST_ANSWER,
    HostKeyQuestion,
    Notice,
    Prompt,
    asks_for_password,
    is_answer,
    known_hosts_lines,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.driver import ConnectOptions, HostKey
    from ncwire_openssh.master import Master
    from ncwire_openssh.mux import HasFileno, Watch
    from ncwire_openssh.questions import Question

_log = logging.getLogger("ncwire.openssh")

_NOT_OURS = ("SSH_ASKPASS_PROMPT", "SSH_SK_PROVIDER", "DISPLAY", "WAYLAND_DISPLAY")
"""Variables by which the user's surroundings would change what ssh does."""
_LONGEST_PROMPT = 200
_MOST_PROMPTS = 20
_SSH = 22


class Login:
    """One ssh on its way to its control socket.

    `check` raises when the connecting was aborted.
    """

    def __init__(
        self,
        driver: str,
        program: str,
        master: Master,
        options: ConnectOptions,
        deadline: Deadline,
        check: Callable[[], None],
    ) -> None:
        self._driver = driver
        self._program = program
        self.master = master
        self._options = options
        self._deadline = deadline
        self._check = check
        self.host_key: HostKey | None = None
        """What the host has presented, once it was found good."""
        self._asked: list[str] = []
        """The prompts that the server has put, as they are to be shown."""
        self._password_given = ""
        """The method by which the password was given away."""

    def run(self, sock: socket.socket | None) -> None:
        """Start ssh, and return when the user is authenticated.

        `sock` is the connection to use, if there is one; it is ssh's from here on.
        Raises what `Driver.connect` does. The caller ends the master then.
        """
        master, options = self.master, self._options
        is_hop = bool(master.name)
        if is_hop and options.keepalive is not None:
            master.keepalive_count = options.keepalive_count
        text = ssh_config(
            self._driver,
            options,
            master.folder,
            Algorithms() if options.algorithms is None else known(self._program),
            fd_is_given=sock is not None,
            is_hop=is_hop,
        )
        arguments = ["-l", options.username, "--", host_argument(options)]
        with ExitStack() as stack:
            doors: list[socket.socket] = []
            if sock is not None:
                master.journal.phase = Phase.HANDSHAKE
                stack.callback(sock.close)
                doors.append(stack.enter_context(_door(master)))
            master.folder.write_config(text)
            master.start(self._program, arguments, self._environment())
            self._check()
            self._follow(doors, sock)
        master.journal.note_success()
        for error in unusable_keys(master.journal, options):
            _log.warning("private key %s: %s; it was left out", error.path, error.problem)

    def watch(self) -> Watch:
        """Return what to wait for besides, once logged in, and what notices that ssh has ended."""
        master = self.master
        return (() if master.shared else (master.stderr, master.journal)), self.look

    def look(self) -> None:
        """Take in ssh's log. Raises `SSHError` when it has ended."""
        master = self.master
        if not master.read() and not master.shared:
            self._check()
            reason = master.reason()
            raise SSHError(f"{Phase.OPEN.value}: {reason}") from ConnectionError(reason)

    def _environment(self) -> dict[str, str]:
        # The reasons that ssh gives in one language; prompts as they came.
        own = {"LC_ALL": "C.UTF-8", "SSH_ASKPASS_REQUIRE": "force", "SHELL": "/bin/sh"}
        inherited = {name: text for name, text in os.environ.items() if name not in _NOT_OURS}
        return inherited | own | {"SSH_ASKPASS": str(self.master.folder.askpass)}

    def _follow(self, doors: list[socket.socket], sock: socket.socket | None) -> None:
        # The control socket is there when ssh has authenticated, and not before.
        master, journal = self.master, self.master.journal
        reached = journal.stage
        step = self.budget(journal.phase)
        sources: tuple[HasFileno, ...] = (journal, master.stderr, master.questions, *doors)
        with selectors.DefaultSelector() as selector:
            for source in sources:
                selector.register(source, selectors.EVENT_READ)
            while not master.folder.control.exists():
                ready = selector.select(step.slice())
                lives = master.read()
                for key, _ in ready:
                    if isinstance(key.fileobj, socket.socket) and sock is not None:
                        _pass_fd(key.fileobj, sock)
                for question in master.questions.read():
                    if self._answer(question):
                        step = self.budget(journal.phase)  # it was a person who took the time
                if not lives and not master.folder.control.exists():
                    self._check()
                    proxy = self._options.proxy
                    account = "" if proxy is None else proxy.account()
                    raise failure(
                        master, self._driver, self._options, self._offered, account, self._asked
                    )
                if reached != journal.stage:
                    reached = journal.stage
                    step = self.budget(journal.phase)

    def _offered(self) -> Algorithms:
        return offered(self._program, self.master.folder.config)

    def budget(self, phase: Phase) -> Deadline:
        """Return the deadline of a step that begins now."""
        timeouts = self._options.timeouts
        seconds = {
            Phase.CONNECT: timeouts.connect,
            Phase.HANDSHAKE: timeouts.handshake,
            Phase.AUTH: timeouts.auth,
            Phase.OPEN: timeouts.channel,
        }[phase]
        return Deadline.after(seconds, self._step(phase), within=self._deadline)

    def _step(self, phase: Phase) -> str:
        options, journal = self._options, self.master.journal
        if phase is Phase.CONNECT:
            host = options.host or ""
            return f"TCP connect to {host if options.port == _SSH else f'[{host}]:{options.port}'}"
        if phase is not Phase.AUTH:
            return str(phase.value)
        asks_agent = options.allow_agent and options.identity_agent is not None
        if asks_agent and not journal.planned and not journal.method:
            return "listing the agent's keys"
        return f"authentication by {journal.method or 'none'}"

    def _answer(self, question: Question) -> bool:
        """Answer it; return whether `auth_handler` did."""
        match question:
            case HostKeyQuestion():
                self._judge(question)
            case Notice(text):
                _log.warning("ssh: %s", one_line(text, _LONGEST_PROMPT))
            case Prompt(text):
                return self._answer_prompt(text)
        return False

    def _judge(self, question: HostKeyQuestion) -> None:
        """Have the core judge the key, and ssh take it or nothing.

        ssh waits meanwhile: it has sent nothing but its part of the key exchange, and verifies
        the key's signature of that next.
        """
        check = self._options.host_key_check
        if check is None:
            raise SSHError("host key: there is nothing to judge it by")
        not_agreed(self.master.journal, self._options)
        check.verify(question.key)
        self._check()
        self.host_key = question.key
        self.master.journal.judged = True
        self.master.questions.answer(*known_hosts_lines(question))

    def _answer_prompt(self, text: str) -> bool:
        options, questions = self._options, self.master.questions
        passphrase = options.password if options.passphrase is None else options.passphrase
        if text.startswith("Enter passphrase for "):
            self._give(passphrase)
        elif text.startswith("Enter PIN "):
            pin = options.driver_options.get("pin")
            self._give(None if pin is None else str(pin))
        elif text.startswith("Enter ") and text.endswith("'s old password: "):
            raise PasswordExpiredError(
                f"the server takes the password of {options.username!r} only to have it changed",
                self._attempts("the server wants it changed"),
                offered=self.master.journal.offered,
            )
        elif self.master.journal.method == "keyboard-interactive":
            return self._answer_server(text)
        elif self._is_for_password(text):
            self._password_given = self.master.journal.method
            self._give(options.password)
        else:
            questions.refuse()
        return False

    def _answer_server(self, text: str) -> bool:
        """Have `auth_handler` answer; without one give the password where it is asked for, once.

        Returns whether the handler has answered.
        """
        # sshconnect2.c has "(user@host) " before the server's own words.
        own = text.partition(") ")[2] if text.startswith("(") else text
        shown = f'"{one_line(own, _LONGEST_PROMPT).strip()}"'
        handler = self._options.auth_handler
        if handler is not None:
            self._asked = [*self._asked, shown][:_MOST_PROMPTS]
            # ssh does not say whether the answer may be shown.
            answer = _only_answer(handler("", "", (PromptToAnswer(own, echo=False),)), shown)
            self._check()
            self._give(answer)
            return True
        if self._password_given:
            raise not_let_in(self.master.journal, self._options, self._asked)
        if self._options.password is not None and asks_for_password(own):
            self._password_given = self.master.journal.method
            self._give(self._options.password)
        else:
            shown += " (left without an answer: auth_handler can give one)"
            self.master.questions.refuse()
        self._asked = [*self._asked, shown][:_MOST_PROMPTS]
        return False

    def _give(self, answer: str | None) -> None:
        if answer is None:
            self.master.questions.refuse()
        else:
            self.master.questions.answer(answer)

    def _is_for_password(self, text: str) -> bool:
        asks = self.master.journal.method == "password" and text.endswith("'s password: ")
        return asks and self._options.password is not None and not self._password_given

    def _attempts(self, last: str) -> list[str]:
        attempts = list(self.master.journal.attempts)
        return [*attempts[:-1], f"{attempts[-1]}: {last}"] if attempts else [last]


def _only_answer(answers: object, shown: str) -> str:
    """Return what `auth_handler` has answered. Raises `OptionError`, which shows no answer."""
    if isinstance(answers, str | bytes | bytearray) or not isinstance(answers, Sequence):
        came = type(answers).__name__
    elif len(answers) != 1 or not isinstance(answers[0], str):
        came = f"a list of {', '.join(type(each).__name__ for each in answers) or 'nothing'}"
    elif not is_answer(answers[0]):
        raise OptionError(
            "auth_handler", f"ssh takes one line of at most {LONGEST_ANSWER} bytes as an answer"
        )
    else:
        return answers[0]
    raise OptionError(
        "auth_handler",
        f"must return a list of one string, for the prompt {shown}; {came} came",
    )


def _door(master: Master) -> socket.socket:
    door = socket.socket(socket.AF_UNIX)
    try:
        door.bind(str(master.folder.fd_socket))
        door.listen(1)
        door.setblocking(False)
    except OSError as error:
        door.close()
        raise TransportError(f"no way to hand ssh a socket: {error.strerror}") from error
    return door


def _pass_fd(door: socket.socket, sock: socket.socket) -> None:
    try:
        caller, _ = door.accept()
    except BlockingIOError:
        return
    with caller, sock:
        if sock.fileno() >= 0:
            socket.send_fds(caller, [b"-"], [sock.fileno()])
