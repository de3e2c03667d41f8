"""The reference of every public name, made from the code: the text of docs/api.rst.

What is public is what a module of `MODULES` has in its `__all__`, and nothing else. A class is
described once; where another module has it too, that is said.
"""

# ruff: noqa: INP001 - beside the pages, not part of a package

from __future__ import annotations

import ast
import enum
import inspect
import re
import sys
import textwrap
from importlib import import_module
from types import FunctionType, ModuleType, UnionType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULES = (
    "ncwire",
    "ncwire.transport",
    "ncwire.errors",
    "ncwire.driver",
    "ncwire.profiles",
    "ncwire.inventory",
    "ncwire.callhome",
    "ncwire.aio",
    "ncwire.aio.callhome",
    "ncwire.persistent",
    "ncwire.observe",
    "ncwire.contrib.ncclient",
    "ncwire.contrib.nornir",
    "ncwire.contrib.opentelemetry",
    "ncwire.probe",
    "ncwire.testing",
    "ncwire.bench",
)
"""The public modules, in the order of the page."""

_WIDTH = 99
_PLAIN = (int, float, str, bytes, bool, type(None))
_CODE = re.compile(r"`+([^`]+)`+")
_ESCAPED = re.compile(r"\*(?!\w+\*)(?<!\w\*)|[|\\]|(?<=\w)_(?!\w)")
"""What means something to reStructuredText, and is only a character here; not *emphasis*."""


def names(module: str) -> list[str]:
    """Return a module's public names, in the order of its `__all__`."""
    return list(getattr(import_module(module), "__all__", ()))


def reference() -> str:
    """Return the text of the page below its head."""
    homes = _homes()
    sections = []
    for module in MODULES:
        doc = inspect.getdoc(import_module(module)) or ""
        title = f"{module}\n{'-' * len(module)}"
        entries = [_entry(module, name, homes) for name in names(module)]
        nothing = (
            [] if entries else ["It has no names for programs; the command is its interface."]
        )
        sections.append("\n\n".join([title, _prose(doc), *nothing, *entries]))
    return "\n\n".join(sections) + "\n"


def _homes() -> dict[int, str]:
    """Return by each object's id the name under which it is described."""
    homes: dict[int, str] = {}
    errors = names("ncwire.errors")
    for module in MODULES:
        for name in names(module):
            found = getattr(import_module(module), name)
            home = "ncwire.errors" if name in errors else module
            if isinstance(found, type | FunctionType):
                homes.setdefault(id(found), f"{home}.{name}")
    return homes


def _entry(module: str, name: str, homes: dict[int, str]) -> str:
    found = getattr(import_module(module), name)
    home = homes.get(id(found), f"{module}.{name}")
    if home != f"{module}.{name}":
        body = f"The same as ``{home}``."
    elif isinstance(found, ModuleType):
        body = f"The module ``{found.__name__}``, imported when it is first asked for."
    elif isinstance(found, type):
        body = _class(found, homes)
    elif isinstance(found, FunctionType):
        body = _function(found)
    else:
        body = _constant(module, name, found)
    return f"``{name}``\n{textwrap.indent(body, '    ')}"


def _function(function: FunctionType) -> str:
    text = f"*Function*, ``{function.__name__}{_signature(function)}``."
    return "\n\n".join([_wrapped(text), _prose(inspect.getdoc(function) or "")])


def _class(cls: type, homes: dict[int, str]) -> str:
    bases = [*filter(None, (_base(base, homes) for base in cls.__bases__))]
    kind = "Exception" if issubclass(cls, BaseException) else "Class"
    text = f"*{kind}*"
    if _is_called(cls):
        text += f", ``{cls.__name__}{_signature(cls)}``"
    if bases:
        text += ", a " + " and a ".join(f"``{base}``" for base in bases)
    members = [f"- {_hanging(each)}" for each in _members(cls, homes)]
    parts = [_wrapped(f"{text}."), _prose(inspect.getdoc(cls) or ""), "\n".join(members)]
    return "\n\n".join(filter(None, parts))


def _is_called(cls: type) -> bool:
    """Return whether its constructor is for programs: an error is caught, an enum looked up."""
    if issubclass(cls, BaseException | enum.Enum):
        return False
    return "__init__" in vars(cls) or issubclass(cls, tuple)


def _base(base: type, homes: dict[int, str]) -> str | None:
    if id(base) in homes:
        return homes[id(base)]
    if base.__module__ in ("abc", "enum", "typing") or base in (object, tuple, Exception):
        return None
    if base.__module__.startswith("ncwire"):
        return None
    return base.__name__ if base.__module__ == "builtins" else f"{base.__module__}.{base.__name__}"


