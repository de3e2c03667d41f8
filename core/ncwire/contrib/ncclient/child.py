"""Programs that cannot be touched: `install` in their interpreter, and in those that they start.

The way there is the environment: a folder on PYTHONPATH whose `sitecustomize` every interpreter
imports as it starts (Python's module `site`), and a variable with what to install. Interpreters
that are started with -E, -I or -S are not reached, and neither is one of a user who has no ncwire.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE: Final = "NCWIRE_NCCLIENT"
"""The environment variable: what `install` is called with, as JSON."""
FOLDER: Final = Path(__file__).parent / "site"
"""Where the `sitecustomize` is."""


def environment(
    inherited: Mapping[str, str], *, driver: str | None = None, profile: str | None = None
) -> dict[str, str]:
    """Return the environment in which Python programs have ncclient carried by ncwire."""
    given = {"driver": driver, "profile": profile}
    paths = [str(FOLDER), *_paths(inherited)]
    return {
        **inherited,
        "PYTHONPATH": os.pathsep.join(paths),
        VARIABLE: json.dumps({name: value for name, value in given.items() if value is not None}),
    }


def install_as_told() -> None:
    """Do what `install` does, as the environment says: for `sitecustomize`, after ncclient.

    What fails is told on stderr, and the program goes on with ncclient's own transport.
    """
    try:
        # These import ncclient.
        from ncwire.contrib.ncclient.choice import Choice  # noqa: PLC0415
        from ncwire.contrib.ncclient.installing import put_in_place  # noqa: PLC0415

        # Unchecked: a driver that only this interpreter lacks is to fail where it connects, and
        # not to leave the program with a transport that was not asked for.
        put_in_place(Choice(**json.loads(os.environ[VARIABLE])))
    except Exception as error:  # noqa: BLE001 - the program's own work must go on
        print(f"ncwire.contrib.ncclient: not installed: {error}", file=sys.stderr)  # noqa: T201


def _paths(inherited: Mapping[str, str]) -> list[str]:
    found = inherited.get("PYTHONPATH", "")
    return [path for path in found.split(os.pathsep) if path and path != str(FOLDER)]
