"""Parameters of `ncwire.connect` on their way to a process of ours, by a pipe of ours.

They may hold a profile or a jump host, which JSON has no form for.
"""

from __future__ import annotations

import base64
import copyreg
import io
import pickle
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def packed(parameters: Mapping[str, Any]) -> str:
    """Return them as text."""
    target = io.BytesIO()
    pickler = pickle.Pickler(target)
    pickler.dispatch_table = copyreg.dispatch_table | {MappingProxyType: _of_read_only}
    pickler.dump(dict(parameters))
    return base64.b64encode(target.getvalue()).decode("ascii")


def unpacked(text: str) -> dict[str, Any]:
    """Return what was packed, which must be what this program has packed itself."""
    parameters: dict[str, Any] = pickle.loads(base64.b64decode(text))  # noqa: S301 - from our own pipe
    return parameters


def _of_read_only(mapping: MappingProxyType[Any, Any]) -> tuple[Any, ...]:
    return _read_only, (dict(mapping),)


def _read_only(content: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    # The class itself has no name in any module that pickle could look up.
    return MappingProxyType(content)
