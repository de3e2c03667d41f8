"""What each mistake at connecting comes to, and why the libraries differ.

Made with `mistaken.py`, ncclient 0.7.1 and paramiko: what catches it with ncclient, with the
drop-in and with ncwire. Where ncwire's error is a kind of what ncclient's is called, `except` with
that name of `ncwire`'s catches it, too.
"""

from __future__ import annotations

KEY_FILE = "a kind of ``AuthenticationError``, which names the file and what is wrong with it"
NETWORK = "a kind of ``SSHError``, which says what was tried"
LATE = "a ``TransportError`` and a ``TimeoutError``, which names the step and its budget"
OPTION = "refused before any packet; a kind of ``ValueError``"
LENIENT = "the drop-in takes it; ncwire wants the type that the signature has"
SECURITY = "refused on purpose: no callback and no flag accepts another key"

MADE: dict[str, tuple[str, str, str, str]] = {
    "a wrong password": ("AuthenticationError",) * 3 + ("",),
    "an unknown user": ("AuthenticationError",) * 3 + ("",),
    "nothing to log in with": ("AuthenticationError",) * 3 + ("",),
    "a key that the server does not know": ("AuthenticationError",) * 3 + ("",),
    "a key file that is not there": ("AuthenticationError",) * 2 + ("KeyFileError", KEY_FILE),
    "a key file without a key": ("AuthenticationError",) * 2 + ("KeyFileError", KEY_FILE),
    "an encrypted key without a passphrase": (
        *("AuthenticationError",) * 2,
        "KeyFileError",
        KEY_FILE,
    ),
    "no key file, but the password": ("connects",) * 3 + ("",),
    "an encrypted key, and the login password": ("connects",) * 3 + ("",),
    "a folder for a key": ("AuthenticationError",) * 2 + ("KeyFileError", KEY_FILE),
    "an unknown host key": ("SSHUnknownHostError",) * 3 + ("",),
    "an unknown host key, and a callback that says yes": ("connects",) * 3 + ("",),
    "a changed host key": (
        *("SSHUnknownHostError",) * 2,
        "SSHHostKeyChangedError",
        "a kind of ``SSHUnknownHostError``, which names file and line",
    ),
    "a changed host key, and a callback that says yes": (
        "connects",
        "SSHUnknownHostError",
        "SSHHostKeyChangedError",
        SECURITY,
    ),
    "hostkey_b64 of another key": (
        *("SSHUnknownHostError",) * 2,
        "SSHHostKeyMismatchError",
        "a kind of ``SSHUnknownHostError``",
    ),
    "hostkey_b64 of another key, and hostkey_verify=False": (
        "connects",
        "SSHUnknownHostError",
        "SSHHostKeyMismatchError",
        SECURITY,
    ),
    "hostkey_b64 that is no key": ("SSHError", "SSHError", "OptionError", OPTION),
    "hostkey_b64 that is no base64": ("SSHError", "SSHError", "OptionError", OPTION),
    "a port where nothing listens": ("SSHError", "SSHError", "ConnectError", NETWORK),
    "a bind_addr of another machine": ("SSHError", "SSHError", "ConnectError", NETWORK),
    "a name that does not resolve": ("gaierror", "gaierror", "ConnectError", NETWORK),
    "a server that says nothing": (
        *("SSHError",) * 2,
        "StepTimeoutError",
        LATE,
    ),
    "a server that closes at once": ("SSHError", "SSHError", "HandshakeError", NETWORK),
    "a server that speaks HTTP": ("SSHError", "SSHError", "HandshakeError", NETWORK),
    "a server that speaks NETCONF without SSH": (
        *("SSHError",) * 2,
        "HandshakeError",
        NETWORK,
    ),
    "no subsystem netconf": ("SSHError", "SSHError", "ChannelError", NETWORK),
    "a subsystem that ends when it has our hello": (
        *("SessionCloseError",) * 2,
        "HelloMissingError",
        "a ``SessionError``, which shows what came in the hello's place, and what stderr says",
    ),
    "host=None": ("SSHError", "SSHError", "OptionError", OPTION),
    'host=""': ("SSHError", "SSHError", "OptionError", OPTION),
    "username=None": ("AuthenticationError",) * 3 + ("",),
    'port="830", a string': ("connects", "connects", "OptionError", LENIENT),
    "port=0": ("SSHError", "SSHError", "OptionError", OPTION),
    "port=70000": ("SSHError", "SSHError", "OptionError", OPTION),
    'port="ssh"': ("SSHError", "SSHError", "OptionError", OPTION),
    'timeout="10", a string': ("TypeError", "connects", "OptionError", LENIENT),
    "timeout=0": ("SSHError", "SSHError", "OptionError", OPTION),
    "timeout=-1": ("ValueError", "ValueError", "OptionError", OPTION),
    "timeout=None": ("connects",) * 3 + ("",),
    "keepalive=10": ("connects",) * 3 + ("",),
    'keepalive="10", a string': ("connects", "connects", "OptionError", LENIENT),
    "keepalive=-1": ("connects", "SSHError", "OptionError", OPTION),
    "allow_agent=0": ("connects", "connects", "OptionError", LENIENT),
    "key_filename=Path": ("TypeError", "connects", "connects", "a path is taken as it is"),
    "an ssh_config that is not there": (
        *("FileNotFoundError",) * 2,
        "OptionError",
        OPTION,
    ),
    "an ssh_config that is wrong": ("ConfigParseError", "SSHError", "OptionError", OPTION),
    "an environment that is no dict": ("AttributeError", "SSHError", "OptionError", OPTION),
    "sock= that is not connected": ("EOFError", "OSError", "OptionError", OPTION),
    "sock= that is closed": ("OSError", "OSError", "OptionError", OPTION),
    "sock_fd= that is none": ("OSError", "OSError", "OptionError", OPTION),
    "a .pub file for a key": ("AuthenticationError",) * 2 + ("KeyFileError", KEY_FILE),
    "two keys, and the first is not there": ("connects",) * 3 + ("",),
    "a revoked host key": (
        "InvalidHostKey",
        "SSHUnknownHostError",
        "SSHHostKeyRevokedError",
        "a kind of ``SSHUnknownHostError``, where paramiko cannot read the line",
    ),
    "a host that is known without its port": ("connects",) * 3 + ("",),
    "an unknown host key, and a callback that raises": ("LookupError",) * 3 + ("",),
    "hostkey_verify=None": ("connects", "connects", "OptionError", LENIENT),
    "password=1": ("AttributeError", "AuthenticationError", "OptionError", OPTION),
    "username=1": ("AuthenticationError", "AuthenticationError", "OptionError", OPTION),
    "host=1": ("TypeError", "SSHError", "OptionError", OPTION),
    "port=None": ("SSHError", "SSHError", "OptionError", OPTION),
    "port=True": ("OSError", "SSHError", "OptionError", OPTION),
    "port=830.0": ("OSError", "SSHError", "OptionError", OPTION),
    "timeout=nan": ("ValueError", "ValueError", "OptionError", OPTION),
    'bind_addr="nonsense"': ("SSHError", "SSHError", "ConnectError", NETWORK),
    "a user in the host": ("gaierror", "SSHError", "OptionError", OPTION),
    "an address in brackets": ("gaierror", "SSHError", "OptionError", OPTION),
    "a host with a space": ("gaierror", "SSHError", "OptionError", OPTION),
    "an address that is none": ("gaierror", "gaierror", "ConnectError", NETWORK),
    "a number in the environment": ("TypeError", "SSHError", "OptionError", OPTION),
    "sock_fd=-1": ("OSError", "OSError", "OptionError", OPTION),
    "a server that does not answer at all": (
        *("SSHError",) * 2,
        "StepTimeoutError",
        LATE,
    ),
    "a subsystem that sends no hello": (
        *("SessionError",) * 2,
        "HelloTimeoutError",
        "a kind of ``SessionError``, which shows what came in its place",
    ),
    "sock= a paramiko.ProxyCommand": (
        *("connects",) * 2,
        "OptionError",
        "the drop-in carries it; for ncwire it is ``ssh_options=['ProxyCommand=...']``",
    ),
    'a timeout of rpcs of "soon"': (
        "connects",
        "SSHError",
        "TypeError",
        "ncclient fails at the first rpc, with a TypeError; ncwire says that it is ``timeouts=``",
    ),
    "an ssh_config with a ProxyCommand that ends": (
        *("SSHError",) * 2,
        "HandshakeError",
        NETWORK,
    ),
    "a server of SSH 1": ("SSHError", "SSHError", "HandshakeError", NETWORK),
    "a server that ends in the key exchange": (
        "EOFError",
        "SSHError",
        "HandshakeError",
        NETWORK,
    ),
    "a server that takes prompts alone": ("connects",) * 3 + ("",),
    "a server that ends after one attempt": ("AuthenticationError",) * 3 + ("",),
    "device_params=None": ("connects",) * 3 + ("",),
    "a parameter that there is not": ("TypeError",) * 3 + ("",),
    "device_params of an unknown device": (
        *("ModuleNotFoundError",) * 2,
        "ProfileNotFoundError",
        "it lists the profiles that there are",
    ),
}
