"""Other NETCONF clients as contestants, each run by a Python of its own."""
