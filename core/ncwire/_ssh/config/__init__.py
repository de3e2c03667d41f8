"""ssh_config(5): what an OpenSSH client configuration says for a host.

OpenSSH itself resolves it (`ssh -G`); where its client is not installed, paramiko's parser does,
as far as it goes. No state is shared: any number of threads may resolve at once.
"""

from ncwire._ssh.config.lookup import Configuration, resolve
from ncwire._ssh.config.result import SSHConfig

__all__ = ["Configuration", "SSHConfig", "resolve"]
