"""The driver: one ssh for each connection."""

from __future__ import annotations

import os
import selectors
import shutil
import socket
import subprocess
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ncwire.driver import ChannelRequest, Deadline, Driver, Feature
from ncwire.errors import ChannelError, ConnectError, DriverUnavailable, SSHError, TransportError
from ncwire_openssh import askpass
from ncwire_openssh.arguments import identities, password_prompt, ssh_arguments
from ncwire_openssh.askpass import Askpass
from ncwire_openssh.channel import OpenSSHChannel
from ncwire_openssh.failure import failure
from ncwire_openssh.journal import Phase
from ncwire_openssh.master import Master
from ncwire_openssh.mux import MuxSession

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ncwire.driver import Channel, ConnectOptions


class OpenSSHDriver(Driver):
    """NETCONF through the system's ssh, which authenticates, and then starts one thing.

    ssh verifies the host key itself, strictly, by exactly the known_hosts files of the options. It
    reads no configuration; `with_options` gives it options that ncwire has no parameter for.
    """

    name = "openssh"
    contract = (1, 0)
    features = frozenset(
        {
            Feature.PASSWORD,
            Feature.PUBLICKEY,
            Feature.AGENT,
            Feature.AGENT_SECURITY_KEY,
            Feature.USER_CERTIFICATE,
            Feature.ENVIRONMENT,
            Feature.BIND_ADDRESS,
            Feature.ALGORITHMS,
            Feature.COMMAND,
            Feature.FINISH,
        }
    )

    _extra: ClassVar[Mapping[str, str]] = {}

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._aborted = False
        self._master: Master | None = None

    @classmethod
    def check_available(cls) -> None:
        """Need `ssh` on PATH."""
        if shutil.which("ssh") is None:
            raise DriverUnavailable(
                cls.name,
                "the ssh program is not installed",
                "install it with: apt-get install openssh-client",
            )

    @classmethod
    def library(cls) -> str:
        """Return what `ssh -V` says, "OpenSSH 9.2p1 Debian-2+deb12u10"."""
        done = subprocess.run(
            ["ssh", "-V"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stderr.split(",")[0].strip().replace("_", " ", 1)

    def connect(self, options: ConnectOptions, deadline: Deadline) -> Channel:
        """Connect, authenticate, and return the subsystem's channel."""
        if options.password is not None:
            askpass.check(self.name, options.password)
        program = shutil.which("ssh")
        if program is None:
            raise ConnectError("ssh could not be started: it is not on PATH")
        master = Master(program)
        try:
            self._own(master)
            self._authenticate(master, options, deadline)
            channel = self._open(master, options, deadline)
            master.forget_folder()
        except BaseException:
            master.kill()
            raise
        return channel

    def abort(self) -> None:
        """Have a `connect` under way fail."""
        with self._lock:
            self._aborted = True
            master = self._master
        if master is not None:
            master.interrupt()

    def _own(self, master: Master) -> None:
        with self._lock:
            self._master = master
        self._check_not_aborted()

    def _check_not_aborted(self) -> None:
        if self._aborted:
            raise TransportError("aborted")

    def _authenticate(self, master: Master, options: ConnectOptions, deadline: Deadline) -> None:
        key_file = master.folder / "key"
        arguments = ssh_arguments(self.name, options, self._extra, key_file)
        with ExitStack() as stack:
            environment = _environment(master, options, stack)
            master.start(arguments, environment)
            self._check_not_aborted()
            # The control socket is there when ssh has authenticated, and not before.
            self._follow(master, options, deadline, key_file)
        master.journal.phase = Phase.OPEN

    def _follow(
        self, master: Master, options: ConnectOptions, deadline: Deadline, key_file: Path
    ) -> None:
        journal = master.journal
        step = _budget(options, journal.phase, deadline)
        reached = (journal.phase, journal.answers)
        with selectors.DefaultSelector() as selector:
            selector.register(journal, selectors.EVENT_READ)
            selector.register(master.stderr, selectors.EVENT_READ)
            while not master.control.exists():
                selector.select(step.remaining())
                if not master.read():
                    self._check_not_aborted()
                    raise failure(master, self.name, options, key_file)
                if reached != (journal.phase, journal.answers):
                    reached = (journal.phase, journal.answers)
                    step = _budget(options, journal.phase, deadline)

    def _open(self, master: Master, options: ConnectOptions, deadline: Deadline) -> Channel:
        requests = [ChannelRequest(name) for name in options.subsystems]
        if options.command is not None:
            requests.append(ChannelRequest(options.command, "exec"))
        refusals = []
        for request in requests:
            try:
                return self._open_one(master, request, options, deadline)
            except ChannelError as error:
                refusals.append(str(error))
        raise ChannelError("; ".join(refusals))

    def _open_one(
        self, master: Master, request: ChannelRequest, options: ConnectOptions, deadline: Deadline
    ) -> Channel:
        step = _budget(options, Phase.OPEN, deadline)
        ours, theirs = socket.socketpair()
        with ExitStack() as stack:
            stack.callback(ours.close)
            try:
                with theirs, Path(os.devnull).open("wb") as nowhere:
                    session = MuxSession(str(master.control))
                    stack.callback(session.close)
                    session.request(
                        request, options.environment, theirs.fileno(), nowhere.fileno()
                    )
            except OSError as error:
                self._check_not_aborted()
                master.read()
                raise SSHError(f"channel: {error.strerror or error}") from error
            self._await_start(master, session, request, step)
            ours.setblocking(False)
            channel = OpenSSHChannel(master, session, ours)
            stack.pop_all()
        return channel

    def _await_start(
        self, master: Master, session: MuxSession, request: ChannelRequest, step: Deadline
    ) -> None:
        with selectors.DefaultSelector() as selector:
            for source in (session, master.journal, master.stderr):
                selector.register(source, selectors.EVENT_READ)
            while session.session is None or session.session not in master.journal.accepted:
                selector.select(step.remaining())
                session.read()
                if not master.read():
                    self._check_not_aborted()
                    reason = master.reason()
                    raise SSHError(f"channel: {reason}") from ConnectionError(reason)
                if session.refusal is not None:
                    raise ChannelError(f"no channel for {request.name!r}: {session.refusal}")
                if session.ended and session.session not in master.journal.accepted:
                    raise ChannelError(f"the server refused the {request.kind} {request.name!r}")


def with_options(**options: str) -> type[OpenSSHDriver]:
    """Return a driver class whose ssh gets these options of ssh_config(5) too.

    For what ncwire has no parameter for: `with_options(ProxyJump="bastion")`,
    `with_options(GSSAPIAuthentication="yes")`. They override nothing that the driver sets, the
    verification of the host key least of all. The class is for `ncwire.connect(driver=...)`.
    """

    class OpenSSHDriverWithOptions(OpenSSHDriver):
        contract = (1, 0)
        _extra: ClassVar[Mapping[str, str]] = dict(options)

    return OpenSSHDriverWithOptions


def _environment(master: Master, options: ConnectOptions, stack: ExitStack) -> dict[str, str]:
    environment = {**os.environ, "LC_ALL": "C"}  # the reasons that ssh gives, in one language
    if options.password is not None:
        answers = Askpass(
            master.folder,
            password_prompt(options),
            options.password,
            questions=len(identities(options)) + 1,
        )
        stack.callback(answers.close)
        environment |= answers.environment()
    return environment


def _budget(options: ConnectOptions, phase: Phase, deadline: Deadline) -> Deadline:
    seconds = {
        Phase.CONNECT: options.timeouts.connect,
        Phase.HANDSHAKE: options.timeouts.handshake,
        Phase.AUTH: options.timeouts.auth,
        Phase.OPEN: options.timeouts.channel,
    }[phase]
    return Deadline.after(seconds, phase.value, within=deadline)
