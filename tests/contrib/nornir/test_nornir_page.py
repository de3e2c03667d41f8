"""The program of the page runs, as it stands there."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

from ncwire.testing import EmbeddedServer

PAGE = (Path(__file__).parents[3] / "docs" / "nornir.rst").read_text(encoding="utf-8")


def block(caption: str) -> str:
    _, found, rest = PAGE.partition(f"   :caption: {caption}\n\n")
    assert found
    lines = []
    for line in rest.splitlines():
        if line and not line.startswith("    "):
            break
        lines.append(line)
    return textwrap.dedent("\n".join(lines)).strip() + "\n"


def test_its_program_runs_with_its_hosts(tmp_path):
    with EmbeddedServer() as first, EmbeddedServer() as second:
        hosts, known = "", ""
        for name, server in {"r1": first, "r2": second}.items():
            described = block("hosts.yaml").replace("r1:\n", f"{name}:\n")
            described = described.replace("r1.example.net", server.host)
            hosts += described.replace("port: 830", f"port: {server.port}")
            key = f"{server.host_key.type} {server.host_key.base64}"
            known += f"[{server.host}]:{server.port} {key}\n"
        (tmp_path / "hosts.yaml").write_text(hosts, encoding="utf-8")
        (tmp_path / "known_hosts").write_text(known, encoding="utf-8")
        (tmp_path / "hostnames.py").write_text(block("hostnames.py"), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-W", "error::ResourceWarning", "hostnames.py"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "r1 is r1\nr2 is r2\n"
