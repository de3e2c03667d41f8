"""The picture of the packages and who imports whom: `python docs/architecture_picture.py`.

It is made from the imports alone, those for type checkers and those in functions included, so it
cannot say what is not so. A room is a package, or a module that lies beside the packages; it
stands above everything that it imports. An arrow that others say already (A to C, where A imports
B and B imports C) is left out. Rooms that import each other in a circle stand on one floor, and
their arrows are red.
"""

# ruff: noqa: INP001, T201 - a script beside the pages, not part of a package

from __future__ import annotations

import ast
import itertools
import sys
import textwrap
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

PAGES = Path(__file__).parent
ROOT = PAGES.parent
PICTURE = PAGES / "architecture.svg"
COMMAND = "python docs/architecture_picture.py"

_DEPTH = 3
"""How many parts of a package's name make a room: `ncwire._ssh.auth` is one, what is in it not.

Where a package and those in it import each other they are one room, which is the package."""
_SWEEPS = 24

Arrows = dict[str, set[str]]
"""What each room imports."""
Floors = list[list[str]]
"""From the bottom."""


# --- what imports what -----------------------------------------------------------------------


class Module(NamedTuple):
    """A module, by the name that it is imported by."""

    name: str
    path: Path

    @property
    def is_package(self) -> bool:
        """Whether it is a package's own."""
        return self.path.name == "__init__.py"


def modules(root: Path) -> list[Module]:
    """Return the modules of core/ and drivers/, but for those that are only started."""
    found = []
    for folder in (root / "core" / "ncwire", *sorted((root / "drivers").iterdir())):
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder.parent).with_suffix("").parts
            if parts[-1] != "__main__":
                name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
                found.append(Module(name, path))
    return found


def imports(module: Module, known: Iterable[str]) -> set[str]:
    """Return the modules that a module imports anywhere in it, as far as they are known."""
    known = set(known)
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            # `from a import b` may import the module a.b.
            names = (f"{base}.{each.name}" for each in node.names)
            found |= {each if each in known else base for each in names}
    return (found & known) - {module.name}


