"""What all comparisons share: who there is, the server, tables."""
