"""Drivers: found by entry points, chosen, and called under guard."""
