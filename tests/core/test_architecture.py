"""The import arrows: who may import whom, read from the sources."""

from __future__ import annotations

import ast
import configparser
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parents[2]
CORE = ROOT / "core" / "ncwire"
DRIVERS = ROOT / "drivers"

BACKENDS = {"paramiko", "ssh2"}
LIBRARY_OF = {"ncwire_paramiko": "paramiko", "ncwire_libssh2": "ssh2", "ncwire_openssh": ""}
DRIVER_PACKAGES = {folder.name for folder in DRIVERS.iterdir() if folder.is_dir()}

MAY_USE_LIBRARIES_IN_FUNCTIONS = {
    "ncwire.testing": {"paramiko"},
    "ncwire._ssh.config": {"paramiko"},
    "ncwire.bench.floor": BACKENDS,
}
"""The embedded server, the fallback parser of ssh_config, and bench's floors: a bare loop over
each library."""

MAY_USE_THE_TEST_KIT = {"ncwire.bench.beside", "ncwire.bench.embedded"}
"""bench's own server, where there is no sshd."""

ROOMS = {
    "ncwire": "what a program imports",
    "ncwire._algorithms": "which SSH algorithms are offered, asked for and advised",
    "ncwire._cli": "the command",
    "ncwire._engine": "threads, one channel, and thousands of connections",
    "ncwire._plugins": "drivers: found, chosen, called under guard",
    "ncwire._protocol": "NETCONF without I/O",
    "ncwire._session": "what is said over a connection",
    "ncwire._ssh": "what all SSH drivers share",
    "ncwire._transports": "sessions over SSH, TLS, Unix sockets and what else drivers bring",
    "ncwire.aio": "sessions by await",
    "ncwire.bench": "backends against each other",
    "ncwire.callhome": "devices that call",
    "ncwire.contrib": "what joins ncwire to other libraries",
    "ncwire.driver": "the contract",
    "ncwire.errors": "what is raised",
    "ncwire.inventory": "devices in a file",
    "ncwire.persistent": "sessions that come back",
    "ncwire.observe": "what sessions do, told to who observes them",
    "ncwire.probe": "what a device is",
    "ncwire.profiles": "how a family of devices is spoken to",
    "ncwire.testing": "servers to test against, and the conformance kit",
    "ncwire.transport": "the documented transport API",
}
"""The rooms of the house. What has no underscore is public."""

FLAT = {
    "__main__",
    "_filename",
    "_interrupts",
    "_latch",
    "_one_process",
    "_unclosed",
    "_users_code",
    "_version",
}
"""The modules beside the rooms: what all rooms use, and a door."""

LOWEST = {
    "ncwire.driver",
    "ncwire.errors",
    "ncwire._filename",
    "ncwire._interrupts",
    "ncwire._latch",
    "ncwire._one_process",
    "ncwire._unclosed",
    "ncwire._users_code",
}
MAY_USE: dict[str, set[str]] = {
    "ncwire.errors": {"ncwire.driver.algorithms"},  # a value, which imports nothing itself
    "ncwire.driver": {"ncwire.errors"},
    "ncwire._protocol": LOWEST,
    "ncwire._engine": LOWEST | {"ncwire._protocol"},
    "ncwire.observe": LOWEST | {"ncwire._version"},
    "ncwire._session": LOWEST | {"ncwire._protocol", "ncwire._engine", "ncwire.observe"},
    "ncwire._plugins": LOWEST,
    "ncwire._algorithms": LOWEST | {"ncwire._plugins"},
}
"""What the lower rooms may import, for type checkers and in functions too."""

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


@cache
def modules(root: Path) -> dict[str, list[Import]]:
    """Return each module below the folder, by its name, with what it imports."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        package = ".".join(path.relative_to(root).parts[:-1])
        module = package if path.stem == "__init__" else f"{package}.{path.stem}"
        found[module.strip(".")] = imports(path.read_text(encoding="utf-8"), package)
    return found


def is_below(module: str, *packages: str) -> bool:
    return any(f"{module}.".startswith(f"{package}.") for package in packages)


@cache
def of_the_core() -> dict[str, list[Import]]:
    return {name: each for name, each in modules(CORE.parent).items() if is_below(name, "ncwire")}


def room_of(module: str) -> str:
    return max((room for room in ROOMS if is_below(module, room)), key=len, default="")


def arrows() -> Iterator[tuple[str, Import]]:
    for module, imported in of_the_core().items():
        for each in imported:
            yield module, each


def target(each: Import) -> str | None:
    """Return the module of ncwire's that is imported; a name comes from where its module is."""
    for module in (each.module, each.module.rpartition(".")[0]):
        if module in of_the_core():
            return module
    return None


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return what can be reached from itself, a list for each knot (Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for other in sorted(graph[module]):
            if other not in index:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], index[other])
        if low[module] == index[module]:
            knot = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(knot) > 1:
                found.append(sorted(knot))

    for module in sorted(graph):
        if module not in index:
            visit(module)
    return found


