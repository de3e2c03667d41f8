"""Names of a package that are imported when they are first asked for (PEP 562).

So `import ncwire` takes no longer for what only some programs use, or only once they connect.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def late(
    package: str, places: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the package's `__getattr__` and `__dir__`.

    `places` are the modules that the names are in; a name's own module is the name itself.
    """

    def __getattr__(name: str) -> object:  # noqa: N807 - as tracebacks show it
        if name not in places:
            raise AttributeError(
                f"module {package!r} has no attribute {name!r}",
                name=name,
                obj=sys.modules[package],
            )
        module = import_module(places[name])
        return module if places[name] == f"{package}.{name}" else getattr(module, name)

    def __dir__() -> list[str]:  # noqa: N807 - as above
        return sorted({*vars(sys.modules[package]), *places})

    return __getattr__, __dir__
