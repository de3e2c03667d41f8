"""The import arrows: who may import whom, read from the sources."""

from __future__ import annotations

import ast
import configparser
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parents[2]
CORE = ROOT / "core" / "ncwire"
DRIVERS = ROOT / "drivers"

BACKENDS = {"paramiko", "ssh2"}
LIBRARY_OF = {"ncwire_paramiko": "paramiko", "ncwire_libssh2": "ssh2"}
DRIVER_PACKAGES = {folder.name for folder in DRIVERS.iterdir() if folder.is_dir()}

MAY_USE_IN_FUNCTIONS = {
    "testing/": {"paramiko"},
    "ssh/config": {"paramiko"},
    "bench/floor/": BACKENDS,
}
"""The embedded server, the fallback parser of ssh_config, and bench's floors: a bare loop over
each library."""

MAY_USE_THE_TEST_KIT = {"bench/embedded.py"}
"""bench's own server, where there is no sshd."""

SANS_IO = [
    "capabilities.py",
    *(path.relative_to(CORE).as_posix() for path in sorted((CORE / "framing").glob("*.py"))),
    "messages.py",
    "operation.py",
    "protocol.py",
    "rpc_document.py",
]
INPUT_AND_OUTPUT = {
    "asyncio",
    "concurrent",
    "multiprocessing",
    "queue",
    "select",
    "selectors",
    "socket",
    "ssl",
    "subprocess",
    "threading",
}

When = Literal["import", "call", "never"]
"""On the module's import, on a function's call, or for type checkers only."""


@dataclass(frozen=True)
class Import:
    module: str
    when: When

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]


def imports(source: str, package: str) -> list[Import]:
    return list(_imports(ast.parse(source).body, package, "import"))


def _imports(nodes: Iterable[ast.AST], package: str, when: When) -> Iterator[Import]:
    for child in nodes:
        match child:
            case ast.Import(names=names):
                for name in names:
                    yield Import(name.name, when)
            case ast.ImportFrom(module=module, names=names, level=level):
                above = package.split(".")[: len(package.split(".")) - level + 1] if level else []
                base = ".".join([*above, *([module] if module else [])])
                # `from a import b` may import the module a.b.
                for name in names:
                    yield Import(f"{base}.{name.name}", when)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                yield from _imports(ast.iter_child_nodes(child), package, "call")
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), body=body, orelse=orelse):
                yield from _imports(body, package, "never")
                yield from _imports(orelse, package, when)
            case _:
                yield from _imports(ast.iter_child_nodes(child), package, when)


def imports_of(path: Path, root: Path) -> list[Import]:
    package = ".".join(path.relative_to(root).parts[:-1])
    return imports(path.read_text(encoding="utf-8"), package)


def modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def is_below(module: str, *packages: str) -> bool:
    return any(f"{module}.".startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("path", modules(CORE), ids=name)
def test_core_imports_no_backend_library_and_no_driver(path):
    inside = path.relative_to(CORE).as_posix()
    allowed = {
        library
        for place, libraries in MAY_USE_IN_FUNCTIONS.items()
        if inside.startswith(place)
        for library in libraries
    }

    for each in imports_of(path, CORE.parent):
        assert each.top not in DRIVER_PACKAGES
        if each.top in BACKENDS:
            assert each.top in allowed
            assert each.when != "import"


@pytest.mark.parametrize("path", modules(CORE), ids=name)
def test_only_the_registry_imports_stevedore_in_functions(path):
    for each in imports_of(path, CORE.parent):
        if each.top == "stevedore":
            assert path == CORE / "registry.py"
            assert each.when == "call"


@pytest.mark.parametrize("path", modules(CORE), ids=name)
def test_only_the_command_imports_rich(path):
    if path.is_relative_to(CORE / "cli"):
        return
    assert "rich" not in {each.top for each in imports_of(path, CORE.parent)}


@pytest.mark.parametrize("path", modules(CORE), ids=name)
def test_the_library_does_not_import_the_command_or_the_test_kit(path):
    if path.is_relative_to(CORE / "cli") or path == CORE / "__main__.py":
        return
    used = {each.module for each in imports_of(path, CORE.parent)}
    assert not {module for module in used if is_below(module, "ncwire._cli")}
    if path.relative_to(CORE).as_posix() not in MAY_USE_THE_TEST_KIT and not (
        path.is_relative_to(CORE / "testing")
    ):
        assert not {module for module in used if is_below(module, "ncwire.testing")}


@pytest.mark.parametrize("path", modules(CORE), ids=name)
def test_only_the_plot_imports_matplotlib_in_functions(path):
    for each in imports_of(path, CORE.parent):
        if each.top == "matplotlib" and each.when != "never":
            assert path == CORE / "bench" / "plot.py"
            assert each.when == "call"


@pytest.mark.parametrize("path", modules(CORE), ids=name)
def test_the_library_does_not_import_the_benchmark(path):
    inside = path.relative_to(CORE).parts[0]
    used = {each.module for each in imports_of(path, CORE.parent)}
    if inside not in ("bench", "cli"):
        assert not {module for module in used if is_below(module, "ncwire.bench")}


@pytest.mark.parametrize("inside", SANS_IO)
def test_sans_io_modules_import_no_socket_thread_or_selector(inside):
    used = {each.top for each in imports_of(CORE / inside, CORE.parent)}
    assert not used & INPUT_AND_OUTPUT


@pytest.mark.parametrize("path", modules(CORE / "driver"), ids=name)
def test_the_contract_imports_only_itself_and_the_errors(path):
    for each in imports_of(path, CORE.parent):
        if each.top == "ncwire" and each.when == "import":
            assert is_below(each.module, "ncwire.driver", "ncwire.errors", "ncwire.driver.lazy")


def test_what_imports_names_late_imports_nothing_of_ncwire():
    assert "ncwire" not in {each.top for each in imports_of(CORE / "late.py", CORE.parent)}


@pytest.mark.parametrize("path", modules(DRIVERS), ids=name)
def test_a_driver_imports_only_the_contract_the_errors_and_its_library(path):
    own = path.relative_to(DRIVERS).parts[0]

    for each in imports_of(path, DRIVERS):
        if each.top == "ncwire":
            assert is_below(each.module, "ncwire.driver", "ncwire.errors")
        else:
            assert each.top in sys.stdlib_module_names | {own, LIBRARY_OF[own]}


def test_every_package_is_installed():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = setup["options"]["packages"].split()

    there = [
        ".".join(folder.parent.relative_to(root).parts)
        for root in (CORE.parent, DRIVERS)
        for folder in root.rglob("__init__.py")
    ]
    assert sorted(listed) == sorted(there)


def test_the_reader_of_imports_sees_every_form():
    source = """
import a.b
from c import d
from . import e
from ..f import g
if TYPE_CHECKING:
    import h
else:
    import k
class K:
    import i
    def m(self):
        import j
"""
    found = imports(source, "top.sub")

    assert [(each.module, each.when) for each in found] == [
        ("a.b", "import"),
        ("c.d", "import"),
        ("top.sub.e", "import"),
        ("top.f.g", "import"),
        ("h", "never"),
        ("k", "import"),
        ("i", "import"),
        ("j", "call"),
    ]
