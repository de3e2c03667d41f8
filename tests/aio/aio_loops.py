"""The kinds of event loops."""

from __future__ import annotations

import asyncio

import pytest


def loop_factory(kind: str):
    if kind == "uvloop":
        return pytest.importorskip("uvloop").new_event_loop
    return asyncio.SelectorEventLoop
