"""The inventory, as the command finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire.inventory import Inventory, location

if TYPE_CHECKING:
    import argparse


def add_to(group: argparse._ArgumentGroup | argparse.ArgumentParser) -> None:
    """Add the option that names the file."""
    group.add_argument(
        "--inventory",
        metavar="FILE",
        help=f"the file of devices; default: ${location.ENVIRONMENT}, ./{location.FILENAME}, or "
        f"~/.config/ncwire/{location.FILENAME}",
    )


def find(given: str | None) -> Inventory | None:
    """Return the inventory, None if there is none and none is named. Raises `InventoryError`."""
    path = given or location.find()
    return None if path is None else Inventory.load(path)
