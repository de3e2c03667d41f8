"""The keywords of ssh_config(5), by what ncwire does about each.

Nothing is ignored without a word (a driver that cannot honour a setting says so as well): what
would change the way to the host, the security or the credentials is honoured or refused by name;
what is without effect on a NETCONF session is listed here, with the reason.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

HONOURED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "HostName": "the name or address to connect to",
        "Port": "the port, where the argument is not given; without either, 830",
        "User": "the user name, where the argument is not given",
        "IdentityFile": "key files in place of the usual ones; ``none``: no key files",
        "IdentitiesOnly": "the agent is asked for keys only whose files are named",
        "IdentityAgent": "the agent's socket, ``$VARIABLE``, ``SSH_AUTH_SOCK`` or ``none``",
        "CertificateFile": "user certificates",
        "UserKnownHostsFile": "known_hosts files, where none is loaded explicitly",
        "GlobalKnownHostsFile": "as above",
        "HostKeyAlias": "the name to look up in known_hosts",
        "HashKnownHosts": "whether names are hashed that ``accept-new`` adds",
        "StrictHostKeyChecking": (
            "``yes`` and ``ask``: an unknown host is refused unless ``unknown_host_cb`` accepts "
            "it; ``accept-new``: its key is added to the first known_hosts file; ``no`` and "
            "``off`` are taken as ``ask``, with a warning in the log"
        ),
        "ConnectTimeout": "seconds for the TCP connect",
        "ServerAliveInterval": "``keepalive``",
        "ServerAliveCountMax": "``keepalive_count``",
        "ProxyCommand": (
            "the command whose standard streams lead to the host; refused where a token stands "
            "for a host or a user with characters that a shell would read"
        ),
        "ProxyJump": "the hosts to go through",
        "BindAddress": "the local source address of a direct connection",
        "AddressFamily": "the only family of addresses tried, for a direct connection",
        "Compression": "``yes`` offers zlib@openssh.com first",
        "KexAlgorithms": "a list as it stands; ``+``, ``-`` and ``^`` change ncwire's own list",
        "Ciphers": "as above",
        "MACs": "as above",
        "HostKeyAlgorithms": "as above",
        "SetEnv": "variables to set in the channel",
        "SendEnv": "variables to pass on from this process's environment; SetEnv wins",
        "PreferredAuthentications": "the order of the methods, and which are tried at all",
        "PubkeyAuthentication": "``no`` leaves public keys out",
        "PasswordAuthentication": "``no`` leaves the password out",
        "KbdInteractiveAuthentication": "``no`` leaves prompts out",
        "Include": "as in OpenSSH, where its client is installed",
        "Host": "as in OpenSSH",
        "Match": "as in OpenSSH, where its client is installed",
        "IgnoreUnknown": "as in OpenSSH",
    }
)
"""What a file may set, and what ncwire makes of it."""

REFUSED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "BindInterface": (),
        "CanonicalizeHostname": ("no", "false"),
        "CheckHostIP": ("no",),
        "ConnectionAttempts": ("1",),
        "KnownHostsCommand": ("none",),
        "PKCS11Provider": ("none",),
        "ProxyUseFdpass": ("no",),
        "RekeyLimit": ("0 0",),
        "RequiredRSASize": (),
        "RevokedHostKeys": ("none",),
    }
)
"""What would change path, security or credentials and is not supported, with the values that ask
for nothing."""

WIDENED_ONLY: Final = ("CASignatureAlgorithms", "PubkeyAcceptedAlgorithms")
"""Lists that are refused where they allow less than OpenSSH's own; one that allows more is
without effect, since the drivers' libraries allow what they can do."""

_NO_TERMINAL = "a subsystem is started, with no terminal and no command"
_NO_FORWARDING = "nothing is forwarded beside the session"
_STRICTER = "what it would allow is not allowed"
_NO_METHOD = "ncwire has no such method of authentication"
_DISPLAY = "it is about what ssh shows or logs"

