"""What all comparisons share: the server, contestants' processes, rounds, tables."""