def _base(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    above = module.name.split(".")
    above = above[: len(above) - node.level + module.is_package]
    return ".".join([*above, *filter(None, [node.module])])


def rooms(found: Sequence[Module]) -> dict[str, str]:
    """Return the room of each module."""
    packages = {each.name for each in found if each.is_package}
    return {each.name: _room(each, packages) for each in found}


def _room(module: Module, packages: set[str]) -> str:
    parts = module.name.split(".")
    package = module.name if module.is_package else ".".join(parts[:-1])
    if package == "ncwire":
        return module.name
    while package.count(".") >= _DEPTH or package not in packages:
        package = package.rpartition(".")[0]
    return package


def arrows(found: Sequence[Module]) -> Arrows:
    """Return what each room imports of the others."""
    room = rooms(found)
    imported = {each.name: imports(each, room) for each in found}
    graph = _between(room, imported)
    for circle in circles(graph):
        package = min(circle)
        if all(f"{each}.".startswith(f"{package}.") for each in circle):
            room |= {name: package for name, each in room.items() if each in circle}
    return _between(room, imported)


def _between(room: Mapping[str, str], imported: Mapping[str, set[str]]) -> Arrows:
    graph: Arrows = {each: set() for each in room.values()}
    for name, here in room.items():
        graph[here] |= {room[each] for each in imported[name]} - {here}
    return graph


# --- which floor -----------------------------------------------------------------------------


def circles(graph: Arrows) -> list[set[str]]:
    """Return the rooms in sets: together are those that import each other in a circle."""
    beneath = {room: _beneath(graph, room) for room in graph}
    found: list[set[str]] = []
    for room in sorted(graph):
        if not any(room in each for each in found):
            mutual = {other for other in beneath[room] if room in beneath[other]}
            found.append({room} | mutual)
    return found


def _beneath(graph: Arrows, room: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(graph[room])
    while waiting:
        each = waiting.pop()
        if each not in seen:
            seen.add(each)
            waiting += graph[each]
    return seen


def floors(graph: Arrows) -> Floors:
    """Return the rooms by floor, each on the lowest that is above all that it imports."""
    circle = {room: group for group in circles(graph) for room in group}
    height: dict[str, int] = {}

    def of(room: str) -> int:
        if room not in height:
            group = circle[room]
            beneath = {below for each in group for below in graph[each]} - group
            level = max((of(each) + 1 for each in beneath), default=0)
            height.update(dict.fromkeys(group, level))
        return height[room]

    result: Floors = [[] for _ in range(max(map(of, sorted(graph))) + 1)]
    for room in sorted(graph):
        result[height[room]].append(room)
    return result


def needed(graph: Arrows) -> Arrows:
    """Return the arrows that no others say already."""
    beneath = {room: _beneath(graph, room) for room in graph}
    result: Arrows = {}
    for room, imported in graph.items():
        said = {
            each
            for each in imported
            for other in imported - {each}
            # In a circle with either, it may be only by this arrow that the other leads there.
            if each in beneath[other] and other not in beneath[each] and room not in beneath[other]
        }
        result[room] = imported - said
    return result


# --- where on its floor ----------------------------------------------------------------------


class Drawing:
    """The floors with the arrows cut into pieces from floor to floor, and a place for each room.

    An arrow that passes a floor has a place of its own there, between the rooms: `passing`.
    """

    def __init__(self, graph: Arrows) -> None:
        self.floors = floors(graph)
        self.floor = {room: level for level, each in enumerate(self.floors) for room in each}
        self.paths: list[list[str]] = []
        """Each arrow, from the room that imports, by what it passes, to the room imported."""
        self.passing: set[str] = set()
        self._above: dict[str, list[str]] = defaultdict(list)
        self._below: dict[str, list[str]] = defaultdict(list)
        for room in sorted(graph):
            for imported in sorted(graph[room]):
                self._lead(room, imported)
        self._order()
        self.x = self._places()

    def _lead(self, room: str, imported: str) -> None:
        path = [room]
        for level in range(self.floor[room] - 1, self.floor[imported], -1):
            place = f"{room}>{imported}@{level}"
            self.passing.add(place)
            self.floors[level].append(place)
            path.append(place)
        path.append(imported)
        self.paths.append(path)
        if self.floor[room] != self.floor[imported]:
            for upper, lower in itertools.pairwise(path):
                self._below[upper].append(lower)
                self._above[lower].append(upper)

    def _order(self) -> None:
        """Have few arrows cross: each room near the middle of what it is connected with."""
        best, fewest = [list(each) for each in self.floors], self._crossings()
        for sweep in range(_SWEEPS):
            upwards = sweep % 2 == 0
            levels = range(1, len(self.floors)) if upwards else range(len(self.floors) - 2, -1, -1)
            for level in levels:
                near = self.floors[level - 1 if upwards else level + 1]
                self._sort(level, near, self._below if upwards else self._above)
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(each) for each in self.floors], crossings
        self.floors = best

    def _sort(self, level: int, near: Sequence[str], linked: Mapping[str, list[str]]) -> None:
        at = {each: index for index, each in enumerate(near)}
        here = {each: index for index, each in enumerate(self.floors[level])}

        def middle(each: str) -> tuple[float, int]:
            others = linked.get(each, [])
            mean = sum(at[other] for other in others) / len(others) if others else here[each]
            return mean, here[each]

        self.floors[level].sort(key=middle)

    def _crossings(self) -> int:
        count = 0
        for upper, lower in zip(self.floors[1:], self.floors, strict=False):
            at = {each: index for index, each in enumerate(lower)}
            ends = [at[each] for room in upper for each in sorted(self._below[room], key=at.get)]
            count += sum(left > right for left, right in itertools.combinations(ends, 2))
        return count

    def _places(self) -> dict[str, float]:
        x = {each: 0.0 for floor in self.floors for each in floor}
        for floor in self.floors:
            for left, right in itertools.pairwise(floor):
                x[right] = x[left] + self._apart(left, right)
        for sweep in range(_SWEEPS):
            for floor in self.floors if sweep % 2 else reversed(self.floors):
                self._settle(floor, x)
        least = min(x[each] - self._width(each) / 2 for each in x)
        return {each: place - least for each, place in x.items()}

    def _settle(self, floor: Sequence[str], x: dict[str, float]) -> None:
        """Move the places of a floor to the middle of what they are connected with."""
        wanted = []
        for each in floor:
            others = [*self._above[each], *self._below[each]]
            wanted.append(sum(x[other] for other in others) / len(others) if others else x[each])
        rightwards, leftwards = list(wanted), list(wanted)
        for index in range(1, len(floor)):
            apart = self._apart(floor[index - 1], floor[index])
            rightwards[index] = max(wanted[index], rightwards[index - 1] + apart)
        for index in range(len(floor) - 2, -1, -1):
            apart = self._apart(floor[index], floor[index + 1])
            leftwards[index] = min(wanted[index], leftwards[index + 1] - apart)
        # The mean of two orders with enough room is one, too.
        for each, right, left in zip(floor, rightwards, leftwards, strict=True):
            x[each] = (right + left) / 2

    def _apart(self, left: str, right: str) -> float:
        return (self._width(left) + self._width(right)) / 2 + _GAP

    def _width(self, each: str) -> float:
        return _THREAD if each in self.passing else _WIDTH


# --- the picture -----------------------------------------------------------------------------

_WIDTH, _HEIGHT, _GAP, _THREAD = 156, 62, 14, 4
_STOREY = 116
_MARGIN = 20
_LINE = 13
_COLOURS = {"public": "#d9e8fb", "inside": "#eeeeee", "driver": "#dff0d8"}


def picture(root: Path = ROOT) -> str:
    """Return the picture as SVG: the same for the same imports."""
    found = modules(root)
    graph = arrows(found)
    drawing = Drawing(needed(graph))
    circle = {room: group for group in circles(graph) for room in group}
    meanings = {each.name: _meaning(each) for each in found}
    width = round(max(drawing.x.values()) + _WIDTH / 2) + 2 * _MARGIN
    height = len(drawing.floors) * _STOREY + 2 * _MARGIN
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" font-family="sans-serif">'
        ),
        "<title>ncwire's packages: each stands above all that it imports</title>",
        "<defs>",
        *(_head(name, colour) for name, colour in (("head", "#777777"), ("red", "#cc0000"))),
        "</defs>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    lines += [_arrow(drawing, path, red=path[-1] in circle[path[0]]) for path in drawing.paths]
    for room in sorted(graph):
        lines += _box(room, drawing.x[room], drawing, meanings.get(room, ""))
    return "\n".join([*lines, "</svg>"]) + "\n"


