"""What is a command line, and what is not."""

from __future__ import annotations

import pytest

from ncwire._cli.failures import Exit


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["no-such-command"],
        ["hello"],
        ["rpc", "r1"],
        ["rpc", "r1", "file", "--get"],
        ["rpc", "r1", "--get", "--get-config", "running"],
        ["rpc", "r1", "--get-config", "elsewhere"],
        ["rpc", "r1", "--get", "--timeout", "0"],
        ["rpc", "r1", "--get", "--timeout", "nan"],
        ["rpc", "r1", "--get", "--timeout", "soon"],
        ["rpc", "r1", "--get", "-n", "-1"],
        ["hello", "r1", "-p", "0"],
        ["hello", "r1", "-p", "65536"],
        ["hello", "r1", "-p", "netconf"],
        ["hello", "r1", "--password", "secret"],
        ["hello", "r1", "--password-env", "A", "--password-fd", "3"],
        ["hello", "r1", "--passphrase-env", "A", "--passphrase-fd", "3"],
        ["hello", "r1", "--accept-host-key", "4b:69:6c"],
    ],
    ids=" ".join,
)
def test_what_is_no_command_line_is_refused(run, arguments):
    code, out, err = run(*arguments)

    assert code == Exit.USAGE
    assert out == ""
    assert "error:" in err or err.startswith("ncwire: ")


@pytest.mark.parametrize("arguments", [["--help"], ["rpc", "--help"]], ids=" ".join)
def test_help_documents_the_exit_codes(run, arguments):
    code, out, _ = run(*arguments)

    assert code == 0
    for exit_ in Exit:
        assert f"{exit_:>5d}  {exit_.meaning}" in out


COMMANDS = (
    *("drivers", "profiles", "devices", "check", "probe", "hello", "rpc", "listen", "demo"),
    *("conform", "new-driver", "bench"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_terminal_of_80_columns(run, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = run(command, "--help")

    assert code == 0
    assert [line for line in out.splitlines() if len(line) > 80] == []
    assert "\n\nexit codes:\n" in out


def test_version(run):
    code, out, _ = run("--version")

    assert code == 0
    assert out.startswith("ncwire ")
