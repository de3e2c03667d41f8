"""The core's judgement of host keys, as a plain driver gets it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from ncwire._ssh.connecting import connecting
from ncwire.driver import ConnectOptions, Deadline, Driver, Feature, HostKey
from ncwire.errors import ConnectError, OptionError, SSHHostKeyMismatchError, SSHUnknownHostError
from ncwire.testing.conformance.keys import KeyPair


class Judging(Driver):
    """Has the key in hand, does with the options what a test wants, and connects to nothing."""

    name = "judging"
    contract = (1, 0)
    features = frozenset({Feature.HOST_KEY, Feature.PROXY_JUMP})
    judge = staticmethod(lambda options: None)

    @classmethod
    def library(cls) -> str:
        return "none 1.0"

    def connect(self, options, deadline):
        self.judge(options)
        raise ConnectError("there is nothing to connect to")

    def abort(self) -> None:
        pass


@pytest.fixture
def key() -> HostKey:
    pair = KeyPair.generate()
    return HostKey(pair.type, pair.blob)


@pytest.fixture
def run(monkeypatch):
    """Connect with a driver that does this with its options."""

    def run(judge, options, driver: type[Driver] = Judging):
        monkeypatch.setattr(Judging, "judge", staticmethod(judge))
        with suppress(ConnectError):
            connecting(driver(), options, Deadline.after(10, "connect")).run()

    return run


def options_for(**changes) -> ConnectOptions:
    return replace(ConnectOptions(host="r1", username="admin"), **changes)


def test_it_is_the_whole_policy(run, key, tmp_path):
    with pytest.raises(SSHUnknownHostError):
        run(lambda options: options.host_key_check.verify(key), options_for())
    known = tmp_path / "known_hosts"
    known.write_text(f"[r1]:830 {key.type} {key.base64}\n")
    seen = []

    def judge(options):
        seen.extend(options.host_key_check.key_types())
        options.host_key_check.verify(key)

    run(judge, options_for(known_hosts=(str(known),)))
    assert seen == [key.type]
    other = KeyPair.generate()
    pinned = HostKey(other.type, other.blob).base64
    with pytest.raises(SSHHostKeyMismatchError):
        run(judge, options_for(known_hosts=(str(known),), hostkey_b64=pinned))


def test_each_jump_host_has_its_own(run, key):
    asked = []
    hop = options_for(
        host="bastion", port=22, unknown_host_cb=lambda *told: asked.append(told) or True
    )
    run(lambda options: options.jumps[0].host_key_check.verify(key), options_for(jumps=(hop,)))
    assert asked == [("bastion", key.md5)]


def test_what_the_callback_raises_comes_out_for_a_jump_host_too(run, key):
    class OwnError(Exception):
        pass

    def ask(*_):
        raise OwnError

    hop = options_for(host="bastion", unknown_host_cb=ask)
    with pytest.raises(OwnError):
        run(lambda options: options.jumps[0].host_key_check.verify(key), options_for(jumps=(hop,)))


def test_a_file_that_cannot_be_read_is_told_before_the_driver_begins(run, tmp_path):
    begun = []
    missing = options_for(known_hosts=(str(tmp_path / "none"),))
    with pytest.raises(OptionError, match="known_hosts"):
        run(begun.append, missing)
    assert not begun


def test_a_driver_that_does_not_declare_it_gets_none(run):
    class Other(Judging):
        name = "other"
        contract = (1, 0)
        features = frozenset()

    seen = []
    run(lambda options: seen.append(options.host_key_check), options_for(), Other)
    assert seen == [None]
