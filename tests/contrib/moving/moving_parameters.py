"""What stands for each parameter and each error of ncclient's, where a program is ported."""

from __future__ import annotations

SAME, BETTER, OTHER = "same", "better", "different"

CONNECT: dict[str, tuple[str, str, str]] = {
    "host": ("host", BETTER, "IPv6, and a URL, too; the only one that may be given by position"),
    "port": ("port", SAME, "830; ssh_config's Port counts where none is given"),
    "timeout": (
        "timeout",
        BETTER,
        "for each step of connecting, not for TCP alone. The rpcs have ``timeouts``",
    ),
    "unknown_host_cb": (
        "unknown_host_cb",
        OTHER,
        "asked of unknown hosts, never of changed or revoked keys",
    ),
    "username": ("username", SAME, "or ssh_config's User, or this user's name"),
    "password": ("password", SAME, "it opens keys, too, where there is no ``passphrase``"),
    "key_filename": ("key_filename", BETTER, "one or several, as str or Path, with certificates"),
    "allow_agent": ("allow_agent", SAME, ""),
    "hostkey_verify": ("hostkey_verify", SAME, "False still refuses a key that is revoked"),
    "hostkey_b64": ("hostkey_b64", OTHER, "also holds with ``hostkey_verify=False``"),
    "look_for_keys": ("look_for_keys", SAME, "``~/.ssh/id_ed25519``, ``id_ecdsa``, ``id_rsa``"),
    "ssh_config": (
        "ssh_config",
        BETTER,
        "every keyword is honoured, refused or without effect, as :doc:`ssh-config` lists",
    ),
    "sock_fd": ("sock_fd", SAME, ""),
    "bind_addr": ("bind_addr", SAME, "on drivers that can: :doc:`features`"),
    "sock": (
        "sock",
        OTHER,
        "a connected socket; for paramiko's ProxyCommand and Channel: ``jumps``, or the drop-in",
    ),
    "keepalive": ("keepalive", BETTER, "the peer must answer; ``keepalive_count`` says how often"),
    "environment": ("environment", SAME, "on drivers that can: :doc:`features`"),
    "device_params": ("profile", BETTER, "a name, a file, or one of ncclient's handlers"),
    "manager_params": ("timeouts", OTHER, "``ncwire.Timeouts(rpc=60)`` for ``{'timeout': 60}``"),
    "nc_params": ("capabilities", OTHER, "the whole list; or ``extra_capabilities`` of a profile"),
    "errors_params": (
        "",
        OTHER,
        "each rpc says it itself: ``check=True``, or ``Reply.errors`` and ``warnings``",
    ),
    "use_libssh": ("driver", BETTER, "``driver='libssh2'``, or any that is installed"),
}
"""ncclient's parameter: ncwire's, the verdict, and what to know."""

OF_TRANSPORTS: dict[str, dict[str, tuple[str, str, str]]] = {
    "connect_tls": {
        "host": ("host", SAME, "``ncwire.connect(host, driver='tls')``"),
        "port": ("port", SAME, "6513"),
        "keyfile": ("driver_options: keyfile", SAME, ""),
        "certfile": ("driver_options: certfile", SAME, ""),
        "ca_certs": ("driver_options: ca_certs", SAME, ""),
        "protocol": ("driver_options: minimum_version", OTHER, "TLS 1.2 at least"),
        "check_hostname": ("driver_options: check_hostname", SAME, ""),
        "server_hostname": ("driver_options: server_hostname", SAME, ""),
        "timeout": ("timeout", BETTER, "for each step of connecting"),
    },
    "connect_uds": {
        "path": ("driver_options: path", SAME, "``ncwire.connect(None, driver='unix', ...)``"),
        "timeout": ("timeout", BETTER, "for each step of connecting"),
    },
}
"""The same for the functions of the other transports."""

ERRORS: dict[str, tuple[str, str]] = {
    "NCClientError": ("NcwireError", "the base of all, too"),
    "XMLError": ("MessageError", "of a reply that is read; ``OptionError`` of what is sent"),
    "OperationError": ("SessionError", ""),
    "TimeoutExpiredError": ("RPCTimeoutError", "a ``TimeoutError``, too; the session lives"),
    "MissingCapabilityError": ("RPCError", "ncwire asks no capability; the server refuses it"),
    "WithDefaultsError": ("RPCError", "as above"),
    "RPCError": ("RPCError", "with ``check=True`` or ``raise_for_errors()``; ``errors`` are all"),
    "SAXFilterXMLNotFoundError": ("", "there are no SAX filters; see ``Session.stream``"),
    "TransportError": ("TransportError", ""),
    "SessionError": ("SessionError", "no hello, or one that is wrong: a ``HelloError``"),
    "AuthenticationError": ("AuthenticationError", "``attempts`` has what was tried, and why not"),
    "PermissionError": ("", "ncclient's own session on a Junos device has it; ncwire has none"),
    "SessionCloseError": ("SessionCloseError", "``closed_by`` tells whose end it was"),
    "SSHError": ("SSHError", "``ConnectError``, ``HandshakeError``, ``ChannelError`` are kinds"),
    "SSHUnknownHostError": ("SSHUnknownHostError", "a changed and a revoked key are kinds of it"),
    "NetconfFramingError": ("NetconfFramingError", ""),
    "TLSError": ("TLSError", ""),
    "UnixSocketError": ("ConnectError", ""),
}
"""ncclient's error: ncwire's, and what to know."""

HANDLERS: dict[str, str] = {
    "alu": "operations are rpcs, see above",
    "ciena": "",
    "csr": "an unknown host key is refused; ncclient's handler accepts any",
    "default": "",
    "ericsson": "",
    "h3c": "operations are rpcs, see above",
    "hpcomware": "operations are rpcs, see above",
    "huawei": "NUL and control characters are dropped anywhere",
    "huaweiyang": "",
    "iosxe": "an unknown host key is refused; ncclient's handler accepts any",
    "iosxr": "an unknown host key is refused; ncclient's handler accepts any. Split tags and "
    "control characters are mended",
    "junos": "replies keep their namespaces: ``find('.//{*}name')``. Operations are rpcs",
    "nexus": "the end of the stream is an answer to close-session. ``VLAN with the same name "
    "exists`` is an error, which ncclient's handler passes over. Operations are rpcs, see above",
    "sros": "``config_mode: private`` is the profile ``sros-private``",
}
"""ncclient's device handler, which is the profile's name, too, and what to know."""
