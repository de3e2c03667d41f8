"""Hosts that are jumped through."""

from __future__ import annotations

import pytest


@pytest.fixture
def hosts(make_sshd):
    """Two jump hosts and the device behind them."""
    return [make_sshd(), make_sshd(), make_sshd()]
