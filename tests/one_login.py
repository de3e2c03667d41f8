"""Print how many logins many sessions take that share a connection: `python tests/one_login.py`.

They are of the driver openssh, with the option control_path, to an sshd of its own.
"""

# ruff: noqa: T201 - it prints

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import ncwire
from servers.keyring import KeyRing
from servers.sshd import Sshd, SshdSettings

SESSIONS = 20


def main() -> int:
    """Return 0 if there was one login."""
    with tempfile.TemporaryDirectory(prefix="ncwire-") as folder, ExitStack() as stack:
        server = Sshd(SshdSettings(config=f"MaxSessions {SESSIONS}"), KeyRing(Path(folder)))
        stack.callback(server.end)
        control = Path(folder, "control")
        stack.callback(_end, control)
        sessions = [
            stack.enter_context(
                ncwire.connect(
                    server.host,
                    port=server.port,
                    username=server.user,
                    key_filename=str(server.client_key),
                    known_hosts=str(server.known_hosts),
                    driver="openssh",
                    driver_options={"control_path": f"{control}-%h-%p-%r"},
                    allow_agent=False,
                    look_for_keys=False,
                )
            )
            for _ in range(SESSIONS)
        ]
        answers = sum("<a/>" in each.rpc("<echo><a/></echo>").raw for each in sessions)
        accepted = [line for line in server.log().splitlines() if line.startswith("Accepted pub")]
    print(*accepted, sep="\n")
    print(f"{SESSIONS} sessions, {answers} answers, {len(accepted)} accepted by the server")
    return 0 if (answers, len(accepted)) == (SESSIONS, 1) else 1


def _end(control: Path) -> None:
    for path in control.parent.glob(f"{control.name}-*"):
        if path.is_socket():
            subprocess.run(
                ["ssh", "-S", path, "-O", "exit", "-"], check=False, capture_output=True
            )


if __name__ == "__main__":
    sys.exit(main())
