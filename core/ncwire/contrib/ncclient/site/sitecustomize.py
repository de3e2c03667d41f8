"""Imported by each interpreter whose PYTHONPATH names this folder: see `child` beside it.

It only waits: ncclient is changed once a program has imported it, so that an interpreter which
does not pays nothing. Then the `sitecustomize` that would have been imported without it is.
"""
# ruff: noqa: INP001 - a folder on PYTHONPATH is no package

from __future__ import annotations

import importlib.util
import os
import sys
from _thread import _local as local  # `threading` is not imported for an interpreter's start
from importlib.machinery import PathFinder

# The module's name for type checkers only: an interpreter's start is not to wait for `typing`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib takes 10 ms


class _Waiting:
    """Finds ncclient as Python does, and has it changed when it has been imported.

    It stays until then: many a program first looks whether ncclient is there.
    """

    def __init__(self) -> None:
        self._asking = local()

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - as Python calls it
        target: ModuleType | None = None,  # noqa: ARG002 - as above
    ) -> ModuleSpec | None:
        if name != "ncclient" or getattr(self._asking, "now", False):
            return None
        self._asking.now = True  # the others, and not itself once more
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._asking.now = False
        if spec is None or spec.loader is None:
            return spec
        run = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            run(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
                _install()

        spec.loader.exec_module = exec_module  # type: ignore[method-assign] # of this one loader
        return spec


def _install() -> None:
    try:
        from ncwire.contrib.ncclient.child import install_as_told  # noqa: PLC0415 - not before
    except ImportError as error:
        print(f"ncwire.contrib.ncclient: not installed: {error}", file=sys.stderr)  # noqa: T201
    else:
        install_as_told()


def _next_sitecustomize() -> None:
    others = [path for path in sys.path if os.path.abspath(path) != _HERE]  # noqa: PTH100
    spec = PathFinder.find_spec(__name__, others)
    if spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules[__name__] = module
    spec.loader.exec_module(module)


if "NCWIRE_NCCLIENT" in os.environ:
    sys.meta_path.insert(0, _Waiting())
_next_sitecustomize()
