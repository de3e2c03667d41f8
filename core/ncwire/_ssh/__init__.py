"""What every SSH driver shares: the connection, from ssh_config to the open channel."""
