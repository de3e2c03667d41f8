"""Starts the processes of `crowd`, and tells them what to do."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ncwire.bench.target import Target

_SCRIPT = Path(__file__).with_name("crowd.py")


class CrowdProcess:
    """One process with Managers; `do` has it take a step, and returns what that came to."""

    def __init__(self, over: str, target: Target) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(_SCRIPT), over, json.dumps(dataclasses.asdict(target))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def do(self, step: str, *arguments: float) -> dict[str, float]:
        """Raises SystemExit where the process has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([step, *arguments]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a process with Managers has ended, see above")
        found: dict[str, Any] = json.loads(line)
        return found

    def end(self) -> None:
        """Close its Managers, and wait for its end."""
        if self._process.poll() is None:
            self.do("close")
        self._process.communicate()


@contextmanager
def crowds(names: Sequence[str], target: Target) -> Iterator[dict[str, CrowdProcess]]:
    """Run a process for each name until the end of the block."""
    with ExitStack() as stack:
        found = {}
        for name in names:
            found[name] = CrowdProcess(name, target)
            stack.callback(found[name].end)
        yield found
