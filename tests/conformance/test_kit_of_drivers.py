"""The kit's results for the drivers that are to keep every rule."""

from __future__ import annotations

import importlib.util

import pytest
from kit import run_kit

from ncwire.driver import Feature
from ncwire.driver.rules import RULES, Layer
from ncwire.testing.memory import MemoryDriver
from servers import requirement

NOT_SSH = {Layer.OPTIONS, Layer.TLS, Layer.UNIX}


def failures(result):
    return {rule: v["reason"] for rule, v in result.rules.items() if v["outcome"] == "failed"}


@pytest.mark.exhaustive
def test_memory_keeps_every_rule_that_binds_it(tmp_path):
    result = run_kit(
        "ncwire.testing.memory:MemoryDriver", tmp_path / "report", target="plain", patience=5
    )

    assert failures(result) == {}
    assert result.of("skipped") == {
        rule.id
        for rule in RULES.values()
        if not rule.layer.exempts("plain")
        and rule.layer is not Layer.OPTIONS
        and {Feature.KEEPALIVE, Feature.ADDRESS_FAMILY} & (rule.features - MemoryDriver.features)
    }
    assert set(result.rules) == set(RULES)


@pytest.mark.exhaustive
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("driver", "library"),
    [("ncwire_paramiko:ParamikoDriver", "paramiko"), ("ncwire_libssh2:Libssh2Driver", "ssh2")],
)
def test_ssh_drivers_keep_every_rule(tmp_path, driver, library):
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    result = run_kit(driver, tmp_path / "report", patience=8)

    assert failures(result) == {}
    assert result.of("exempt") == {rule.id for rule in RULES.values() if rule.layer in NOT_SSH}
    assert all(
        verdict["reason"].startswith("undeclared feature")
        for verdict in result.rules.values()
        if verdict["outcome"] == "skipped"
    )


OTHERS = {
    "tls": {Layer.SSH, Layer.STEPS, Layer.UNIX},
    "unix": {Layer.SSH, Layer.STEPS, Layer.TLS, Layer.HANDSHAKE, Layer.NETWORK},
}


@pytest.mark.parametrize(
    ("driver", "transport"),
    [
        pytest.param("ncwire_tls:TLSDriver", "tls", marks=pytest.mark.exhaustive),
        pytest.param("ncwire_unix:UnixSocketDriver", "unix", marks=pytest.mark.exhaustive),
        pytest.param("simple_tls:SimpleTLS", "tls", marks=pytest.mark.cross),
        pytest.param("simple_unix:SimpleUnix", "unix", marks=pytest.mark.cross),
    ],
)
def test_drivers_of_other_transports_keep_every_rule_that_binds_them(tmp_path, driver, transport):
    result = run_kit(driver, tmp_path / "report", patience=5)

    assert failures(result) == {}
    assert result.of("exempt") == {
        rule.id for rule in RULES.values() if rule.layer in OTHERS[transport]
    }


@pytest.mark.exhaustive
@pytest.mark.timeout(600)
def test_openssh_keeps_every_rule_that_binds_it(tmp_path):
    requirement.program("ssh", "openssh-client")
    result = run_kit("ncwire_openssh:OpenSSHDriver", tmp_path / "report", patience=8)

    assert failures(result) == {}
    assert result.of("exempt") == {
        rule.id for rule in RULES.values() if rule.layer in {Layer.STEPS, Layer.TLS, Layer.UNIX}
    }
    # ssh does not tell whether an answer may be shown.
    assert result.of("skipped") == {"auth.interactive-echo"}
