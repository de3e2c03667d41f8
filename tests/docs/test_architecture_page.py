"""The page on the inside: its picture is current, its files are there, and its locks are all."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CORE, DRIVERS = ROOT / "core" / "ncwire", ROOT / "drivers"
PAGES = [
    DOCS / "architecture.rst",
    ROOT / "CONTRIBUTING.rst",
    *sorted((DOCS / "adr").glob("*.rst")),
]
LOCKS = {"Lock", "RLock", "Condition", "Semaphore", "BoundedSemaphore"}


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("picture", DOCS / "architecture_picture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


drawing = _script()


def test_the_picture_is_current() -> None:
    committed = drawing.PICTURE.read_text(encoding="utf-8")
    assert drawing.picture() == committed, f"out of date: {drawing.COMMAND}"


def test_a_room_stands_above_all_that_it_imports() -> None:
    graph = {"top": {"a", "low"}, "a": {"b"}, "b": {"low"}, "low": set()}

    assert drawing.floors(graph) == [["low"], ["b"], ["a"], ["top"]]
    assert drawing.needed(graph) == {"top": {"a"}, "a": {"b"}, "b": {"low"}, "low": set()}


def test_rooms_in_a_circle_stand_on_one_floor_with_all_their_arrows() -> None:
    graph = {"top": {"a"}, "a": {"b", "low"}, "b": {"a"}, "low": set()}

    assert drawing.circles(graph) == [{"a", "b"}, {"low"}, {"top"}]
    assert drawing.floors(graph) == [["low"], ["a", "b"], ["top"]]
    assert drawing.needed(graph) == graph


def test_imports_of_every_form_are_seen(tmp_path: Path) -> None:
    package = tmp_path / "core" / "ncwire"
    for name, source in {
        "__init__.py": "",
        "a.py": "if TYPE_CHECKING:\n    from ncwire.deep.inner import x",
        "deep/__init__.py": "from ncwire import a",
        "deep/inner.py": "def f():\n    from .. import a\n    from . import x",
        "__main__.py": "import ncwire.deep",
    }.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(source, encoding="utf-8")
    (tmp_path / "drivers").mkdir()

    graph = drawing.arrows(drawing.modules(tmp_path))
    assert graph == {"ncwire": set(), "ncwire.a": {"ncwire.deep"}, "ncwire.deep": {"ncwire.a"}}


def _file(name: str) -> Path:
    if name.startswith(("benchmarks/", "core/", "docs/", "drivers/", "tests/")):
        return ROOT / name
    return (DRIVERS if name.startswith("ncwire_") else CORE) / name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_files_that_a_page_names_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = {*re.findall(r"``(_?[a-z][\w/]*(?:\.py|/))``", text)}
    missing = [name for name in named if not _file(name).exists()]
    assert missing == []


def _locks() -> Iterator[tuple[str, str]]:
    """Yield the file and the name of each lock that an object keeps, and "" for any other."""
    for folder in (CORE, DRIVERS):
        for path in sorted(folder.rglob("*.py")):
            if path.is_relative_to(CORE / "testing" / "conformance" / "suites"):
                continue
            name = path.relative_to(folder).as_posix()
            for cls in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(cls, ast.ClassDef):
                    yield from ((name, lock) for lock in _locks_of(cls))


def _locks_of(cls: ast.ClassDef) -> Iterator[str]:
    for node in ast.walk(cls):
        match node:
            case (
                ast.Assign(targets=[target], value=ast.Call(func=called))
                | ast.AnnAssign(target=target, value=ast.Call(func=called))
            ) if ast.unparse(called).rpartition(".")[2] in LOCKS:
                owner, _, attribute = ast.unparse(target).rpartition(".")
                if owner == "self":
                    yield f"{cls.name}.{attribute}"


def test_every_lock_has_its_row_with_its_file_and_no_other() -> None:
    text = (DOCS / "architecture.rst").read_text(encoding="utf-8")
    rows = re.findall(r"   \* - (``\w+\.\w+``(?:, ``\w+\.\w+``)*)\n     - ``([\w/.]+)``", text)
    told = {(file, lock) for locks, file in rows for lock in re.findall(r"[\w.]+", locks)}

    # Of these a page's reader wants to know, too; they are given to what is not ours.
    not_made_here = {
        ("_latch.py", "Latch._waiters"),
        ("ncwire_paramiko/locks.py", "Channels._lock"),
        ("ncwire_paramiko/locks.py", "_Pipe._lock"),
    }
    assert told - not_made_here == {*_locks()}
