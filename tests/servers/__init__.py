"""Real servers for the tests: OpenSSH's sshd, and netconfd behind it."""
