"""The contract's rules as data: what a driver must do, each with the id that its test cites.

The prose is in the docstrings of this package; `ncwire.testing.conformance` has one test for
each rule here, and no other.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from ncwire.driver.features import Feature
from ncwire.driver.rule import Layer, Rule
from ncwire.driver.transport_rules import CERTIFICATE, OPTIONS, TLS, UNIX

if TYPE_CHECKING:
    from collections.abc import Mapping


def _needing(*features: Feature) -> frozenset[Feature]:
    return frozenset(features)


_OPEN = (
    Rule(
        "open.class",
        "The class states name, contract and features in the forms that the contract has, and "
        "library() names the library; the features of an SSHDriver and of a SocketDriver include "
        "the core's, and an SSHDriver's algorithms have a key exchange, a host key and a cipher "
        "at least.",
        Layer.DRIVER,
    ),
    Rule(
        "open.connects",
        "connect returns an open channel: bytes reach the peer, and the peer's come back.",
        Layer.DRIVER,
    ),
    Rule(
        "open.info",
        "The channel's info is a ChannelInfo that names the library; native is the library's "
        "own object.",
        Layer.CHANNEL,
    ),
    Rule(
        "open.info-is-true",
        "What info tells of the connection is so: banner, kex, host_key_type, cipher, mac and "
        'compression are what was agreed on, or "" where the library does not tell.',
        Layer.SSH,
    ),
    Rule(
        "open.server-version",
        'Over SSH, info has the server\'s identification string, or "" from a library that does '
        "not tell; never another text.",
        Layer.SSH,
    ),
    Rule(
        "open.unreachable",
        "A port, or a Unix socket, that nothing listens on is a TransportError at once, not at "
        "the deadline.",
        Layer.DRIVER,
    ),
    Rule(
        "open.connect-deadline",
        "Connecting to a host that answers nothing ends at the deadline, with StepTimeoutError.",
        Layer.NETWORK,
    ),
    Rule(
        "open.handshake-deadline",
        "A peer that accepts and then says nothing costs no more than the deadline: "
        "StepTimeoutError.",
        Layer.HANDSHAKE,
    ),
    Rule(
        "open.dripping-peer",
        "A peer that keeps sending, line by line, what is no identification string, or byte by "
        "byte what is no whole record of TLS, does not prolong the deadline.",
        Layer.HANDSHAKE,
    ),
    Rule(
        "open.hostile-extensions",
        "A server that says after the key exchange that it has four billion extensions costs no "
        "more than the deadline. While its host key is not known, nothing is left of it either; "
        "once the host is, a library's call that cannot be interrupted may outlast connect.",
        Layer.SSH,
    ),
    Rule(
        "open.auth-deadline",
        "A server that falls silent during authentication costs no more than the attempt's "
        "deadline: StepTimeoutError.",
        Layer.STEPS,
        _needing(Feature.PASSWORD),
    ),
    Rule(
        "open.channel-deadline",
        "A server that never answers the request for the channel costs no more than the step's "
        "deadline: StepTimeoutError.",
        Layer.STEPS,
        _needing(Feature.PASSWORD),
    ),
    Rule(
        "open.hung-up",
        "A peer that hangs up instead of shaking hands is a TransportError at once.",
        Layer.HANDSHAKE,
    ),
    Rule(
        "open.not-ssh",
        "A peer that speaks another protocol is a TransportError at once.",
        Layer.SSH,
    ),
    Rule(
        "open.no-common-algorithm",
        "Having no algorithm in common with the server is a HandshakeError.",
        Layer.STEPS,
        _needing(Feature.ALGORITHMS),
    ),
    Rule(
        "open.failed-leaves-nothing",
        "After a connect that failed, at whatever step, no fd, thread or child process of the "
        "driver's is left.",
        Layer.DRIVER,
    ),
    Rule(
        "open.abort",
        "abort, called from another thread, makes a connect under way fail promptly with a "
        "TransportError.",
        Layer.NETWORK,
    ),
    Rule(
        "open.abort-is-idempotent",
        "abort can be called before connect, and again and again.",
        Layer.DRIVER,
    ),
    Rule(
        "open.subsystem-refused",
        "A subsystem that the server refuses is a ChannelError.",
        Layer.SSH,
    ),
    Rule(
        "open.subsystem-fallback",
        "When the server refuses one of the subsystems, the next one is started.",
        Layer.SSH,
    ),
    Rule(
        "open.subsystem-same-connection",
        "After a refusal open_channel can be called again, for a channel on the same connection.",
        Layer.STEPS,
    ),
    Rule(
        "open.command",
        "When the server refuses every subsystem, options.command is executed.",
        Layer.SSH,
        _needing(Feature.COMMAND),
    ),
    Rule(
        "open.exec",
        'A request of kind "exec" starts a command.',
        Layer.STEPS,
        _needing(Feature.PASSWORD),
    ),
    Rule(
        "open.no-user-config",
        "The options are all that counts: a ~/.ssh/config that the library could find changes "
        "nothing.",
        Layer.SSH,
    ),
    Rule(
        "open.compression",
        "zlib@openssh.com, where it is all that is offered, compresses both ways once the user is "
        "authenticated.",
        Layer.STEPS,
        _needing(Feature.ALGORITHMS, Feature.COMPRESSION),
    ),
    Rule(
        "open.environment",
        "The environment reaches the server before the subsystem starts, values whole.",
        Layer.SSH,
        _needing(Feature.ENVIRONMENT),
    ),
    Rule(
        "open.environment-refused",
        "A variable that the server refuses is no error.",
        Layer.SSH,
        _needing(Feature.ENVIRONMENT),
    ),
    Rule(
        "open.socket",
        "With options.sock the connection runs over that socket, and host and port, or path, are "
        "not dialled.",
        Layer.DRIVER,
        _needing(Feature.SOCKET),
    ),
    Rule(
        "open.bind-address",
        "With options.bind_addr the connection comes from that address.",
        Layer.DRIVER,
        _needing(Feature.BIND_ADDRESS),
    ),
    Rule(
        "open.address-family",
        "With options.address_family only addresses of that family are tried.",
        Layer.DRIVER,
        _needing(Feature.ADDRESS_FAMILY),
    ),
    Rule(
        "open.proxy-command",
        "With options.proxy_command the connection runs over that command's standard streams, "
        "host and port are not dialled, and after close no process is left.",
        Layer.HANDSHAKE,
        _needing(Feature.PROXY_COMMAND),
    ),
    Rule(
        "open.jumps",
        "With options.jumps the connection leads through those hosts, nearest first; each is "
        "verified before anything is sent to authenticate with, there or farther on.",
        Layer.SSH,
        _needing(Feature.PROXY_JUMP),
    ),
)

_AUTH = (
    Rule(
        "auth.none",
        "NoneAttempt is denied, and tells the methods that the server offers.",
        Layer.STEPS,
    ),
    Rule(
        "auth.password",
        "The right password lets in; it is sent as UTF-8.",
        Layer.SSH,
        _needing(Feature.PASSWORD),
    ),
    Rule(
        "auth.service-once",
        "The authentication service is asked for once on a connection, however many attempts are "
        "made (RFC 4253 section 10): servers of other makes than OpenSSH end it at the second "
        "request.",
        Layer.STEPS,
        _needing(Feature.PASSWORD),
    ),
    Rule(
        "auth.password-denied",
        "A wrong password makes connect fail with AuthenticationError.",
        Layer.SSH,
        _needing(Feature.PASSWORD),
    ),
    Rule(
        "auth.password-expired",
        "A password that the server takes only to have it changed (RFC 4252 section 8) is "
        "PasswordExpiredError, no denial.",
        Layer.SSH,
        _needing(Feature.PASSWORD),
    ),
    Rule(
        "auth.denied-is-an-outcome",
        "A denied attempt is an AuthOutcome that tells what can go on, or leaves that to "
        "NoneAttempt, no error; the next attempt on the same connection can succeed.",
        Layer.STEPS,
        _needing(Feature.PASSWORD),
    ),
    Rule(
        "auth.password-is-not-prompted",
        "PasswordAttempt sends the password by the method password alone; where that is not "
        "offered, the attempt is denied.",
        Layer.STEPS,
        _needing(Feature.PASSWORD),
    ),
    Rule(
        "auth.publickey-ed25519",
        "An authorized ed25519 key lets in.",
        Layer.SSH,
        _needing(Feature.PUBLICKEY),
    ),
    Rule(
        "auth.publickey-ecdsa",
        "An authorized ECDSA key lets in, on each of the three NIST curves.",
        Layer.SSH,
        _needing(Feature.PUBLICKEY),
    ),
    Rule(
        "auth.publickey-rsa",
        "An authorized RSA key lets in, by a SHA-2 signature.",
        Layer.SSH,
        _needing(Feature.PUBLICKEY),
    ),
    Rule(
        "auth.publickey-denied",
        "A key that is not authorized makes connect fail with AuthenticationError.",
        Layer.SSH,
        _needing(Feature.PUBLICKEY),
    ),
    Rule(
        "auth.agent",
        "A key that the SSH agent holds lets in.",
        Layer.SSH,
        _needing(Feature.AGENT),
    ),
    Rule(
        "auth.agent-identities",
        "agent_identities returns the keys of the agent at that path, in its order: type, blob, "
        "comment.",
        Layer.STEPS,
        _needing(Feature.AGENT),
    ),
    Rule(
        "auth.agent-absent",
        "Without an agent, agent_identities returns none, and is no error.",
        Layer.STEPS,
        _needing(Feature.AGENT),
    ),
    Rule(
        "auth.agent-deadline",
        "An agent that never answers, be it to list its keys or to sign, costs no more than the "
        "step's deadline: StepTimeoutError.",
        Layer.STEPS,
        _needing(Feature.AGENT),
    ),
    Rule(
        "auth.agent-security-key",
        "A security device's key that the agent holds lets in: the agent's signature goes to the "
        "server whole, with its flags and its counter.",
        Layer.SSH,
        _needing(Feature.AGENT, Feature.AGENT_SECURITY_KEY),
    ),
    Rule(
        "auth.certificate",
        "A user certificate lets in where its key alone does not: the one beside the key's file, "
        "and one of certificate_files.",
        Layer.SSH,
        _needing(Feature.PUBLICKEY, Feature.USER_CERTIFICATE),
    ),
    Rule(
        "auth.agent-certificate",
        "So does a certificate that the SSH agent holds, and one of a file for a key that the "
        "agent holds.",
        Layer.SSH,
        _needing(Feature.AGENT, Feature.USER_CERTIFICATE),
    ),
    Rule(
        "auth.interactive",
        "Each round of the server's prompts reaches the handler, with title, instruction and "
        "every prompt's text, or, where the driver declares prompt-by-prompt, each prompt's text "
        "by itself; and every answer reaches the server.",
        Layer.SSH,
        _needing(Feature.KEYBOARD_INTERACTIVE),
    ),
    Rule(
        "auth.interactive-echo",
        "Each prompt tells whether its answer may be shown.",
        Layer.SSH,
        _needing(Feature.KEYBOARD_INTERACTIVE, Feature.PROMPT_ECHO),
    ),
    Rule(
        "auth.interactive-no-prompts",
        "A round without prompts is answered with no answers, and authentication goes on.",
        Layer.SSH,
        _needing(Feature.KEYBOARD_INTERACTIVE),
    ),
    Rule(
        "auth.interactive-denied",
        "Wrong answers make connect fail with AuthenticationError.",
        Layer.SSH,
        _needing(Feature.KEYBOARD_INTERACTIVE),
    ),
    Rule(
        "auth.interactive-raises",
        "What the handler raises comes out of connect unchanged, and at once.",
        Layer.SSH,
        _needing(Feature.KEYBOARD_INTERACTIVE),
    ),
    Rule(
        "auth.interactive-person",
        "A person may take longer to answer than timeouts.auth gives the server.",
        Layer.SSH,
        _needing(Feature.KEYBOARD_INTERACTIVE),
    ),
    Rule(
        "auth.partial",
        "A server that wants a key and then a password gets both.",
        Layer.SSH,
        _needing(Feature.PUBLICKEY, Feature.PASSWORD),
    ),
    Rule(
        "auth.partial-outcome",
        "An attempt that the server accepts as a part is AuthResult.PARTIAL with the methods "
        "that are still wanted; or UNCLEAR where the library does not tell, and NoneAttempt "
        "tells them.",
        Layer.STEPS,
        _needing(Feature.PUBLICKEY, Feature.PASSWORD),
    ),
    Rule(
        "auth.too-many",
        "When the server ends the connection after too many attempts, authenticate raises "
        "SSHError: the attempt to which the server has no other answer, or the next one.",
        Layer.STEPS,
        _needing(Feature.PASSWORD),
    ),
    Rule(
        "auth.disconnect-is-told",
        "When the server answers an attempt, be it the first, by SSH_MSG_DISCONNECT alone, "
        "authenticate raises DisconnectError: no denial, and no connection that broke by itself.",
        Layer.STEPS,
        _needing(Feature.PASSWORD),
    ),
    Rule(
        "auth.no-secret",
        "No secret is in an error's text, its causes', a repr, or a log at any level.",
        Layer.SSH,
        _needing(Feature.PASSWORD),
    ),
)

_HOSTKEY = (
    Rule(
        "hostkey.as-presented",
        "handshake returns the server's key as it came over the wire, its type and its blob, for "
        "ed25519, ECDSA and RSA.",
        Layer.STEPS,
        _needing(Feature.HOST_KEY),
    ),
    Rule(
        "hostkey.certificate-as-presented",
        "handshake returns the certificate where the server presents one, its type and its blob, "
        "for ed25519, ECDSA and RSA keys; algorithms lists those that end in "
        "-cert-v01@openssh.com.",
        Layer.STEPS,
        _needing(Feature.HOST_CERTIFICATE),
    ),
    Rule(
        "hostkey.only-offered",
        "The key exchange offers the given algorithms in the given order, and no others.",
        Layer.STEPS,
        _needing(Feature.ALGORITHMS),
    ),
    Rule(
        "hostkey.unknown-refused",
        "A host that known_hosts does not have is refused, and no session starts; "
        "SSHUnknownHostError where the core verifies.",
        Layer.SSH,
    ),
    Rule(
        "hostkey.changed-refused",
        "A host with another key than known_hosts has is refused, and no session starts; "
        "SSHHostKeyChangedError where the core verifies.",
        Layer.SSH,
    ),
    Rule(
        "hostkey.revoked-refused",
        "A host whose key known_hosts marks @revoked is refused, and no session starts; "
        "SSHHostKeyRevokedError where the core verifies.",
        Layer.SSH,
    ),
    Rule(
        "hostkey.before-authentication",
        "Nothing is sent to authenticate with before the host key is found to be good.",
        Layer.SSH,
    ),
)

_IO = (
    Rule(
        "io.read-none",
        "read returns None, at once, while nothing is there.",
        Layer.CHANNEL,
    ),
    Rule("io.read-size", "read returns no more than `size` bytes.", Layer.CHANNEL),
    Rule(
        "io.end-of-stream",
        'When the peer ends the stream, all that it sent is read first, then b"" and again b"".',
        Layer.CHANNEL,
    ),
    Rule(
        "io.no-view-kept",
        "The memory that write was given is the caller's again when it has returned: overwriting "
        "it changes nothing of what is sent.",
        Layer.CHANNEL,
    ),
    Rule("io.binary", "All byte values arrive unchanged, both ways.", Layer.CHANNEL),
    Rule("io.large-down", "Many megabytes arrive whole.", Layer.CHANNEL),
    Rule("io.large-up", "Many megabytes are sent whole.", Layer.CHANNEL),
    Rule(
        "io.duplex",
        "Much data flows both ways at the same time, and neither direction waits for the other.",
        Layer.CHANNEL,
    ),
    Rule(
        "io.read-after-write",
        "What a write has taken in of the peer's is there to be read, though the fd stays silent.",
        Layer.CHANNEL,
    ),
    Rule(
        "io.arrival-is-told",
        "The arrival of data is told by the fd or by wake, while nothing else happens.",
        Layer.CHANNEL,
    ),
    Rule(
        "io.idle-is-quiet",
        "While nothing happens the channel does not ask to be called: no polling, and no fd "
        "that is ready all the time.",
        Layer.CHANNEL,
    ),
    Rule(
        "io.rekey",
        "When the server exchanges keys anew in the middle of large transfers, they arrive whole.",
        Layer.SSH,
    ),
    Rule(
        "io.bounded-service",
        "read and write return soon, and close does, while the server sends without a pause what "
        "is no data.",
        Layer.SSH,
    ),
    Rule(
        "io.stderr-does-not-starve",
        "What the server sends on stderr, which is not read, does not stop what comes after it.",
        Layer.SSH,
    ),
    Rule(
        "io.last-words",
        "A channel's own last_words returns what came on stderr, from its beginning, and the exit "
        "status and the signal where they are known; and nothing that the server did not say.",
        Layer.SSH,
    ),
)

_BACKPRESSURE = (
    Rule(
        "backpressure.write-returns-zero",
        "When the peer takes no more, write returns 0 before long: it neither blocks nor takes "
        "in without bound.",
        Layer.CHANNEL,
    ),
    Rule(
        "backpressure.same-bytes",
        "When the peer goes on after a 0, the very bytes of the retry are sent: none is lost, "
        "none is sent twice.",
        Layer.CHANNEL,
    ),
    Rule(
        "backpressure.progress-told",
        "When a blocked write can go on, the fd, wake or wants().until tells so.",
        Layer.CHANNEL,
    ),
    Rule(
        "backpressure.read-keeps-progress",
        "When a blocked write can go on, that is told even if it is a read that has taken in what "
        "lets it go on: after read has returned None, the fd, wake or wants().until tells so.",
        Layer.CHANNEL,
    ),
    Rule(
        "backpressure.blocked-is-quiet",
        "While a write is blocked and nothing happens, the channel does not ask to be called.",
        Layer.CHANNEL,
    ),
    Rule(
        "backpressure.read-while-blocked",
        "While a write is blocked, what the peer sends is read all the same.",
        Layer.CHANNEL,
    ),
    Rule(
        "backpressure.pause-loses-nothing",
        "Reading may pause at any time and for long: what the peer has sent meanwhile is read "
        "afterwards, whole.",
        Layer.CHANNEL,
    ),
    Rule(
        "backpressure.peer-is-held",
        "A peer whose bytes are not read is made to wait: what the driver buffers is bounded.",
        Layer.CHANNEL,
    ),
)

_KEEPALIVE = (
    Rule(
        "keepalive.sent",
        "keepalive puts a request on the wire that the peer answers.",
        Layer.CHANNEL,
        _needing(Feature.KEEPALIVE),
    ),
    Rule(
        "keepalive.heard",
        "heard rises with whatever the peer sends, the answer to a keepalive too.",
        Layer.CHANNEL,
        _needing(Feature.KEEPALIVE),
    ),
    Rule(
        "keepalive.silence",
        "heard stays where it is while the peer is silent, whatever we send.",
        Layer.CHANNEL,
        _needing(Feature.KEEPALIVE),
    ),
    Rule(
        "keepalive.does-not-block",
        "keepalive returns at once when nothing can be sent, and harms no data that waits.",
        Layer.CHANNEL,
        _needing(Feature.KEEPALIVE),
    ),
)

_CLOSE = (
    Rule(
        "close.peer-sees-end",
        "After close the peer reads what had been written, whole, and then the end, also one that "
        "is slow to read and says nothing meanwhile: close breaks no connection that has "
        "something under way.",
        Layer.CHANNEL,
    ),
    Rule(
        "close.finish-waits-for-peer",
        "After finish the peer reads what had been written, whole, and then the end. finish "
        "returns True, or read tells of the end, when the peer has closed, and not before; until "
        "then the connection stands. The channel's end and its close are sent once each, in this "
        "order.",
        Layer.SSH,
        _needing(Feature.FINISH),
    ),
    Rule(
        "close.finish-leaves-time",
        "While what runs behind the server is slow to read, finish says no more than the "
        "channel's end: no close of the channel within a second, and no disconnect before the "
        "peer's own close.",
        Layer.SSH,
        _needing(Feature.FINISH),
    ),
    Rule("close.idempotent", "close can be called again and again.", Layer.CHANNEL),
    Rule(
        "close.abort-after-close",
        "abort can be called after close, close after abort, and abort again.",
        Layer.CHANNEL,
    ),
    Rule(
        "close.frees",
        "After close no fd, thread or child process of the connection is left.",
        Layer.CHANNEL,
    ),
    Rule(
        "close.abort-frees",
        "After abort no fd, thread or child process of the connection is left.",
        Layer.CHANNEL,
    ),
    Rule(
        "close.many",
        "After many connections, one after the other, no fd, thread or child process is left.",
        Layer.CHANNEL,
    ),
    Rule(
        "close.does-not-block",
        "close returns at once though the peer takes nothing and a write is blocked, and frees "
        "all the same.",
        Layer.CHANNEL,
    ),
    Rule(
        "close.after-peer",
        "close is clean when the peer has ended the stream, or is gone.",
        Layer.CHANNEL,
    ),
)

_ERRORS = (
    Rule(
        "errors.reset",
        "A connection that breaks is a TransportError from read: no end of stream, and none of "
        "the library's exceptions.",
        Layer.CHANNEL,
    ),
    Rule(
        "errors.cause",
        "An error is raised `from` the exception that it stands for.",
        Layer.CHANNEL,
    ),
    Rule(
        "errors.write",
        "On a connection that has broken, write takes nothing any more and leaves it to read to "
        "tell, or is a TransportError itself.",
        Layer.CHANNEL,
    ),
    Rule(
        "errors.broken-is-no-refusal",
        "A connection that breaks while a channel is opened is no ChannelError, which says that "
        "the server has refused.",
        Layer.STEPS,
        _needing(Feature.PASSWORD),
    ),
    Rule(
        "errors.data-before-error",
        "What had arrived when the peer vanished is read first, whole.",
        Layer.CHANNEL,
    ),
    Rule(
        "errors.after-close",
        "read and write are TransportErrors after close.",
        Layer.CHANNEL,
    ),
    Rule(
        "errors.only-ours",
        "Whatever makes connect fail, what comes out is a TransportError.",
        Layer.DRIVER,
    ),
)

_THREADS = (
    Rule(
        "threads.other-threads",
        "Calls may come from changing threads, one at a time.",
        Layer.CHANNEL,
    ),
    Rule(
        "threads.garbage",
        "A channel that is dropped without close does no harm: no crash, no hang, no noise.",
        Layer.CHANNEL,
    ),
    Rule(
        "threads.garbage-frees",
        "A channel that is dropped without close leaves no fd, thread or child process once it "
        "has been collected.",
        Layer.CHANNEL,
    ),
    Rule(
        "threads.exit",
        "A process that ends with an open channel ends: no crash, no hang, no noise.",
        Layer.CHANNEL,
    ),
    Rule(
        "threads.fork",
        "A forked child that ends does not disturb its parent's connection.",
        Layer.CHANNEL,
    ),
    Rule(
        "threads.independent",
        "Two connections of one process do not disturb each other.",
        Layer.DRIVER,
    ),
)

_TUNNEL = (
    Rule(
        "tunnel.target",
        "open_tunnel has the server connect to that host and port, by those names.",
        Layer.STEPS,
        _needing(Feature.PROXY_JUMP, Feature.PASSWORD),
    ),
    Rule(
        "tunnel.carries",
        "What open_tunnel returns is a channel as any other: much data flows both ways at the "
        "same time, whole, and what was sent is read before the end.",
        Layer.STEPS,
        _needing(Feature.PROXY_JUMP, Feature.PASSWORD),
    ),
    Rule(
        "tunnel.refused",
        "A tunnel that the server refuses is a ChannelError at once.",
        Layer.STEPS,
        _needing(Feature.PROXY_JUMP, Feature.PASSWORD),
    ),
    Rule(
        "tunnel.deadline",
        "A server that never answers the request for the tunnel costs no more than the step's "
        "deadline: StepTimeoutError.",
        Layer.STEPS,
        _needing(Feature.PROXY_JUMP, Feature.PASSWORD),
    ),
    Rule(
        "tunnel.frees",
        "The tunnel's channel owns the connection: after its close, and after its abort, no fd, "
        "thread or child process is left.",
        Layer.STEPS,
        _needing(Feature.PROXY_JUMP, Feature.PASSWORD),
    ),
)

_MAKES = (
    Rule(
        "makes.password",
        "The password lets in at a server of another make, AsyncSSH, which ends a connection on "
        "which the service is asked for twice; and bytes reach it, and come back.",
        Layer.SSH,
        _needing(Feature.PASSWORD),
    ),
    Rule(
        "makes.publickey",
        "So does a key.",
        Layer.SSH,
        _needing(Feature.PUBLICKEY),
    ),
    Rule(
        "makes.interactive",
        "So do the answers to its prompts, with rounds that ask nothing before them, between them "
        "and after them (RFC 4256 section 3.4).",
        Layer.SSH,
        _needing(Feature.KEYBOARD_INTERACTIVE),
    ),
    Rule(
        "makes.large-transfers",
        "20 MB arrive whole at a server of another make, and 20 MB from it.",
        Layer.SSH,
    ),
    Rule(
        "makes.small-packets",
        "A server that takes 256 bytes of data in a message, and has a window of 2 KiB, is sent "
        "no more in one (RFC 4254 section 5.2); and all arrives whole.",
        Layer.SSH,
    ),
    Rule(
        "makes.rekey",
        "When a server of another make exchanges keys anew, again and again while data flows both "
        "ways at the same time, all arrives whole.",
        Layer.SSH,
    ),
    Rule(
        "makes.keepalive",
        "A server of another make answers a keepalive, and heard tells of it.",
        Layer.SSH,
        _needing(Feature.KEEPALIVE),
    ),
    Rule(
        "makes.end-of-stream",
        "When the server closes the channel with no word of the stream's end before that (RFC "
        '4254 section 5.3), all that it sent is read first, then b"" and again b"".',
        Layer.SSH,
    ),
    Rule(
        "makes.finish",
        "After finish a server of another make reads what had been written, whole, and then the "
        "end; and finish comes to its end when that server has closed.",
        Layer.SSH,
        _needing(Feature.FINISH),
    ),
)

_GROUPS = (
    _OPEN,
    _AUTH,
    _HOSTKEY,
    _IO,
    _BACKPRESSURE,
    _KEEPALIVE,
    _CLOSE,
    _ERRORS,
    _THREADS,
    _TUNNEL,
    _MAKES,
    OPTIONS,
    CERTIFICATE,
    TLS,
    UNIX,
)

RULES: Mapping[str, Rule] = MappingProxyType(
    {rule.id: rule for group in _GROUPS for rule in group}
)
"""Every rule by its id, in the order of the operations."""

__all__ = ["RULES", "Layer", "Rule"]
