"""Forks: the connection stays the parent's, whatever the child does with its copy.

A child inherits fds and handles. What it does with them, its mere exit included, would reach the
peer: a goodbye on the parent's connection, or bytes in the middle of its packets.
"""

from __future__ import annotations

import os
import weakref
from abc import ABC, abstractmethod


class Forkable(ABC):
    """Something with an fd that a forked child must leave alone; `watch_forks` takes it."""

    @abstractmethod
    def abandon_in_child(self) -> None:
        """Let go of the connection in a forked child: called there, before anything else runs.

        Locks are made anew, for whoever held them does not exist here; `point_at_nothing` is
        for the fds.
        """


def watch_forks(owner: Forkable) -> None:
    """Have `owner.abandon_in_child` called in each forked child, as long as `owner` lives."""
    _living.add(owner)


def point_at_nothing(fd: int) -> None:
    """Make `fd` /dev/null; a negative one, which is closed already, is left alone."""
    if fd < 0:
        return
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    os.dup2(null, fd, inheritable=False)
    os.close(null)


_living: weakref.WeakSet[Forkable] = weakref.WeakSet()


def _abandon_all() -> None:
    for owner in list(_living):
        owner.abandon_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_all)
