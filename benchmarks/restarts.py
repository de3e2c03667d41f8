"""A device that is restarted again and again under a `Persistent`: what is lost, doubled, or left.

Usage: python benchmarks/restarts.py [--restarts N] [--seconds N] [--callers N] [--hub]
                                     [--driver NAME]

netconfd behind OpenSSH's sshd is killed and started N times, evenly over the seconds. Meanwhile
callers send numbered edits, each once, and a stream hears the notifications of all sessions.
netconfd's audit log, which lives through its restarts, tells which edits it has done, and how
often. Exits with 1 if an edit was done twice, if one was answered and not done or not sent and
done, if a gap has no mark, or if a thread or an fd is left when all is closed.

Needs the Debian packages netconfd and openssh-server.
"""

from __future__ import annotations

import argparse
import getpass
import itertools
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(1, str(Path(__file__).parents[1] / "tests"))

import ncwire
from ncwire.errors import NcwireError, NoSessionError
from ncwire.persistent import Backoff, Gap, State
from servers.keyring import KeyRing
from servers.process import ServerProcess
from servers.requirement import program
from servers.sshd import Sshd, SshdSettings

if TYPE_CHECKING:
    from ncwire.persistent import NotificationStream, Status

_NS = "urn:example:ncwire:restarts"
_NC = "urn:ietf:params:xml:ns:netconf:base:1.0"
_YANG = f"""module ncwire-restarts {{
  namespace "{_NS}"; prefix r; revision 2024-01-01;
  list edit {{ key n; leaf n {{ type uint32; }} }}
}}
"""
_EDIT = (
    "<edit-config><target><running/></target><config>"
    f"<edit xmlns='{_NS}' xmlns:nc='{_NC}' nc:operation='create'><n>{{}}</n></edit>"
    "</config></edit-config>"
)
_SUBSCRIBE = '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>'
_PAUSE = 0.1
"""Seconds between two edits of one caller."""
_DONE = re.compile(r"edit\[(?:r:)?n\s*=\s*['\"]?(\d+)")


class Device:
    """An sshd that stays, as a device's does, and netconfd behind it, which comes and goes."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o755)
        self._path = folder / "socket"
        self.audit = folder / "audit"
        (folder / "ncwire-restarts.yang").write_text(_YANG, encoding="ascii")
        self._netconfd = program("netconfd", "netconfd")
        subsystem = program("netconf-subsystem", "netconfd")
        command = f'"{subsystem} --ncxserver-sockname={{port}}@{self._path}"'
        settings = SshdSettings(subsystems={"netconf": command})
        self.sshd = Sshd(settings, KeyRing(folder))
        self._modules = folder
        self._process: ServerProcess | None = None
        self.start()

    def start(self) -> None:
        self._path.unlink(missing_ok=True)  # else netconfd listens nowhere, and says nothing of it
        self._process = ServerProcess(
            [
                *("sh", "-c", 'umask 0; exec "$0" "$@"'),
                str(self._netconfd),
                "--module=ncwire-restarts",
                f"--modpath={self._modules}:/usr/share/yuma/modules",
                "--no-startup",
                f"--superuser={getpass.getuser()}",
                "--target=running",
                "--access-control=off",
                f"--port={self.sshd.port}",
                f"--ncxserver-sockname={self._path}",
                f"--audit-log={self.audit}",
                "--audit-log-append",
                "--log-level=info",
            ],
            "Running netconfd server",
        )

    def stop(self) -> None:
        if self._process is not None:
            self._process.end()

    def end(self) -> None:
        self.stop()
        self.sshd.end()

    def done(self) -> Counter[int]:
        """Return how often each edit was done, by netconfd's own account."""
        text = self.audit.read_text(encoding="utf-8", errors="replace")
        return Counter(int(number) for number in _DONE.findall(text))


