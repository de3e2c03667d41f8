"""The way to the server: sockets, ProxyCommand, jump hosts."""