def _head(name: str, colour: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="{colour}"/></marker>'
    )


def _arrow(drawing: Drawing, path: Sequence[str], *, red: bool) -> str:
    start, *rest = _points(drawing, path)
    text = f"M{start[0]} {start[1]}"
    for (before, above), (x, below) in itertools.pairwise([start, *rest]):
        # Between two rooms of one floor it hangs beneath them.
        middle = (above + below) // 2 if above != below else above + 2 * _LINE
        text += f"C{before} {middle} {x} {middle} {x} {below}"
    colour, head = ("#cc0000", "red") if red else ("#999999", "head")
    return f'<path d="{text}" fill="none" stroke="{colour}" marker-end="url(#{head})"/>'


def _points(drawing: Drawing, path: Sequence[str]) -> Iterator[tuple[int, int]]:
    level = drawing.floor[path[0]]
    same = level == drawing.floor[path[-1]]
    for index, each in enumerate(path):
        x = round(drawing.x[each]) + _MARGIN
        top = _top(drawing, level - (0 if same else index))
        if index == 0:
            yield x, top + _HEIGHT
        elif index == len(path) - 1:
            yield x, top + (_HEIGHT if same else 0)
        else:
            yield x, top
            yield x, top + _HEIGHT


def _top(drawing: Drawing, level: int) -> int:
    return _MARGIN + (len(drawing.floors) - 1 - level) * _STOREY


def _box(room: str, at: float, drawing: Drawing, meaning: str) -> Iterator[str]:
    middle = round(at) + _MARGIN
    x, y = middle - _WIDTH // 2, _top(drawing, drawing.floor[room])
    name = room.removeprefix("ncwire.")
    yield "<g>"
    yield f"<title>{escape(room)}: {escape(meaning)}</title>"
    yield (
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="5" '
        f'fill="{_COLOURS[_kind(room)]}" stroke="#555555"/>'
    )
    yield (
        f'<text x="{middle}" y="{y + 17}" text-anchor="middle" font-size="13" '
        f'font-weight="bold">{escape(name)}</text>'
    )
    for index, line in enumerate(_told(meaning)):
        yield (
            f'<text x="{middle}" y="{y + 32 + index * _LINE}" text-anchor="middle" '
            f'font-size="10" fill="#333333">{escape(line)}</text>'
        )
    yield "</g>"


def _kind(room: str) -> str:
    if room.partition(".")[0] != "ncwire":
        return "driver"
    return "inside" if "._" in room else "public"


def _told(meaning: str) -> list[str]:
    return textwrap.wrap(meaning, 26, max_lines=2, placeholder=" ...")


def _meaning(module: Module) -> str:
    doc = ast.get_docstring(ast.parse(module.path.read_text(encoding="utf-8"))) or ""
    return doc.split("\n\n")[0].replace("\n", " ").replace("`", "").rstrip(".")


def main() -> int:
    """Bring the picture up to date, and tell if it was not."""
    text = picture()
    if not PICTURE.exists() or text != PICTURE.read_text(encoding="utf-8"):
        PICTURE.write_text(text, encoding="utf-8")
        print(f"updated {PICTURE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
