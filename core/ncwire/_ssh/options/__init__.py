"""What a caller asks for, and what ssh_config adds."""
