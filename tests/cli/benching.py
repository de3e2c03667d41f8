"""What the tests of `ncwire bench` share: the shortest of runs, and the document it prints."""

from __future__ import annotations

import json

TINY = ["--rounds", "2", "--seconds", "0.01", "--connections", "2"]
ONE = [*TINY, "--drivers", "paramiko"]


def document(out: str) -> dict:
    return json.loads(out)
