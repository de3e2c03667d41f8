"""What all tests share: real servers, see servers/."""

pytest_plugins = ["servers.fixtures"]
