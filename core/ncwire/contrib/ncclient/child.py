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
    from collections.abc import Mapping, Sequence

    from ncwire._plugins.driver_options import PerDriver

VARIABLE: Final = "NCWIRE_NCCLIENT"
"""The environment variable: what `install` is called with, as JSON."""
FOLDER: Final = Path(__file__).parent / "site"
"""Where the `sitecustomize` is."""


def environment(
    inherited: Mapping[str, str],
    *,
    driver: str | None = None,
    profile: str | None = None,
    driver_options: Sequence[str] = (),
) -> dict[str, str]:
    """Return the environment in which Python programs have ncclient carried by ncwire.

    `driver_options` are texts as `written` takes them; paths in them are relative to where this
    process is, and not to where an interpreter will be.
    """
    own = [list(driver_options), str(Path.cwd())] if driver_options else None
    given = {"driver": driver, "profile": profile, "driver_options": own}
    paths = [str(FOLDER), *_paths(inherited)]
    return {
        **inherited,
        "PYTHONPATH": os.pathsep.join(paths),
        VARIABLE: json.dumps({name: value for name, value in given.items() if value is not None}),
    }


def written(assignments: Sequence[str], folder: str = "") -> PerDriver:
    """Return the driver's options that are written as KEY=VALUE; a path is relative to `folder`.

    Raises `OptionError` for what is not written so, and shows nothing of it: it may be a secret.
    """
    from ncwire._plugins.driver_options import PerDriver, Written  # noqa: PLC0415 - few need it
    from ncwire.errors import OptionError  # noqa: PLC0415 - as above

    texts: dict[str, tuple[str, ...]] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or not name.isidentifier():
            raise OptionError("-O", "it must be KEY=VALUE, with the name of an option")
        texts[name] = (*texts.get(name, ()), text)
    own = {name: Written(f"-O {name}", each, folder) for name, each in texts.items()}
    return PerDriver({PerDriver.IN_USE: own})


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
        told = json.loads(os.environ[VARIABLE])
        if "driver_options" in told:
            told["driver_options"] = written(*told["driver_options"])
        put_in_place(Choice(**told))
    except Exception as error:  # noqa: BLE001 - the program's own work must go on
        print(f"ncwire.contrib.ncclient: not installed: {error}", file=sys.stderr)  # noqa: T201


def _paths(inherited: Mapping[str, str]) -> list[str]:
    found = inherited.get("PYTHONPATH", "")
    return [path for path in found.split(os.pathsep) if path and path != str(FOLDER)]
