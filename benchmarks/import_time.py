"""Shows what starting takes: `import ncwire`, a first connect, and commands without a device.

Usage: python benchmarks/import_time.py [--rounds N]

The CPU time of a child process, from its start to its end, and how much that is more than an
empty interpreter's. Each round runs every child once; the medians are given. The bytecode is
compiled beforehand, into a folder of its own. Run it where ncwire was installed by
`pip install .`: an editable installation's hooks import modules into the empty interpreter too,
so what ncwire takes looks smaller than it is. The last line tells how many.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

EMPTY = "python -c pass"
REFUSED = """
import socket, ncwire
with socket.socket() as closed:
    closed.bind(("127.0.0.1", 0))
    try:
        ncwire.connect("127.0.0.1", port=closed.getsockname()[1])
    except ncwire.TransportError:
        pass
"""
CHILDREN = {
    EMPTY: ["-c", "pass"],
    "import ncwire": ["-c", "import ncwire"],
    "import ncwire.callhome": ["-c", "import ncwire.callhome"],
    "a refused connect": ["-c", REFUSED],
    "ncwire --help": ["-m", "ncwire", "--help"],
    "ncwire drivers": ["-m", "ncwire", "drivers"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for child in CHILDREN.values():
            cpu_seconds(child, environment)
        rounds = [
            {name: cpu_seconds(child, environment) for name, child in CHILDREN.items()}
            for _ in range(arguments.rounds)
        ]
    print(f"CPU time in milliseconds, median of {arguments.rounds}")
    print(f"{'':24}{'in all':>10}{'beyond empty':>14}")
    for name in CHILDREN:
        total = 1000 * statistics.median(each[name] for each in rounds)
        beyond = 1000 * statistics.median(each[name] - each[EMPTY] for each in rounds)
        print(f"{name:24}{total:10.1f}" + (f"{beyond:14.1f}" if name != EMPTY else ""))
    hooks = modules() - modules("-S")
    print(f"not counted: modules that this environment's .pth files import anyway: {len(hooks)}")


def modules(*flags: str) -> set[str]:
    """Return what an interpreter that does nothing has imported, `site` among it in any case."""
    child = [sys.executable, *flags, "-c", "import site, sys; print(*sys.modules)"]
    return set(subprocess.check_output(child, text=True).split())


def cpu_seconds(child: list[str], environment: dict[str, str]) -> float:
    """Return the CPU time of an interpreter with these arguments; what it prints is dropped."""
    nothing = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
    pid = os.posix_spawn(
        sys.executable, [sys.executable, *child], environment, file_actions=[nothing]
    )
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{' '.join(child)}: exit code {os.waitstatus_to_exitcode(status)}")
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
