"""A virtual environment for each peer, made from PyPI with the versions of pins.toml."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import tomllib
import venv
from pathlib import Path
from typing import TYPE_CHECKING

from ncwire.bench.contest import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FOLDER = Path(__file__).with_name(".environments")
LAUNCH = Path(__file__).with_name("launch.py")
PINS = Path(__file__).with_name("pins.toml")
# What takes more than linear time is asked for no more: a few seconds here, minutes beyond.
SUPERLINEAR = 20_000_000

PEERS: dict[str, list[Entry]] = {
    "ncclient": [
        Entry("ncclient", "peers.ncclient_peer:Ncclient", largest=SUPERLINEAR),
    ],
    "netconf-client": [
        Entry("netconf-client", "peers.netconf_client_peer:NetconfClient"),
        Entry("lxml, parsing alone", "peers.lxml_alone:LxmlAlone"),
    ],
    "scrapli-netconf": [
        Entry(
            "scrapli-netconf, ssh2",
            "peers.scrapli_netconf_peer:ScrapliNetconf",
            {"transport": "ssh2"},
        ),
    ],
    "scrapli": [
        Entry(f"scrapli, {transport}", "peers.scrapli_peer:Scrapli", {"transport": transport})
        for transport in ("ssh2", "bin")
    ],
}


def made(folder: Path, names: Sequence[str], tell: Callable[[str], None]) -> list[Entry]:
    """Return the contestants of these peers, after making the environments that are missing.

    One is missing too when it was made with other versions. Raises SystemExit for an unknown
    name, and when a package cannot be installed.
    """
    entries = []
    for name in names:
        if name not in PEERS:
            raise SystemExit(f"no peer is called {name}; there are {', '.join(PEERS)}")
        python = _python(folder / name, name, tell)
        entries += [
            dataclasses.replace(e, command=(str(python), str(LAUNCH)), path="")
            for e in PEERS[name]
        ]
    return entries


def _python(folder: Path, name: str, tell: Callable[[str], None]) -> Path:
    requirements = tomllib.loads(PINS.read_text(encoding="utf-8"))[name]["requirements"]
    python = folder / "bin" / "python"
    wanted = json.dumps([sys.version, *requirements])
    stamp = folder / "made-with.json"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    tell(f"{name}: making {folder}")
    venv.create(folder, clear=True, with_pip=True)
    folder.with_name(".gitignore").write_text("*\n", encoding="utf-8")
    command = [python, "-m", "pip", "install", "--quiet", "--no-input", *requirements]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{name}: pip could not install it\n{done.stderr}")
    stamp.write_text(wanted, encoding="utf-8")
    return python
