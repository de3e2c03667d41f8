"""The options that come of the documented parameters."""

from __future__ import annotations

from ncwire._ssh.options.parameters import Parameters
from ncwire._ssh.options.resolve import settle


def settled(known_hosts=(), **given):
    given.setdefault("host", "r1")
    return settle(Parameters(**given), known_hosts)
