"""SSH algorithms: what a driver offers, a policy asks for, and a server has."""
