"""An environment of its own for each program, for they pin what they are installed with."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "scripts"


@dataclass(frozen=True)
class Environment:
    """What a program is installed with, beside ncwire; `more` installs what pip cannot."""

    name: str
    requirements: tuple[str, ...]
    more: Callable[[Path], None] | None = None

    def python(self, folder: Path) -> Path:
        """Return its interpreter; made in the folder if it is not there, which takes minutes."""
        home = folder / self.name
        python = home / "bin" / "python"
        made = home / "made"
        if not made.exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
            # ncwire as it is here, so that an environment does not grow old.
            _pip(python, "install", *self.requirements, "-e", f"{ROOT}[ncclient,libssh2]")
            if self.more is not None:
                self.more(python)
            made.touch()
        return python


def _pip(python: Path, *arguments: str) -> None:
    subprocess.run(
        [python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments], check=True
    )


_COLLECTIONS = ("ansible/netcommon", "ansible/utils")


def _netcommon(python: Path) -> None:
    """Take the collections out of the wheel `ansible`, which has a hundred others besides."""
    wheels = python.parents[1] / "wheels"
    _pip(python, "download", "--no-deps", "--dest", str(wheels), "ansible")
    (wheel,) = wheels.glob("ansible-*.whl")
    (packages,) = (python.parents[1] / "lib").glob("python*/site-packages")
    wanted = tuple(f"ansible_collections/{each}/" for each in _COLLECTIONS)
    with zipfile.ZipFile(wheel) as archive:
        found = [name for name in archive.namelist() if name.startswith(wanted)]
        archive.extractall(packages, found)
    wheel.unlink()


# Two need six and do not say so. PyEZ pins ncclient 0.7.0, and nornir_netconf takes none from
# 0.7 on.
PYEZ = Environment("pyez", ("junos-eznc>=2.8.2",))
NAPALM = Environment("napalm", ("napalm>=5.2",))
NORNIR = Environment("nornir", ("nornir>=3.4,<3.5", "nornir-netconf>=1.1,<2"))
ANSIBLE = Environment("ansible", ("ansible-core", "ncclient", "xmltodict"), _netcommon)
CONSOLE = Environment("console", ("netconf-console2>=3.0.1", "six"))
NCDIFF = Environment("ncdiff", ("ncdiff",))

CONNECTOR = Environment("connector", ("yang.connector", "six", "pyats"))

ALL = (PYEZ, NAPALM, NORNIR, ANSIBLE, CONSOLE, NCDIFF, CONNECTOR)
