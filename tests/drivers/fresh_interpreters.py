"""Interpreters of their own for scripts that may crash, hang or leak; what they import is there.

Starting one and importing the libraries takes a second of CPU, and each trap of libssh2's is
pulled in its own: so one that has done no more than import them is forked for each script, which
then ends as any program does, with the interpreter's own clean-up.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from typing import TextIO

_PATIENCE = 30.0
"""Seconds for the end of one that has been killed."""


class FreshInterpreters:
    """An interpreter that has imported some modules, and is forked for each script."""

    def __init__(self, *modules: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", __file__, *modules],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # what was read already is nothing that `select` sees
        )

    def run(self, script: str, arguments: list[str], seconds: float) -> str:
        """Return what a script prints; fails with that if it is killed, fails or takes longer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace") as printed:
            request = json.dumps([script, arguments, printed.name])
            self._process.stdin.write(request.encode() + b"\n")
            pid = int(self._process.stdout.readline())
            late = not select.select([self._process.stdout], [], [], seconds)[0]
            if late:
                os.kill(pid, signal.SIGABRT)  # faulthandler shows where it is
                select.select([self._process.stdout], [], [], _PATIENCE)
            code = int(self._process.stdout.readline())
            told = printed.read()
        assert not late, f"not done after {seconds:g} s\n{told}"
        assert code == 0, f"exit code {code}\n{told}"
        return told

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def _asked_for(requests: TextIO) -> str | None:
    """Return in a forked child the script that is to be run; None when no more comes."""
    for line in requests:
        script, arguments, printed = json.loads(line)
        pid = os.fork()
        if pid:
            print(pid, flush=True)  # noqa: T201 - to who asked
            print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)  # noqa: T201
            continue
        sys.argv = ["-c", *arguments]
        with open(os.devnull) as nothing, open(printed, "w") as output:  # noqa: PTH123
            os.dup2(nothing.fileno(), 0)
            for fd in (1, 2):
                os.dup2(output.fileno(), fd)
        return str(script)
    return None


if __name__ == "__main__":
    for each in sys.argv[1:]:
        __import__(each)
    asked = _asked_for(sys.stdin)
    if asked is not None:
        exec(compile(asked, "<script>", "exec"), {"__name__": "__main__"})
