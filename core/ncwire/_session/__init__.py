"""What is said over a connection: calls, replies, listeners."""
