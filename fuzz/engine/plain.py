"""Fuzzing where atheris is not installed: seeds, then seeds changed at random, unguided."""

from __future__ import annotations

import faulthandler
import itertools
import random
import time
from typing import TYPE_CHECKING, NamedTuple

from engine import corpus
from engine.mutation import Mutator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from targets import Target

PATIENCE = 20.0
"""Seconds that one input may take."""


class Finding(NamedTuple):
    """An input with which the target raises, and what it raises."""

    data: bytes
    error: Exception


def inputs(target: Target, name: str, seed: int) -> Iterator[bytes]:
    """Yield the seeds, and then mutations of them without end; the same for the same seed."""
    seeds = list(corpus.seeds(name).values())
    yield from seeds
    chance = random.Random(seed)
    mutator = Mutator(chance, target.TOKENS, target.LONGEST)
    while True:
        yield mutator.mutated(seeds)


def run(
    target: Target,
    name: str,
    seed: int,
    *,
    seconds: float = float("inf"),
    count: int | None = None,
) -> tuple[int, Finding | None]:
    """Run a target so long, or so many times after its seeds; stop at the first finding.

    Returns how many inputs it took. An input that takes longer than `PATIENCE` ends the process,
    which prints where all threads are.
    """
    end = time.monotonic() + seconds
    stop = None if count is None else len(corpus.seeds(name)) + count
    done = 0
    for data in itertools.islice(inputs(target, name, seed), stop):
        faulthandler.dump_traceback_later(PATIENCE, exit=True)
        try:
            target.one(data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is no documented one
            return done, Finding(data, error)
        finally:
            faulthandler.cancel_dump_traceback_later()
        done += 1
        if time.monotonic() >= end:
            break
    return done, None
