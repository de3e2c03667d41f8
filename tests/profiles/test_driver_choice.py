"""Which driver a session has, in what order that is decided, and what is told of it."""

from __future__ import annotations

import logging

import pytest

from ncwire import profiles
from ncwire.driver import Feature
from ncwire.errors import DriverNotFoundError, UnsupportedOption
from ncwire.profiles import DeviceProfile, Requirements
from ncwire.profiles.driver_choice import choose
from ncwire_libssh2 import Libssh2Driver


def profile(text: str) -> DeviceProfile:
    return profiles.parse(text, "lab.toml", "lab")


def chosen(driver=None, text="", needed=None):
    _, choice = choose(driver, profile(text), needed or {})
    return choice.name, choice.by


BOTH = 'driver = ["libssh2", "paramiko"]'


def test_the_argument_then_the_profile_then_the_environment_then_paramiko(monkeypatch):
    monkeypatch.setenv("NCWIRE_DRIVER", "paramiko")
    assert chosen("paramiko", BOTH) == ("paramiko", "the argument")
    assert chosen(None, BOTH) == ("libssh2", "profile 'lab'")
    monkeypatch.setenv("NCWIRE_DRIVER", "libssh2")
    assert chosen(None, 'driver = "paramiko"') == ("paramiko", "profile 'lab'")
    assert chosen() == ("libssh2", "the environment's NCWIRE_DRIVER")
    monkeypatch.delenv("NCWIRE_DRIVER")
    assert chosen() == ("paramiko", "the default")
    assert choose(None, None, {})[1].by == "the default"


def test_the_profile_that_gives_the_driver_is_the_one_that_is_named():
    device = profiles.overlaid(profile(BOTH), {"port": 22}, "ncwire.toml", "device r1")
    assert choose(None, device, {})[1].by == "profile 'lab'"
    device = profiles.overlaid(device, {"driver": "paramiko"}, "ncwire.toml", "device r1")
    assert choose(None, device, {})[1].by == "profile 'device r1'"


def test_the_first_that_can_is_taken_and_the_others_are_told_of(caplog):
    caplog.set_level(logging.DEBUG, "ncwire")
    text = 'driver = ["nonesuch", "libssh2", "paramiko"]\n[requires]\nfeatures = ["%s"]'
    able = Feature.HOST_CERTIFICATE.value  # which libssh2 has not
    _, choice = choose(None, profile(text % able), {})
    assert choice.name == "paramiko"
    passed_over = dict(choice.passed_over)
    assert list(passed_over) == ["nonesuch", "libssh2"]
    assert "no installed package registers it" in passed_over["nonesuch"]
    assert "host-certificate, which profile 'lab' requires" in passed_over["libssh2"]
    assert str(choice) in caplog.text


def test_what_was_asked_of_connect_counts_too():
    needed = {"something": Feature.HOST_CERTIFICATE}
    assert chosen(None, BOTH, needed) == ("paramiko", "profile 'lab'")


def test_one_that_lacks_what_is_required_is_refused_with_those_that_have_it(monkeypatch):
    # Mended, whichever is installed.
    monkeypatch.setattr(Libssh2Driver, "libraries", lambda: ())
    text = '[requires]\nhost_keys = ["ssh-rsa"]'
    with pytest.raises(UnsupportedOption) as caught:
        chosen("paramiko", text)
    assert str(caught.value) == (
        "driver 'paramiko' does not support ssh-rsa, of which profile 'lab' requires one; "
        "these drivers do: libssh2"
    )
    assert chosen("libssh2", text)[0] == "libssh2"
    with pytest.raises(UnsupportedOption, match="'paramiko' does not support ssh-rsa"):
        chosen(None, text)


def test_when_none_can_each_reason_is_told():
    with pytest.raises(UnsupportedOption) as caught:
        chosen(None, 'driver = ["nonesuch", "paramiko"]\n[requires]\nmacs = ["hmac-ripemd160"]')
    assert "driver 'nonesuch': no installed package registers it" in str(caught.value)
    assert "these drivers do: libssh2" in str(caught.value)
    with pytest.raises(DriverNotFoundError):
        chosen(None, 'driver = "nonesuch"')


def test_a_requirement_that_no_driver_has_says_so():
    required = DeviceProfile(
        name="lab", requires=Requirements(algorithms=type(Requirements().algorithms)(kex=("x",)))
    )
    with pytest.raises(UnsupportedOption, match="no installed driver does"):
        choose("paramiko", required, {})


def test_a_session_tells(peer, connect):
    server, _ = peer("default")
    session = connect(server, profile="junos", subsystems=["netconf"])
    assert str(session.driver_choice).startswith("paramiko (the default)")
    assert connect(server).profile is None