WITHOUT_EFFECT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AddKeysToAgent": "keys are read, and never given away",
        "BatchMode": "ncwire asks its callbacks only",
        "CanonicalDomains": "CanonicalizeHostname is refused",
        "CanonicalizeFallbackLocal": "as above",
        "CanonicalizeMaxDots": "as above",
        "CanonicalizePermittedCNAMEs": "as above",
        "ChannelTimeout": "the session has one channel, which ``close`` ends",
        "ClearAllForwardings": _NO_FORWARDING,
        "ControlMaster": "each session has a connection of its own",
        "ControlPath": "as above",
        "ControlPersist": "as above",
        "DynamicForward": _NO_FORWARDING,
        "EnableEscapeCommandline": _NO_TERMINAL,
        "EnableSSHKeysign": _NO_METHOD,
        "EscapeChar": _NO_TERMINAL,
        "ExitOnForwardFailure": _NO_FORWARDING,
        "FingerprintHash": _DISPLAY,
        "ForkAfterAuthentication": _NO_TERMINAL,
        "ForwardAgent": _NO_FORWARDING,
        "ForwardX11": _NO_FORWARDING,
        "ForwardX11Timeout": _NO_FORWARDING,
        "ForwardX11Trusted": _NO_FORWARDING,
        "GatewayPorts": _NO_FORWARDING,
        "GSSAPIAuthentication": _NO_METHOD,
        "GSSAPIClientIdentity": _NO_METHOD,
        "GSSAPIDelegateCredentials": _NO_METHOD,
        "GSSAPIKexAlgorithms": _NO_METHOD,
        "GSSAPIKeyExchange": _NO_METHOD,
        "GSSAPIRenewalForcesRekey": _NO_METHOD,
        "GSSAPIServerIdentity": _NO_METHOD,
        "GSSAPITrustDNS": _NO_METHOD,
        "HostbasedAcceptedAlgorithms": _NO_METHOD,
        "HostbasedAuthentication": _NO_METHOD,
        "IPQoS": "packets carry the system's own mark",
        "KbdInteractiveDevices": "the server chooses",
        "LocalCommand": "no command is run after connecting",
        "LocalForward": _NO_FORWARDING,
        "LogLevel": _DISPLAY,
        "LogVerbose": _DISPLAY,
        "NoHostAuthenticationForLocalhost": _STRICTER,
        "NumberOfPasswordPrompts": "the password is sent once, and no other is asked for",
        "ObscureKeystrokeTiming": _NO_TERMINAL,
        "PermitLocalCommand": "no command is run after connecting",
        "PermitRemoteOpen": _NO_FORWARDING,
        "RemoteCommand": "the subsystem is what ``subsystems`` names",
        "RemoteForward": _NO_FORWARDING,
        "RequestTTY": _NO_TERMINAL,
        "SecurityKeyProvider": "keys of security devices are used by way of the agent",
        "SessionType": "the subsystem is what ``subsystems`` names",
        "StdinNull": _NO_TERMINAL,
        "StreamLocalBindMask": _NO_FORWARDING,
        "StreamLocalBindUnlink": _NO_FORWARDING,
        "SyslogFacility": _DISPLAY,
        "Tag": "Match lines see it; it has no other meaning",
        "TCPKeepAlive": "it is always on",
        "Tunnel": _NO_FORWARDING,
        "TunnelDevice": _NO_FORWARDING,
        "UpdateHostKeys": "known_hosts is added to by ``accept-new`` only",
        "VerifyHostKeyDNS": _STRICTER,
        "VisualHostKey": _DISPLAY,
        "XAuthLocation": _NO_FORWARDING,
    }
)
"""What is set without effect, and why."""

ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "challengeresponseauthentication": "kbdinteractiveauthentication",
        "skeyauthentication": "kbdinteractiveauthentication",
        "tisauthentication": "kbdinteractiveauthentication",
        "dsaauthentication": "pubkeyauthentication",
        "hostbasedkeytypes": "hostbasedacceptedalgorithms",
        "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms",
        "globalknownhostsfile2": "globalknownhostsfile",
        "userknownhostsfile2": "userknownhostsfile",
        "identityfile2": "identityfile",
    }
)
"""Older names (OpenSSH 9.2, readconf.c); `ssh -G` prints the newer."""

KNOWN: Final = frozenset(
    name.lower() for name in (*HONOURED, *REFUSED, *WIDENED_ONLY, *WITHOUT_EFFECT)
)
