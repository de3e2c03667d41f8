"""A run of one target in a process of its own, and what it says of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import targets
from engine import corpus
from engine.plain import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_START = 120.0
_EXECUTED = re.compile(r"^stat::number_of_executed_units: (\d+)", re.MULTILINE)
_COVERED = re.compile(r"^#\d+\s.*\bcov: (\d+) ft: (\d+)", re.MULTILINE)
_PROGRESS = re.compile(r"#\d+\s|stat::|INFO: ")
_LAST_WORDS = 40


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be run, and how."""

    target: str
    seconds: int
    seed: int
    findings: Path
    """Where an input goes with which a target raises."""
    keep: Path | None = None
    """Where inputs go that have reached something new, and are read from next time."""
    with_atheris: bool = True


@dataclass(frozen=True, slots=True)
class Run:
    """What came of it."""

    target: str
    executions: int
    edges: int | None
    """How many places of ncwire's code were reached; None: that was not watched."""
    features: int | None
    """The same, told apart by how often each was reached."""
    findings: tuple[Path, ...]
    words: str
    """What the process said last, where it failed."""

    @property
    def failed(self) -> bool:
        """Whether something was found, or the process did not get to its end."""
        return bool(self.words)


def has_atheris() -> bool:
    """Tell whether atheris is installed."""
    return find_spec("atheris") is not None


def run(order: Order) -> Run:
    """Run a target to its end."""
    before = set(_found(order))
    with tempfile.TemporaryDirectory(prefix="ncwire-fuzz-") as name:
        arguments = _guided(order, Path(name)) if order.with_atheris else _unguided(order)
        done = subprocess.run(
            [sys.executable, str(corpus.FUZZ / "worker.py"), order.target, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="backslashreplace",
            env=os.environ | {"PYTHONFAULTHANDLER": "1"},
            timeout=order.seconds + PATIENCE + _START,
            check=False,
        )
    said = done.stdout
    executed = _EXECUTED.findall(said)
    covered = _COVERED.findall(said)
    return Run(
        order.target,
        int(executed[-1]) if executed else 0,
        int(covered[-1][0]) if covered else None,
        int(covered[-1][1]) if covered else None,
        tuple(sorted(set(_found(order)) - before)),
        "" if done.returncode == 0 else _last_words(said),
    )


def _found(order: Order) -> Iterator[Path]:
    return order.findings.glob(f"{order.target}-*")


def _last_words(said: str) -> str:
    lines = [line for line in said.splitlines() if not _PROGRESS.match(line)]
    return "\n".join(lines[-_LAST_WORDS:])


def _guided(order: Order, folder: Path) -> Sequence[str]:
    target = targets.load(order.target)
    words = folder / "words"
    words.write_text("".join(map(_quoted, target.TOKENS)), encoding="ascii")
    reached = (order.keep or folder) / order.target
    reached.mkdir(parents=True, exist_ok=True)
    return (
        "atheris",
        f"-max_total_time={order.seconds}",
        f"-max_len={target.LONGEST}",
        f"-seed={order.seed}",
        f"-dict={words}",
        f"-artifact_prefix={order.findings}/{order.target}-",
        f"-timeout={PATIENCE:.0f}",
        "-print_final_stats=1",
        str(reached),
        str(corpus.folder(order.target)),
    )


def _unguided(order: Order) -> Sequence[str]:
    return (
        "plain",
        *("--seed", str(order.seed)),
        *("--seconds", str(order.seconds)),
        *("--findings", str(order.findings)),
    )


def _quoted(token: bytes) -> str:
    return '"' + "".join(f"\\x{byte:02x}" for byte in token) + '"\n'
