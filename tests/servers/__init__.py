"""Real servers for the tests: OpenSSH's sshd, netconfd behind it, and servers of other makes."""
