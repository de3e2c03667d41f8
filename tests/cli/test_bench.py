"""`ncwire bench`: drivers compared, with a server of its own."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import re

import pytest
from benching import ONE, TINY, document
from rich.console import Console

from ncwire._cli.bench import tables
from ncwire._cli.failures import Exit
from ncwire.bench import record
from servers import requirement

MEASURES = {"connect", "latency", "pipelined", "throughput", "memory"}


@pytest.mark.exhaustive
@pytest.mark.parametrize("server", [pytest.param("sshd", marks=pytest.mark.sshd), "embedded"])
def test_every_driver_is_measured_at_everything(run, server, left_behind):
    if server == "sshd":
        requirement.program("sshd", "openssh-server")

    code, out, err = run(
        "bench", *TINY, "--rounds", "1", "--server", server, "--sizes", "0", "1M", "--json", "-"
    )

    result = document(out)
    assert (code, err) == (0, "")
    assert result["schema"] == record.SCHEMA
    assert result["server"]["kind"] == server
    assert result["complete"]
    assert {each["name"] for each in result["contestants"]} >= {"paramiko", "tls", "unix"}
    assert {each["measure"] for each in result["measured"]} == MEASURES
    for event in result["measured"]:
        assert event["batches"].keys() == {each["name"] for each in result["contestants"]}
        assert event["ratios"][event["fastest"]]["median"] == 1
        for transport in ("ssh", "tls", "unix"):
            over = [
                each["name"] for each in result["contestants"] if each["transport"] == transport
            ]
            # Each is measured by the best over its own transport.
            assert min(event["ratios"][name]["median"] for name in over) == 1
        for batches in event["batches"].values():
            assert len(batches) == 1
            assert all(batch[event["leading"]] != 0 for batch in batches)
    assert {"python", "kernel", "cores", "openssh", "libraries"} <= result["machine"].keys()
    assert left_behind() == []


@pytest.mark.sshd
def test_without_a_server_named_it_is_sshd_where_there_is_one(run):
    requirement.program("sshd", "openssh-server")
    code, out, _ = run("bench", *ONE, "--only", "latency", "--sizes", "0")
    assert code == 0
    assert out.startswith("Server: sshd (OpenSSH")


@pytest.mark.exhaustive
def test_without_sshd_it_is_the_embedded_server_which_says_so(run, monkeypatch, tmp_path):
    # It looks beside PATH, too, so it would find one here: one that cannot start counts as none.
    sshd = tmp_path / "sshd"
    sshd.write_text("#!/bin/sh\necho no privilege >&2\nexit 1\n")
    sshd.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    code, out, _ = run("bench", *ONE, "--only", "latency", "--sizes", "0")

    assert code == 0
    assert out.startswith("Server: ncwire's embedded server")
    assert "did not start: no privilege" in " ".join(out.split())

    code, _, err = run("bench", *TINY, "--server", "sshd")
    assert code == Exit.CONNECTION
    assert "no privilege" in err


@pytest.mark.sshd
@pytest.mark.exhaustive
def test_where_sshd_runs_but_lets_no_user_in_it_is_the_embedded_server(run, monkeypatch, tmp_path):
    real = requirement.program("sshd", "openssh-server")
    sshd = tmp_path / "sshd"
    sshd.write_text(f'#!/bin/sh\nexec {real} "$@" -o "DenyUsers *"\n')
    sshd.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    code, out, _ = run("bench", *ONE, "--only", "latency", "--sizes", "0")

    assert code == 0
    assert out.startswith("Server: ncwire's embedded server")
    assert "does not let this user in" in " ".join(out.split())


def test_the_table_has_the_figures_and_what_they_were_measured_on(run):
    code, out, err = run(
        "bench", *ONE, "--rounds", "1", "--server", "embedded", "--sizes", "0", "10k", "1M"
    )

    assert (code, err) == (0, "")
    for title in MEASURES:
        assert re.search(rf"^{title}: ", out, re.MULTILINE)
    assert re.search(r"empty reply +\w+ +[\d ]+", out)
    assert "10 kB" in out
    assert "1 MB" in out
    assert re.search(r"paramiko: ncwire \S+, paramiko \d", out)
    assert "\x1b" not in out


def test_a_narrow_terminal_has_fewer_columns_and_whole_figures():
    rounds = [dict.fromkeys(("p50", "p95", "p99", "wall", "cpu"), 0.0123456)] * 3
    names = ("floor/libssh2", "floor/paramiko")
    made = record.Record(
        made="now",
        server={"kind": "sshd", "about": "sshd"},
        settings={"rounds": 3.0, "seconds": 1.0},
        machine={"libraries": {}, "python": "", "openssh": "", "kernel": "", "cores": 2},
        contestants=[record.Contestant(name, record.DRIVER) for name in names],
        measured=[record.Measured("latency", 10_000, dict.fromkeys(names, rounds))],
    )
    shown = {}
    for width in (120, 100, 80):
        out = io.StringIO()
        tables.show(made, made, Console(file=out, width=width))
        shown[width] = out.getvalue()
        assert max(map(len, shown[width].splitlines())) <= width
        assert "…" not in shown[width]
        assert len(re.findall(r"\b12346\b", shown[width])) >= 4
        assert shown[width].count("+0 %") == 2
    assert "rpc/s" in shown[120]
    assert "rpc/s" not in shown[80]


@pytest.mark.sshd
@pytest.mark.exhaustive
def test_the_floor_has_the_bare_libraries_and_ssh(run):
    requirement.program("sshd", "openssh-server")
    requirement.program("ssh", "openssh-client")
    code, out, _ = run(
        "bench", *TINY, "--floor", "--drivers", "paramiko", "--only", "latency,pipelined",
        "--sizes", "0", "--json", "-",
    )  # fmt: skip

    result = document(out)
    assert code == 0
    kinds = {each["name"]: each["kind"] for each in result["contestants"]}
    assert kinds == {"paramiko": "driver", "floor/paramiko": "floor", "ssh -s": "program"}
    assert {"name": "floor/libssh2", "reason": "the driver libssh2 takes no part"} in (
        result["absent"]
    )
    by_measure = {each["measure"]: each for each in result["measured"]}
    assert by_measure["latency"]["batches"].keys() == kinds.keys()
    assert by_measure["pipelined"]["batches"].keys() == {"paramiko"}


@pytest.mark.exhaustive
def test_other_transports_have_servers_and_floors_of_their_own(run):
    code, out, _ = run(
        "bench", *TINY, "--floor", "--drivers", "tls", "unix", "--only", "connect,latency",
        "--sizes", "0", "10k", "--json", "-",
    )  # fmt: skip

    result = document(out)
    assert code == 0
    assert "sshd" not in result["server"]["about"]
    who = {each["name"]: (each["kind"], each["transport"]) for each in result["contestants"]}
    assert who == {
        "tls": ("driver", "tls"),
        "unix": ("driver", "unix"),
        "floor/tls": ("floor", "tls"),
        "floor/unix": ("floor", "unix"),
    }
    assert {"name": "ssh -s", "reason": "no driver over SSH takes part"} in result["absent"]
    for event in result["measured"]:
        assert event["batches"].keys() == who.keys()


@pytest.mark.exhaustive
def test_a_run_is_kept_and_compared(run, tmp_path):
    kept = tmp_path / "before.json"
    arguments = [*ONE, "--only", "latency", "--sizes", "0"]
    code, out, _ = run("bench", *arguments, "--server", "embedded", "--save", str(kept))
    assert code == 0
    assert "change" not in out
    assert record.load(kept).complete

    # Ten times as long then as it can be now.
    before = json.loads(kept.read_text())
    for batches in before["measured"][0]["batches"].values():
        for batch in batches:
            batch["p50"] = 1000.0
    before["machine"]["libraries"]["paramiko"] = "0.1"
    kept.write_text(json.dumps(before))
    # The server is the one of the run that it is compared with.
    code, out, _ = run("bench", *arguments, "--compare", str(kept))
    assert code == 0
    assert "ncwire's embedded server" in out
    assert re.search(r"paramiko .* -100 % \*$", out, re.MULTILINE)
    assert "not the same: paramiko: 0.1 then" in out

    before["server"]["kind"] = "sshd"
    kept.write_text(json.dumps(before))
    code, out, err = run("bench", *TINY, "--compare", str(kept), "--server", "embedded")
    assert (code, out) == (Exit.USAGE, "")
    assert err.startswith("ncwire: --compare: that run was against another server")


@pytest.mark.parametrize("name", ["bench.svg", "bench.png"])
@pytest.mark.exhaustive
def test_a_plot_is_drawn(run, tmp_path, name):
    if importlib.util.find_spec("matplotlib") is None:
        requirement.missing("matplotlib is not installed: pip install 'ncwire[plot]'")
    code, _, err = run(
        "bench", *ONE, "--server", "embedded", "--only", "latency", "--plot", str(tmp_path / name)
    )
    assert (code, err) == (0, "")
    assert (tmp_path / name).stat().st_size > 1000


def test_what_lies_in_the_working_folder_is_not_imported(run, monkeypatch, tmp_path):
    (tmp_path / "json.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    code, _, err = run("bench", *ONE, "--server", "embedded", "--only", "connect")
    assert (code, err) == (0, "")