def _members(cls: type, homes: dict[int, str]) -> Iterator[str]:
    if issubclass(cls, enum.Enum):
        yield from (f"``{each.name}``: ``{each.value!r}``" for each in cls)
        return
    seen: set[str] = set()
    for owner in cls.__mro__:
        # What a base brings that has an entry of its own is told there.
        described = owner is not cls and id(owner) in homes
        if described or not owner.__module__.startswith("ncwire"):
            continue
        for name, text in [*_attributes(owner), *_methods(owner)]:
            if name not in seen:
                seen.add(name)
                yield text


def _methods(cls: type) -> Iterator[tuple[str, str]]:
    for name, member in vars(cls).items():
        function = inspect.unwrap(member.__func__) if hasattr(member, "__func__") else member
        if name.startswith("_") or not isinstance(function, FunctionType | property):
            continue
        doc = _inline(inspect.getdoc(getattr(cls, name)) or "")
        shown = (
            name if isinstance(function, property) else f"{name}{_signature(function, own=True)}"
        )
        yield name, f"``{shown}``: {doc}" if doc else f"``{shown}``"


def _attributes(cls: type) -> Iterator[tuple[str, str]]:
    (source,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    body = source.body if isinstance(source, ast.ClassDef) else []
    for name, doc in _documented(body):
        if doc and not name.startswith("_"):
            yield name, f"``{name}``: {_inline(doc)}"


def _documented(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Yield the names that are assigned, each with the string that stands behind it."""
    for statement, after in zip(body, [*body[1:], None], strict=True):
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                pass
            case _:
                continue
        match after:
            case ast.Expr(value=ast.Constant(value=str(doc))):
                yield name, inspect.cleandoc(doc)
            case _:
                yield name, ""


def _constant(module: str, name: str, found: object) -> str:
    if isinstance(found, UnionType):
        parts = " | ".join(each.__name__ for each in found.__args__)
        return _wrapped(f"*Type*, ``{parts}``.")
    plain = isinstance(found, _PLAIN) or (
        isinstance(found, tuple) and all(isinstance(each, _PLAIN) for each in found)
    )
    text = f"*Constant*, ``{found!r}``." if plain else f"*Constant*, a ``{type(found).__name__}``."
    return "\n\n".join(filter(None, [_wrapped(text), _prose(_doc_of_constant(module, name))]))


def _doc_of_constant(module: str, name: str) -> str:
    for loaded in sorted(name for name in sys.modules if f"{name}.".startswith(f"{module}.")):
        if name in vars(sys.modules[loaded]):
            tree = ast.parse(inspect.getsource(sys.modules[loaded]))
            doc = dict(_documented(tree.body)).get(name)
            if doc:
                return doc
    return ""


def _signature(function: FunctionType | type, *, own: bool = False) -> str:
    """Return names and defaults: what a call is written with. `own`: without `self`."""
    parameters = list(inspect.signature(function).parameters.values())
    if own and parameters and parameters[0].name in ("self", "cls"):
        del parameters[0]
    plain = [
        each.replace(annotation=inspect.Parameter.empty, default=_default(each.default))
        for each in parameters
    ]
    return str(inspect.Signature(plain))


class _Shown:
    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _default(value: object) -> object:
    if value is inspect.Parameter.empty or isinstance(value, _PLAIN):
        return value
    return _Shown("()" if value == () else "...")


def _prose(doc: str) -> str:
    return "\n\n".join(_paragraph(each) for each in doc.split("\n\n") if each)


def _paragraph(text: str) -> str:
    if not text.startswith("- "):
        return _wrapped(_inline(text))
    items = text.removeprefix("- ").split("\n- ")
    return "\n".join(f"- {_hanging(_inline(each))}" for each in items)


def _inline(text: str) -> str:
    """Return a docstring's text as reStructuredText, on one line."""
    text = " ".join(text.split())
    parts = _CODE.split(text)
    # Every second part was in backticks.
    escaped = [_ESCAPED.sub(r"\\\g<0>", each) for each in parts[::2]]
    quoted = [f"``{each}``" for each in parts[1::2]]
    return "".join(piece for pair in zip(escaped, [*quoted, ""], strict=True) for piece in pair)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _WIDTH - 4, break_long_words=False, break_on_hyphens=False)


def _hanging(text: str) -> str:
    return textwrap.fill(
        text, _WIDTH - 6, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
