"""A local account with a password, for as long as the tests run."""

from __future__ import annotations

import os
import secrets
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from servers import requirement
from waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCKED = 1
"""What useradd(8) and its like return while another has the lock of the password file."""


@dataclass(frozen=True)
class Account:
    """A user of this machine, who may do nothing in particular."""

    name: str
    uid: int
    home: str
    password: str = field(repr=False)


@contextmanager
def temporary_account(name: str = "ncw", home: str = "/") -> Iterator[Account]:
    """Create an account with a random password, and remove it afterwards. Needs root.

    Its name begins with `name`; its home is not made, and not removed.
    """
    requirement.root("an account with a password")
    useradd = requirement.program("useradd", "passwd")
    userdel = requirement.program("userdel", "passwd")
    chpasswd = requirement.program("chpasswd", "passwd")
    name, password = f"{name}{os.getpid()}", secrets.token_urlsafe(12)
    _run([useradd, "--no-create-home", "--home-dir", home, "--shell", "/bin/sh", name])
    try:
        _run([chpasswd], f"{name}:{password}\n")
        done = subprocess.run(["id", "-u", name], check=True, capture_output=True, text=True)
        yield Account(name, int(done.stdout), home, password)
    finally:
        _run([userdel, "--force", name])


def _run(command: list[object], stdin: str = "") -> None:
    done = subprocess.CompletedProcess(command, _LOCKED, "", "")

    def has_run() -> bool:
        nonlocal done
        arguments = list(map(str, command))
        done = subprocess.run(arguments, check=False, input=stdin, capture_output=True, text=True)
        return done.returncode != _LOCKED

    # Another process may have the lock of /etc/passwd.
    eventually(has_run, lambda: f"{command[0]}: {done.stderr}")
    # userdel says 12 and the like when something less than the account was left behind.
    if done.returncode and "userdel" not in str(command[0]):
        raise RuntimeError(f"{command[0]}: {done.stderr}")
