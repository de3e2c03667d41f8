"""Whose key a server shows, and whether it is believed."""
