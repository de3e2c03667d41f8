"""The inventory: devices, groups and references to secrets in one TOML file."""

from ncwire.inventory.device import Device, Setting
from ncwire.inventory.inventory import Inventory
from ncwire.inventory.secrets import Secret

__all__ = ["Device", "Inventory", "Secret", "Setting"]
