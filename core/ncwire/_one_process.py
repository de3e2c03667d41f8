"""`OneProcess`: what is bound to the process that made it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from typing import SupportsIndex


class OneProcess:
    """Something with a connection: neither copied nor pickled, of which nothing good can come."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} cannot be copied or pickled: its connection is this object's "
            "and this process's alone; hand on what it takes to connect anew"
        )