def graph() -> dict[str, set[str]]:
    """Return who imports whom, type hints and imports in functions included.

    The faces of packages, which only hand names on, are left out: who imports a module of a
    package runs its face too.
    """
    own = of_the_core()
    faces = {module for module in own if (CORE.parent / module.replace(".", "/")).is_dir()}
    found: dict[str, set[str]] = {module: set() for module in own if module not in faces}
    for module, each in arrows():
        other = target(each)
        if module in found and other in found and other != module:
            found[module].add(other)
    return found


def test_there_is_no_circle():
    assert circles(graph()) == []


def test_a_circle_is_seen():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]


def test_each_module_stands_in_a_room():
    flat = {path.stem for path in CORE.glob("*.py")} - {"__init__"}
    assert flat == FLAT
    rooms = {f"ncwire.{path.parent.name}" for path in CORE.glob("*/__init__.py")}
    assert rooms | {"ncwire"} == set(ROOMS)


def test_a_room_imports_only_what_stands_below_it():
    wrong = [
        f"{module} imports {each.module}"
        for module, each in arrows()
        if (room := room_of(module)) in MAY_USE
        and each.top == "ncwire"
        and not is_below(each.module, room, *MAY_USE[room])
    ]
    assert wrong == []


def test_the_contract_imports_only_itself_and_the_errors():
    wrong = [
        f"{module} imports {each.module}"
        for module, each in arrows()
        if is_below(module, "ncwire.driver")
        and each.top == "ncwire"
        and not is_below(each.module, "ncwire.driver", "ncwire.errors")
    ]
    assert wrong == []


def test_core_imports_no_backend_library_and_no_driver():
    for module, each in arrows():
        assert each.top not in DRIVER_PACKAGES, module
        if each.top in BACKENDS:
            places = [at for at in MAY_USE_LIBRARIES_IN_FUNCTIONS if is_below(module, at)]
            assert any(each.top in MAY_USE_LIBRARIES_IN_FUNCTIONS[at] for at in places), module
            assert each.when != "import", module


def test_only_the_registry_imports_stevedore_in_functions():
    found = {(module, each.when) for module, each in arrows() if each.top == "stevedore"}
    assert found == {("ncwire._plugins.registry", "call")}


def test_only_the_command_and_what_the_benchmarks_show_import_rich():
    users = {module for module, each in arrows() if each.top == "rich"}
    others = {module for module in users if not is_below(module, "ncwire._cli")}
    assert others == {"ncwire.bench.progress", "ncwire.bench.report"}


def test_only_the_plot_imports_matplotlib_in_functions():
    found = {
        (module, each.when)
        for module, each in arrows()
        if each.top == "matplotlib" and each.when != "never"
    }
    assert found == {("ncwire.bench.plot", "call")}


def test_the_library_does_not_import_the_command_the_benchmark_or_the_test_kit():
    for module, each in arrows():
        if is_below(module, "ncwire._cli", "ncwire.__main__"):
            continue
        assert not is_below(each.module, "ncwire._cli"), module
        if not is_below(module, "ncwire.bench"):
            assert not is_below(each.module, "ncwire.bench"), module
        if not is_below(module, "ncwire.testing", *MAY_USE_THE_TEST_KIT):
            assert not is_below(each.module, "ncwire.testing"), module


def test_sans_io_modules_import_no_socket_thread_or_selector():
    used = {each.top for module, each in arrows() if is_below(module, "ncwire._protocol")}
    assert not used & INPUT_AND_OUTPUT


def test_what_imports_names_late_imports_nothing_of_ncwire():
    assert "ncwire" not in {each.top for each in of_the_core()["ncwire.driver.lazy"]}


def test_a_driver_imports_only_the_contract_the_errors_and_its_library():
    for module, imported in modules(DRIVERS).items():
        own = module.partition(".")[0]
        for each in imported:
            if each.top == "ncwire":
                assert is_below(each.module, "ncwire.driver", "ncwire.errors"), module
            else:
                assert each.top in sys.stdlib_module_names | {own, LIBRARY_OF.get(own)}, module


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
