"""Programs written for ncclient, each as a command, and the server that it is tried at."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import environments
from environments import Environment

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
_SCRIPTS = HERE / "scripts"
_PLAYBOOK = HERE / "playbooks" / "netconf.yml"


@dataclass(frozen=True)
class Place:
    """Where the program is to connect, and as whom."""

    host: str
    port: int
    username: str
    password: str
    key: str = ""

    def told(self) -> str:
        """Return it as the scripts take it."""
        return json.dumps(vars(self))


@dataclass(frozen=True)
class Program:
    """A program, unchanged: `command` makes its command line, of an interpreter and a place."""

    name: str
    environment: Environment
    server: str
    """"junos", "netconf" or "netconfd": see `at_work`."""
    command: Callable[[Path, Place], list[str]]
    variables: Callable[[Path, Place], dict[str, str]] = lambda _python, _place: {}

    def __str__(self) -> str:
        return self.name


def _script(name: str) -> Callable[[Path, Place], list[str]]:
    def command(python: Path, place: Place) -> list[str]:
        return [str(python), str(_SCRIPTS / name), place.told()]

    return command


def _console(python: Path, place: Place) -> list[str]:
    program = str(python.parent / "netconf-console2")
    known = ["--host", place.host, "--port", str(place.port)]
    return [program, *known, "-u", place.username, "-p", place.password, "--get-config"]


def _playbook(python: Path, place: Place) -> list[str]:
    known = {
        "ansible_host": place.host,
        "ansible_port": place.port,
        "ansible_user": place.username,
        "ansible_password": place.password,
        "ansible_connection": "ansible.netcommon.netconf",
        "ansible_network_os": "default",
        "ansible_host_key_checking": False,
        "ansible_python_interpreter": str(python),
    }
    inventory = ["-i", "r1,", "-e", json.dumps(known)]
    return [str(python.parent / "ansible-playbook"), *inventory, str(_PLAYBOOK)]


def _ansible(python: Path, place: Place) -> dict[str, str]:
    # Its connection process lives on for a while, and is found by this folder.
    home = python.parents[1] / "ansible-home" / str(place.port)
    return {
        "ANSIBLE_HOME": str(home),
        "ANSIBLE_PERSISTENT_CONNECT_TIMEOUT": "10",
        "ANSIBLE_HOST_KEY_CHECKING": "False",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PERSISTENT_CONTROL_PATH_DIR": str(home / "pc"),
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
    }


PROGRAMS = (
    Program("PyEZ with a SAX filter", environments.PYEZ, "junos", _script("pyez_sax.py")),
    Program("NAPALM junos", environments.NAPALM, "junos", _script("napalm_calls.py")),
    Program(
        "nornir-netconf, 20 hosts", environments.NORNIR, "netconf", _script("nornir_hosts.py")
    ),
    Program("Ansible netconf", environments.ANSIBLE, "netconf", _playbook, _ansible),
    Program("netconf-console2", environments.CONSOLE, "netconf", _console),
    Program("ncdiff", environments.NCDIFF, "netconfd", _script("ncdiff_models.py")),
    Program("yang.connector", environments.CONNECTOR, "netconf", _script("connector.py")),
)
