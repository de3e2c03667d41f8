"""Logging in: which credentials, in which order."""
