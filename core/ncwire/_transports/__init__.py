"""Sessions by way of a driver, a class for each protocol that carries NETCONF."""
