"""What usually breaks each rule, for an author whose driver does: `ncwire conform --explain`.

Gathered from the broken drivers of ncwire's own tests and from what the libraries do.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from ncwire.testing.conformance.transport_causes import TRANSPORT_CAUSES

if TYPE_CHECKING:
    from collections.abc import Mapping

CAUSES: Mapping[str, str] = MappingProxyType(
    {
        "open.class": (
            "A class that inherits contract instead of stating it; features as a set or a "
            "list; an SSHDriver or SocketDriver that leaves out CORE_FEATURES; library() without "
            "its library's name."
        ),
        "open.connects": (
            "Bytes that are lost or doubled between connecting and the channel's first use, "
            "as what a library has read ahead."
        ),
        "open.info": "info is None or of another class; native is not set.",
        "open.info-is-true": (
            "A name taken from what was offered, or from the other direction, in place of "
            'what was agreed on; a MAC for a cipher that needs none. Leave "" what the '
            "library does not tell."
        ),
        "open.server-version": (
            'The library\'s own version, or a text like "unknown", where there should be the '
            'server\'s identification or "".'
        ),
        "open.unreachable": "Trying again until the deadline; an OSError that is not mapped.",
        "open.connect-deadline": (
            "A blocking connect with the system's timeout of minutes; TimeoutError or OSError "
            "in place of deadline.error()."
        ),
        "open.handshake-deadline": (
            "A timeout for each read in place of one for the step; a library's handshake "
            "timeout that is not set from the deadline."
        ),
        "open.dripping-peer": (
            "A timeout that begins anew with each line or byte: give each wait "
            "deadline.remaining()."
        ),
        "open.hostile-extensions": (
            "A library that goes through as many extensions as the server counts (libssh2 up "
            "to 1.11.1, paramiko 5.1): look at the count before it does. abort that waits for "
            "the library's thread, or leaves it running."
        ),
        "open.auth-deadline": (
            "An authentication call without a timeout, or with the library's own."
        ),
        "open.channel-deadline": (
            "A subsystem request without a timeout (paramiko has none): a second thread or a "
            "wait of yours must hold the deadline."
        ),
        "open.hung-up": (
            'An end of the stream that is taken for "nothing there yet", so that the wait '
            "goes on to the deadline."
        ),
        "open.not-ssh": "Reading on for an identification string after the peer has closed.",
        "open.no-common-algorithm": (
            "The library's exception for it passed on as SSHError; another list offered than "
            "the one that was given."
        ),
        "open.failed-leaves-nothing": (
            "An error path that forgets the socket, the library's session or its thread; an "
            "exception whose traceback keeps them alive."
        ),
        "open.abort": (
            "abort that only sets a flag which nothing looks at: shut the socket down, which "
            "wakes who waits."
        ),
        "open.abort-is-idempotent": ("abort that supposes a connection, or frees a second time."),
        "open.subsystem-refused": (
            "The refusal passed on as SSHError, or as the library's exception."
        ),
        "open.subsystem-fallback": (
            "The connection torn down after the first refusal; a second request on the same "
            "channel, where it takes a new one."
        ),
        "open.subsystem-same-connection": "A new connection for the next name.",
        "open.command": (
            "COMMAND is declared and options.command not looked at, or sent as a subsystem."
        ),
        "open.exec": "request.kind is not looked at.",
        "open.no-user-config": (
            "A library or program that reads ~/.ssh/config by itself: pass it an empty one "
            "(asyncssh: config=None; ssh: -F none)."
        ),
        "open.compression": (
            "The feature is declared and Algorithms.compression not passed to the library; "
            '"zlib" in place of zlib@openssh.com.'
        ),
        "open.environment": (
            "Variables that are set after the subsystem was requested; values encoded as "
            'ASCII, or cut at a space or "=".'
        ),
        "open.environment-refused": (
            'A reply wanted to each "env" request, and its refusal taken for an error.'
        ),
        "open.socket": "host and port dialled though options.sock is there.",
        "open.bind-address": "The feature is declared and options.bind_addr not passed on.",
        "open.address-family": "The feature is declared and every address tried.",
        "open.proxy-command": (
            "The command's process not waited for, so that a zombie is left; its pipe not closed."
        ),
        "open.jumps": (
            "A jump host whose key is not verified, or only after the password was sent; "
            "open_tunnel that does not return the tunnel's channel."
        ),
        "auth.none": (
            "The methods of the server's refusal are not read, or replaced by a fixed list."
        ),
        "auth.password": "The password encoded as ASCII or Latin-1.",
        "auth.service-once": (
            "A library that sends SSH_MSG_SERVICE_REQUEST before each attempt (paramiko 5.1): "
            "it must be sent for the first only, and the attempt alone after that."
        ),
        "auth.password-denied": "The library's exception for a denial raised as SSHError.",
        "auth.password-expired": (
            "SSH_MSG_USERAUTH_PASSWD_CHANGEREQ, number 60, taken for a failure, or left to a "
            "library that asks for a new password."
        ),
        "auth.denied-is-an-outcome": (
            "A denial raised as an error, or the connection closed by the library after one: "
            "some do so by default."
        ),
        "auth.password-is-not-prompted": (
            "A library that falls back to keyboard-interactive by itself (paramiko: "
            "fallback=False)."
        ),
        "auth.publickey-ed25519": (
            "A key format that the library cannot read: the core gives OpenSSH's."
        ),
        "auth.publickey-ecdsa": (
            "Only one curve known; the key's type passed in place of the curve's algorithm."
        ),
        "auth.publickey-rsa": (
            "Signing with ssh-rsa, which is SHA-1 and refused: rsa-sha2-512 or rsa-sha2-256."
        ),
        "auth.publickey-denied": "A refused key raised as SSHError.",
        "auth.agent": (
            "Only the first of the agent's keys tried; the agent of the environment asked, in "
            "place of identity_agent's."
        ),
        "auth.agent-identities": ("Keys sorted, or their comments dropped or decoded as ASCII."),
        "auth.agent-absent": (
            "The library's exception for a missing socket not mapped to an empty list."
        ),
        "auth.agent-deadline": (
            "A blocking read from the agent's socket, which no network timeout covers; mind "
            "the second place, where it signs."
        ),
        "auth.agent-security-key": (
            "Only the signature's first two strings sent on (libssh2 1.11.1): flags and "
            "counter stand behind them."
        ),
        "auth.certificate": "The key presented where PublicKeyAttempt.certificate is set.",
        "auth.agent-certificate": (
            "AgentAttempt.certificate is not looked at, or the bare key asked of the agent "
            "for an identity that is a certificate."
        ),
        "auth.interactive": (
            "Only the first round answered; titles or instructions that are bytes."
        ),
        "auth.interactive-echo": (
            "A fixed value for each prompt. Do not declare PROMPT_ECHO if the library does "
            "not tell."
        ),
        "auth.interactive-no-prompts": (
            "A round without prompts taken for the end, or answered with one empty string."
        ),
        "auth.interactive-denied": "The denial raised as SSHError.",
        "auth.interactive-raises": (
            "An exception in a library's callback, which swallows it: keep it, and raise it "
            "after the call."
        ),
        "auth.interactive-person": (
            "timeouts.auth applied around the whole attempt: let it stand still while the "
            "answer is awaited."
        ),
        "auth.partial": (
            "The attempt after a partial success made on a new connection, or not at all."
        ),
        "auth.partial-outcome": "A partial success told as DENIED or SUCCESS.",
        "auth.too-many": (
            "The connection's end told as a denial, or passed on as ConnectionResetError or "
            "EOFError."
        ),
        "auth.disconnect-is-told": (
            "A disconnect that the library reports as any other end of the connection, or as a "
            "denial, because it came where an answer was due."
        ),
        "auth.no-secret": (
            "A log or an error that quotes a library's arguments; a dataclass of your own "
            "whose repr has the password."
        ),
        "hostkey.as-presented": (
            "The signature's algorithm, rsa-sha2-512, in place of the key's type, ssh-rsa; "
            "the key's text form in place of the blob."
        ),
        "hostkey.certificate-as-presented": (
            "The key in the certificate returned in place of the certificate."
        ),
        "hostkey.only-offered": (
            "Preferences that are added to the library's own in place of replacing them."
        ),
        "hostkey.unknown-refused": "A library's policy of accepting on first sight.",
        "hostkey.changed-refused": (
            "Verification by the host's name alone, without its port or key type; a library's "
            "check whose result is not looked at."
        ),
        "hostkey.revoked-refused": "@revoked lines that the library does not know.",
        "hostkey.before-authentication": (
            "A library that verifies after it has logged in, or connects in one call."
        ),
        "io.read-none": 'b"" in place of None, which is the end; a read that waits.',
        "io.read-size": "The size passed on to a library that takes it for a hint.",
        "io.end-of-stream": (
            "The end told before what was received is read; the second read after it raises "
            "or returns None."
        ),
        "io.no-view-kept": (
            "The memoryview put into a queue as it is: copy what is kept (bytes(data))."
        ),
        "io.binary": "A text mode, a terminal, or decoding somewhere.",
        "io.large-down": "The window is not enlarged while reading, or only after a write.",
        "io.large-up": "A partial write counted as a whole one.",
        "io.duplex": "A write that waits for the window while nothing is read.",
        "io.read-after-write": (
            "A library that reads from the socket in its write: the fd is silent, and only "
            "read, or until in the past, can tell."
        ),
        "io.arrival-is-told": (
            "The wrong fd, or wants() that returns NONE; a thread of the library's that does "
            "not call wake."
        ),
        "io.idle-is-quiet": (
            "A polling interval in wants().until; WRITE asked for while no write is blocked."
        ),
        "io.rekey": (
            "A library that fails with would-block in the middle of a key exchange and is not "
            "called again in the same way."
        ),
        "io.bounded-service": ("A loop in read or write that goes on as long as anything comes."),
        "io.stderr-does-not-starve": (
            "stderr that is not read fills the channel's window: drain or ignore it."
        ),
        "io.last-words": (
            "stderr that is dropped, or is read after it has been; an exit status of 0 where the "
            "library has none; stderr that comes among the data."
        ),
        "backpressure.write-returns-zero": "A queue without bound, or a blocking send.",
        "backpressure.same-bytes": (
            "A part of the data that was sent and counted as not taken, or kept and sent once "
            "more at the retry."
        ),
        "backpressure.progress-told": (
            "WRITE not asked for after a write returned 0; a window adjustment that a thread "
            "takes in without calling wake."
        ),
        "backpressure.read-keeps-progress": (
            "read takes in the window's adjustment, after which the fd is silent: remember "
            "that a write was blocked, and tell by wake, or by until in the past."
        ),
        "backpressure.blocked-is-quiet": (
            "WRITE asked for while it is the channel's window that is full, and TCP writable "
            "all the time."
        ),
        "backpressure.read-while-blocked": (
            "One state for both directions, so that a blocked write stops reads."
        ),
        "backpressure.pause-loses-nothing": (
            "A buffer that drops what is beyond its bound; a library's pause_reading that "
            "comes too late."
        ),
        "backpressure.peer-is-held": (
            "A thread or a loop that reads ahead without bound; the window enlarged before "
            "the data was read."
        ),
        "keepalive.sent": (
            "A message that wants no reply, or an interval of the library's that is never served."
        ),
        "keepalive.heard": "heard that counts the channel's data only, or never rises.",
        "keepalive.silence": "heard that rises with what we send, or with each call.",
        "keepalive.does-not-block": (
            "A send that waits for the socket, or goes between the parts of a blocked write."
        ),
        "close.peer-sees-end": (
            "close that drops what it has buffered, or breaks TCP with a reset (SO_LINGER 0, "
            "or data unread in a socket that is closed at once)."
        ),
        "close.finish-waits-for-peer": (
            "finish that returns True when it has sent the end; a disconnect right behind it."
        ),
        "close.finish-leaves-time": (
            "The channel's close or the connection's disconnect sent right behind its end: "
            "what runs behind the server may be ended by that with its input unread."
        ),
        "close.idempotent": "close that supposes an open library session.",
        "close.abort-after-close": "abort that frees what close has freed.",
        "close.frees": (
            "A socket duplicated and not closed; a thread that is not told; a selector or "
            "pipe of your own."
        ),
        "close.abort-frees": (
            "As close.frees, in abort: a thread that waits for the peer's close."
        ),
        "close.many": "A registry of the library's that keeps each connection.",
        "close.does-not-block": (
            "A disconnect sent by a blocking call, or a thread that is joined while it waits for "
            "the network."
        ),
        "close.after-peer": "A disconnect sent to a peer that has closed, and its failure raised.",
        "errors.reset": ("ECONNRESET, or the library's word for it, taken for the stream's end."),
        "errors.cause": "raise ... from None, or outside the except block.",
        "errors.write": "The library's exception or OSError passed on by write.",
        "errors.broken-is-no-refusal": (
            "One except clause for all that opening a channel raises: ChannelError is for the "
            'server\'s "no" alone.'
        ),
        "errors.data-before-error": "The library's state asked before its buffer is read.",
        "errors.after-close": ("A library's exception, or None, from a channel that is closed."),
        "errors.only-ours": (
            "socket.gaierror, OSError or the library's exceptions passed on by connect."
        ),
        "threads.other-threads": (
            "A library that is bound to the thread, or to the event loop, that made it."
        ),
        "threads.garbage": (
            "__del__ that speaks to the peer or prints; a non-daemon thread; a library that "
            "warns of what was not closed."
        ),
        "threads.garbage-frees": (
            "A thread, a loop or a registry that holds the channel, which then is never "
            "collected: let it hold the connection by a weak reference to the channel, or end "
            "with it (weakref.finalize)."
        ),
        "threads.exit": (
            "A thread that is no daemon; a clean-up at exit that waits for the network."
        ),
        "threads.fork": (
            "A shutdown or a disconnect in the child, by __del__ or atexit: see watch_forks."
        ),
        "threads.independent": "State of the class or module in place of the instance.",
        "tunnel.target": (
            "The target's name resolved on our side, or originator and target exchanged."
        ),
        "tunnel.carries": "A channel of another class for tunnels, with rules of its own.",
        "tunnel.refused": ("The refusal passed on as SSHError, or waited for until the deadline."),
        "tunnel.deadline": "The open request without a timeout.",
        "tunnel.frees": "The tunnel's channel closed, and its connection left.",
        "makes.password": (
            "SSH_MSG_SERVICE_REQUEST sent anew before each attempt (paramiko 5.1), which OpenSSH "
            "and paramiko's server let pass."
        ),
        "makes.publickey": (
            "As makes.password; a signature's algorithm that the server has not said it takes."
        ),
        "makes.interactive": (
            "As makes.password; a first round that asks nothing taken for a refusal, or a last "
            "one left unanswered."
        ),
        "makes.large-transfers": (
            "A window that is opened again only by so much as one make of server needs."
        ),
        "makes.small-packets": (
            "A lower bound for the size of packets that the library has of its own: paramiko "
            "(5.1) sends 4,032 bytes to a server that takes 256."
        ),
        "makes.rekey": (
            "Data sent behind our own SSH_MSG_KEXINIT; an exchange that is taken for an error "
            "when it comes in the middle of a write."
        ),
        "makes.keepalive": (
            "Only one of the two possible answers known, success and failure (RFC 4254 section "
            "4): servers differ."
        ),
        "makes.end-of-stream": (
            "SSH_MSG_CHANNEL_CLOSE taken for an error, or not seen, where no EOF was before it."
        ),
        "makes.finish": (
            "A wait for the server's EOF, which need not come before its close; a disconnect "
            "right behind the channel's end."
        ),
        **TRANSPORT_CAUSES,
    }
)
"""By the rule's id, in the order of the rules."""
