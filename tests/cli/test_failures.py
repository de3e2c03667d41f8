"""Every failure is one sentence, with what to do about it, and has its documented exit code."""

from __future__ import annotations

import logging
import re

import pytest

from ncwire import errors
from ncwire._cli import failures
from ncwire._cli.failures import Exit

FINGERPRINT = "4b:69:6c:72:6f:79:20:77:61:73:20:68:65:72:65:21"
CASES = [
    (errors.NcwireError("odd"), 3, "odd"),
    (errors.OptionError("port", "0 is not between 1 and 65535"), 2, "port: 0 is not"),
    (errors.TransportError("gone"), 3, "transport: gone"),
    (errors.SessionCloseError(b"<half"), 3, "session closed by the peer; 5 bytes"),
    (errors.StepTimeoutError("SSH handshake", 15), 8, "SSH handshake: not done within 15 s"),
    (errors.AuthenticationError("no", ["password: denied"]), 4, "authentication: no (password"),
    (errors.NetconfFramingError("chunk"), 6, "framing: chunk"),
    (errors.MessageSizeError("a message", 9), 6, "framing: a message is longer"),
    (errors.UnsendableMessageError("]]>]]>"), 6, "send: ]]>]]>"),
    (errors.SSHError("lost"), 3, "SSH: lost"),
    (errors.ConnectError("refused"), 3, "connect: refused"),
    (errors.ConnectError("connect to /run/x: refused"), 3, "connect to /run/x: refused"),
    (errors.CertificateError("expired"), 5, "TLS handshake: the server's certificate is not"),
    (errors.PeerUserError("0 (root)", "7 (x)"), 5, "Unix socket: the server's end is owned by"),
    (errors.ClientCertificateError("TLS: refused"), 4, "TLS: refused"),
    (errors.HandshakeError("no kex"), 3, "SSH handshake: no kex"),
    (errors.ChannelError("refused"), 3, "NETCONF subsystem: refused"),
    (errors.KeyFileError("k", "no such file"), 4, "private key k: no such file"),
    (errors.SSHUnknownHostError("r1", FINGERPRINT), 5, "host key of r1 is not known"),
    (errors.SSHHostKeyChangedError("r1", FINGERPRINT), 5, "host key of r1 has changed"),
    (errors.SSHHostKeyRevokedError("r1", FINGERPRINT), 5, "host key of r1 is revoked"),
    (errors.SSHHostKeyMismatchError("r1", FINGERPRINT), 5, "is not the one required"),
    (errors.UnknownDeviceError("192.0.2.1", FINGERPRINT), 5, "no device has the host key MD5:"),
    (errors.CertificateError("it has expired"), 5, "is not accepted: it has expired"),
    (errors.ListenError("listening on ::1"), 3, "listening on ::1"),
    (errors.SessionError("odd"), 6, "session: odd"),
    (errors.HelloMissingError("hello: the server closed"), 6, "hello: the server closed"),
    (errors.HelloTimeoutError(30), 8, "hello: the server sent none within 30 s"),
    (errors.MessageError("no root"), 6, "session: no root"),
    (errors.RPCTimeoutError("7", 30), 8, "rpc 7: no reply within 30 s"),
    (errors.DriverNotFoundError("x", "unknown", "try y"), 7, "driver 'x': unknown; try y"),
    (errors.UnsupportedOption("x", "keepalive"), 7, "driver 'x' does not support keepalive"),
    (ZeroDivisionError("division by zero"), 70, "bug in ncwire: ZeroDivisionError: division"),
]


@pytest.mark.parametrize(("error", "code", "sentence"), CASES, ids=lambda case: str(case)[:40])
def test_a_failure_is_told_in_a_sentence_with_its_code(capsys, error, code, sentence):
    assert failures.tell(error) == code

    said = capsys.readouterr().err
    assert said.startswith(f"ncwire: {sentence}") or sentence in said.splitlines()[0]
    assert "Traceback" not in said


def test_a_step_is_named_once(capsys):
    failures.tell(errors.HandshakeError("SSH handshake: lost"))
    assert capsys.readouterr().err.startswith("ncwire: SSH handshake: lost")


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (errors.AuthenticationError("no"), "-l, -i"),
        (errors.ConnectError("refused"), "-p"),
        (errors.ConnectError("TCP connect to r1: refused"), "over TLS 6513"),
        (errors.ClientCertificateError("refused"), "-O certfile"),
        (errors.OptionError("driver_options.passphrase", "needed"), "--passphrase-env"),
        (errors.ChannelError("refused"), "NETCONF may be off"),
        (errors.RPCTimeoutError("7", 30), "--timeout"),
        (errors.KeyFileError("k", "the passphrase does not decrypt it"), "--passphrase-env"),
        (errors.DriverNotFoundError("x", "y", "z"), "ncwire drivers"),
        (errors.SSHHostKeyRevokedError("r1", FINGERPRINT), "do not trust"),
    ],
)
def test_what_can_be_done_is_said(capsys, error, remedy):
    failures.tell(error)

    assert remedy in capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [
        errors.ConnectError("connect to /run/netconf.sock: No such file or directory"),
        errors.PeerUserError("0 (root)", "7 (x)"),
        errors.OptionError("driver_options.path", "needed"),
    ],
)
def test_nothing_is_said_of_what_a_unix_socket_has_not(capsys, error):
    failures.tell(error)

    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_key_file_that_is_missing_needs_no_passphrase(capsys):
    failures.tell(errors.KeyFileError("k", "no such file"))

    assert "--passphrase-env" not in capsys.readouterr().err


def test_a_changed_key_tells_how_to_forget_the_old_one(capsys):
    failures.tell(
        errors.SSHHostKeyChangedError(
            "[r1]:830", FINGERPRINT, key_type="ssh-rsa", sha256="SHA256:x", filename="kh", line=3
        )
    )

    assert "ssh-keygen -R '[r1]:830' -f 'kh'" in capsys.readouterr().err


def test_a_peers_words_do_not_drive_the_terminal(capsys):
    failures.tell(errors.SSHError("\x1b]0;owned\x07\x9b31m\r"))

    said = capsys.readouterr().err
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", said)
    assert "\\x1b]0;owned\\x07" in said


def test_a_peers_words_do_not_turn_the_text_nor_begin_a_line_of_ours(capsys):
    failures.tell(errors.SSHError("\u202egnirts\u2066\u2028x\nncwire: done"))

    said = capsys.readouterr().err
    assert said == ("ncwire: SSH: \\u202egnirts\\u2066\\u2028x\n  ncwire: done\n")


def test_nor_does_what_is_logged(capsys):
    def work() -> int:
        logging.getLogger("ncwire.ssh.auth").warning("it says %s", "\u202ea\nncwire: done")
        return 0

    failures.presented(work, debug=False)
    said = capsys.readouterr().err
    assert said == "ncwire: WARNING: ncwire.ssh.auth: it says \\u202ea\\x0ancwire: done\n"


@pytest.mark.parametrize("debug", [False, True])
def test_only_debug_shows_a_traceback(capsys, debug):
    def fail() -> int:
        raise errors.ConnectError("refused")

    assert failures.presented(fail, debug=debug) == Exit.CONNECTION

    said = capsys.readouterr().err
    assert ("Traceback" in said) is debug
    assert "ncwire: connect: refused" in said


def test_ctrl_c_is_130(capsys):
    def interrupted() -> int:
        raise KeyboardInterrupt

    assert failures.presented(interrupted, debug=False) == 130
    assert capsys.readouterr().err == "ncwire: interrupted\n"
