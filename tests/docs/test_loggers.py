"""A logger that a page names is one that the code has: programs set its level by that name."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"logger\s+``(ncwire[\w.]*)``")


def _loggers() -> Iterator[str]:
    for folder in ("core", "drivers"):
        for path in (ROOT / folder).rglob("*.py"):
            module = ".".join(path.relative_to(ROOT / folder).with_suffix("").parts)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                match node:
                    case ast.Call(
                        func=ast.Attribute(attr="getLogger"), args=[ast.Name("__name__")]
                    ):
                        yield module.removesuffix(".__init__")
                    case ast.Call(
                        func=ast.Attribute(attr="getLogger"), args=[ast.Constant(str(name))]
                    ):
                        yield name


def test_every_logger_that_a_page_names_is_there() -> None:
    pages = [*ROOT.glob("*.rst"), *(ROOT / "docs").rglob("*.rst")]
    named = {name for page in pages for name in NAMED.findall(page.read_text(encoding="utf-8"))}
    assert "ncwire.ssh.auth" in named
    assert named - {*_loggers()} == set()
