"""The engine: threads, one channel each, and thousands of connections."""
