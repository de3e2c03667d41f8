"""The command that runs the matrix, and that it finds what a driver does wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from metadata import write_metadata
from ncwire.testing.faults import Cell, Crew, Fault, Phase, Result
from ncwire.testing.faults.__main__ import main
from ncwire.testing.faults.cell import NOT_APPLICABLE, RIGHT, WRONG
from ncwire.testing.faults.report import report

BROKEN = """
import socket
from ncwire.errors import ChannelError, HandshakeError
from ncwire_paramiko import ParamikoDriver


class Mistaken(ParamikoDriver):
    name = "mistaken"
    contract = (1, 0)

    def handshake(self, sock, algorithms, deadline):
        try:
            return super().handshake(sock, algorithms, deadline)
        except HandshakeError as error:
            raise ChannelError(str(error)) from error


class Leaking(ParamikoDriver):
    name = "leaking"
    contract = (1, 0)
    kept = []

    def handshake(self, sock, algorithms, deadline):
        self.kept.append(sock.dup())
        return super().handshake(sock, algorithms, deadline)


class Deadly(ParamikoDriver):
    name = "deadly"
    contract = (1, 0)

    def handshake(self, sock, algorithms, deadline):
        import os
        os._exit(7)
"""
NAMES = {"mistaken": "Mistaken", "leaking": "Leaking", "deadly": "Deadly"}


@pytest.fixture
def broken_drivers(tmp_path):
    """An environment for processes that find three more drivers."""
    (tmp_path / "broken_drivers.py").write_text(BROKEN)
    points = {name: f"broken_drivers:{kind}" for name, kind in NAMES.items()}
    points["absent"] = "no_such_module:Absent"
    write_metadata(tmp_path, "broken-drivers", "1.0", "ncwire.drivers", **points)
    return os.environ | {"PYTHONPATH": str(tmp_path)}


def run(environment, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "ncwire.testing.faults", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env=environment,
    )


def test_right_cells_end_with_status_0_and_a_table(capsys, tmp_path):
    file = tmp_path / "results.json"
    chosen = ["--driver", "paramiko", "--phase", "tcp", "--fault", "reset", "--fault", "cut"]
    assert main([*chosen, "--json", str(file)]) == 0

    shown = capsys.readouterr().out
    assert "paramiko" in shown
    assert "2 cells: 1 right, 0 wrong, 1 not applicable" in shown
    results = [Result.from_json(each) for each in json.loads(file.read_text())]
    assert [(each.cell.fault, each.verdict) for each in results] == [
        (Fault.RESET, RIGHT),
        (Fault.CUT, NOT_APPLICABLE),
    ]


@pytest.mark.parametrize(
    ("driver", "problem"),
    [
        ("mistaken", "seen: ChannelError"),
        pytest.param("leaking", "left behind: fd", marks=pytest.mark.exhaustive),
        ("deadly", "its process ended: status 7"),
    ],
)
def test_what_a_driver_does_wrong_is_found_and_can_be_repeated(broken_drivers, driver, problem):
    chosen = ["--driver", driver, "--phase", "key-exchange", "--fault", "dropped-byte"]
    if driver == "mistaken":
        chosen[-1] = "flipped-bit"
    done = run(broken_drivers, *chosen)

    assert done.returncode == 1, done.stderr
    assert problem in done.stdout
    assert f"  python -m ncwire.testing.faults {' '.join(chosen)}\n" in done.stdout
    assert "1 cells: 0 right, 1 wrong" in done.stdout


def test_an_option_that_is_none_ends_with_status_2(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--phase", "none-such"])
    assert ended.value.code == 2
    assert "none-such" in capsys.readouterr().err


def test_a_driver_that_cannot_be_used_ends_with_status_2(broken_drivers):
    done = run(broken_drivers, "--driver", "absent", "--phase", "tcp")
    assert done.returncode == 2
    assert "driver 'absent'" in done.stderr


def test_a_process_that_dies_is_replaced(tmp_path):
    with Crew(1) as crew:
        lost = crew.submit(Cell("none-such", Phase.TCP, Fault.RESET)).result()
        fine = crew.submit(Cell("paramiko", Phase.TCP, Fault.RESET)).result()
    assert lost.verdict == WRONG
    assert "DriverNotFoundError" in lost.seen
    assert fine.verdict == RIGHT


def test_the_report_fits_80_columns():
    text = "a long text of an error, " * 10
    results = [
        Result(Cell("libssh2", phase, fault), WRONG, text, problems=(text,))
        for phase in Phase
        for fault in Fault
    ]
    for line in report(results).splitlines():
        assert len(line) <= 80 or line.startswith("  python -m")