class Callers:
    """Threads that send numbered edits, each once, and note what became of each."""

    def __init__(self, device: ncwire.Persistent, count: int) -> None:
        self._device = device
        self._numbers = itertools.count(1)
        self._ended = threading.Event()
        self.answered: set[int] = set()
        self.not_sent: set[int] = set()
        self.unknown: set[int] = set()
        self.wrong: list[BaseException] = []
        self._threads = [threading.Thread(target=self._run) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._ended.wait(_PAUSE):
            number = next(self._numbers)
            try:
                self._device.rpc(_EDIT.format(number), 30, check=True)
            except NoSessionError:
                self.not_sent.add(number)
            except ncwire.RPCError as error:
                self.wrong.append(error)
            except NcwireError:
                self.unknown.add(number)  # the session ended meanwhile
            else:
                self.answered.add(number)


class Hearing(threading.Thread):
    """Reads the stream to its end."""

    def __init__(self, stream: NotificationStream) -> None:
        super().__init__()
        self._stream = stream
        self.notifications = 0
        self.gaps: list[Gap] = []

    def run(self) -> None:
        for each in self._stream:
            if isinstance(each, Gap):
                self.gaps.append(each)
            else:
                self.notifications += 1


def subscribe(session: ncwire.Session) -> None:
    session.rpc(_SUBSCRIBE, check=True)


def fds() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def under(device: Device, given: argparse.Namespace) -> list[str]:
    """Restart the device under a `Persistent`, print what was seen, and return what is wrong."""
    causes: Counter[str] = Counter()

    def changed(status: Status) -> None:
        if status.cause is not None and status.state is State.WAITING:
            causes[str(status.cause)] += 1

    with ExitStack() as stack:
        hub = stack.enter_context(ncwire.Hub()) if given.hub else None
        keeper = ncwire.Persistent(
            device.sshd.host,
            port=device.sshd.port,
            username=device.sshd.user,
            key_filename=device.sshd.client_key,
            known_hosts=device.sshd.known_hosts,
            driver=given.driver,
            profile="netconfd",
            on_session=subscribe,
            on_change=changed,
            backoff=Backoff(first=0.2, ceiling=2),
            hub=hub,
        )
        stack.callback(keeper.close)
        keeper.session()
        hearing = Hearing(keeper.notifications())
        hearing.start()
        callers = Callers(keeper, given.callers)
        began = time.monotonic()
        for number in range(1, given.restarts + 1):
            _sleep_until(began + given.seconds * (number - 0.5) / given.restarts)
            device.stop()
            time.sleep(min(1.0, given.seconds / given.restarts / 4))
            device.start()
        _sleep_until(began + given.seconds)
        keeper.session(60)
        callers.end()
        status = keeper.status
        session = keeper.session()
    hearing.join()
    done = device.done()
    print(f"{status.sessions} sessions in {status.attempts} attempts, driver {_driver(session)}")
    for text, times in causes.most_common():
        print(f"  {times} times: {text}")
    longest = max((gap.until - gap.since for gap in hearing.gaps), default=None)
    told = f", the longest {longest.total_seconds():.1f} s" if longest else ""
    print(f"{hearing.notifications} notifications, {len(hearing.gaps)} gaps between them{told}")
    for name in ("answered", "not_sent", "unknown"):
        numbers = getattr(callers, name)
        counted = Counter(done[each] for each in numbers)
        told = ", ".join(f"{n} done {times} times" for times, n in sorted(counted.items()))
        print(f"edits {name.replace('_', ' ')}: {len(numbers)}" + (f": {told}" if told else ""))
    wrong = [
        (max(done.values(), default=0) > 1, "an edit was done twice"),
        (any(done[each] != 1 for each in callers.answered), "an answered edit was not done"),
        (any(done[each] for each in callers.not_sent), "an edit was done that was not sent"),
        (bool(callers.wrong), f"an edit was refused: {callers.wrong[:1]}"),
        (len(hearing.gaps) != status.sessions - 1, "a gap between two sessions has no mark"),
        (status.sessions <= given.restarts, "a restart was not noticed"),
        (any(a.until > b.since for a, b in itertools.pairwise(hearing.gaps)), "gaps overlap"),
        (not callers.answered, "no edit was answered"),
    ]
    return [text for is_so, text in wrong if is_so]


def _driver(session: ncwire.Session) -> str:
    choice = getattr(session, "driver_choice", None)
    return "?" if choice is None else choice.name


def _sleep_until(at: float) -> None:
    time.sleep(max(0.0, at - time.monotonic()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--callers", type=int, default=4)
    parser.add_argument("--driver", default="paramiko")
    parser.add_argument("--hub", action="store_true", help="keep the sessions on a hub")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ncwire-restarts-") as folder, ExitStack() as stack:
        device = Device(Path(folder))
        stack.callback(device.end)
        quick = argparse.Namespace(**{**vars(given), "restarts": 0, "seconds": 1.0})
        under(device, quick)  # what is made once is made
        device.stop()
        device.audit.write_text("")
        device.start()
        threads, before = threading.active_count(), fds()
        wrong = under(device, given)
        left = threading.active_count() - threads, fds() - before
        print(f"left when all is closed: {left[0]} threads, {left[1]} fds more than before")
        if left != (0, 0):
            wrong.append("something is left")
    for each in wrong:
        print("WRONG:", each)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
