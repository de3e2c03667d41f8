"""The profiles by name: ncwire's own, those of installed packages, and those of files."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from ncwire._interrupts import raise_signalled
from ncwire._plugins import registry
from ncwire.errors import NcwireError, ProfileError, ProfileNotFoundError
from ncwire.profiles.profile import DeviceProfile, built
from ncwire.profiles.toml import Stanza, check_name, read_table, read_toml

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.metadata import EntryPoint

GROUP = "ncwire.profiles"
"""The entry-point group under which a distribution registers its profiles, each by its name.

What an entry point names is a `DeviceProfile` of that name, a mapping like the TOML document,
or the document's file: a path, or what `importlib.resources.files` gives.
"""

DEFAULT = "default"

_SUFFIX = ".toml"
_NONE: Mapping[str, Stanza] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ProfileStatus:
    """What is known about one profile that can be named.

    `distribution` is that of the package that brings it, "ncwire" for those built in. `profile`
    is None where `reason` says why it cannot be used.
    """

    name: str
    distribution: str
    status: Literal["ok", "broken"]
    profile: DeviceProfile | None
    reason: str = ""


def names() -> list[str]:
    """Return the names of all profiles, sorted; imports no package."""
    return sorted({*built_in(), *registry.entry_points(GROUP)})


def built_in() -> list[str]:
    """Return the names of ncwire's own profiles, sorted."""
    return sorted(
        entry.name.removesuffix(_SUFFIX)
        for entry in _folder().iterdir()
        if entry.name.endswith(_SUFFIX)
    )


def get(name: str, own: Mapping[str, Stanza] = _NONE) -> DeviceProfile:
    """Return the profile of that name: one of `own`, ncwire's, or that of an installed package.

    Raises `ProfileNotFoundError`, and `ProfileError` for one that is not as it must be.
    """
    return resolve(_find(name, own), own)


def load(path: str | os.PathLike[str], own: Mapping[str, Stanza] = _NONE) -> DeviceProfile:
    """Return the profile in a TOML file; its name is the file's, without ".toml".

    Raises `ProfileError`.
    """
    return resolve(_read_file(Path(path), str(path), Path(path).stem), own)


def parse(
    text: str, source: str, name: str = "profile", own: Mapping[str, Stanza] = _NONE
) -> DeviceProfile:
    """Return the profile in a TOML text; `source` says in errors where that stands.

    Paths among the options of drivers are relative to the working folder.

    Raises `ProfileError`.
    """
    return resolve(read_toml(text, source, name), own)


def overlaid(
    profile: DeviceProfile, table: Mapping[str, object], source: str, name: str
) -> DeviceProfile:
    """Return a profile with the options of a table, as TOML has it, in place of its own.

    `source` and `name` say in errors, and wherever it is told where a value comes from, where the
    table stands. Raises `ProfileError`.
    """
    above = read_table(table, source, name)
    if above.extends is not None:
        raise ProfileError(source, name, "extends", f"not here, on top of {profile.name!r}")
    return built(name, source, {**profile.values(), **above.given})


def resolve(stanza: Stanza, own: Mapping[str, Stanza] = _NONE) -> DeviceProfile:
    """Return the profile that a stanza comes to with all that it extends.

    Raises `ProfileError`: for a profile that there is not, and for a circle.
    """
    line = [stanza]
    while (parent := line[-1].extends) is not None:
        seen = [each.name for each in line]
        if parent in seen:
            circle = " extends ".join([*seen[seen.index(parent) :], parent])
            raise ProfileError(stanza.file, stanza.name, "extends", f"a circle: {circle}")
        try:
            line.append(_find(parent, own))
        except ProfileNotFoundError as error:
            below = line[-1]
            raise ProfileError(below.file, below.name, "extends", error.problem) from error
    given = {key: value for each in reversed(line) for key, value in each.given.items()}
    if "description" not in stanza.given:
        given.pop("description", None)
    return built(stanza.name, stanza.file, given)


def survey() -> list[ProfileStatus]:
    """Return the status of every profile that can be named, by name; imports all packages'."""
    registered = registry.entry_points(GROUP)
    own = set(built_in())
    statuses = [_status(name, "ncwire") for name in own]
    for name, points in registered.items():
        owner = ", ".join(registry.owner(point)[0] for point in points)
        if name in own:
            reason = f"{name!r} is a profile of ncwire's own, which stays in force"
            statuses.append(ProfileStatus(name, owner, "broken", None, reason))
        else:
            statuses.append(_status(name, owner))
    return sorted(statuses, key=lambda each: (each.name, each.distribution != "ncwire"))


def _status(name: str, distribution: str) -> ProfileStatus:
    try:
        return ProfileStatus(name, distribution, "ok", get(name))
    except NcwireError as error:
        return ProfileStatus(name, distribution, "broken", None, str(error))


def _find(name: str, own: Mapping[str, Stanza]) -> Stanza:
    if name in own:
        return own[name]
    check_name(name, "")
    entry = _folder() / f"{name}{_SUFFIX}"
    if entry.is_file():
        return _read_file(entry, f"ncwire's {entry.name}", name)
    points = registry.entry_points(GROUP).get(name, [])
    if not points:
        known = sorted({*own, *names()})
        close = difflib.get_close_matches(name, known, n=1)
        guess = f"did you mean {close[0]!r}? " if close else ""
        guess += "a file is given as a pathlib.Path; " if name.endswith(".toml") else ""
        raise ProfileNotFoundError(
            "", name, "", f"there is none of that name; {guess}known: {', '.join(known)}"
        )
    return _registered(name, points)


def _registered(name: str, points: Sequence[EntryPoint]) -> Stanza:
    owners = " and ".join(registry.owner(point)[0] for point in points)
    if len(points) > 1:
        problem = f"registered by {owners}: uninstall one of them"
        raise ProfileError(owners, name, "", problem)
    try:
        found = registry.imported(GROUP, points[0])
    except BaseException as error:
        raise_signalled(error)
        problem = f"importing {points[0].value} failed: {registry.told(error)}"
        raise ProfileError(owners, name, "", f"{problem}; reinstall or repair {owners}") from error
    if isinstance(found, DeviceProfile):
        if found.name != name:
            problem = f"its entry point is {name!r}, it says that it is {found.name!r}"
            raise ProfileError(owners, name, "", problem)
        return Stanza(name, owners, None, found.values())
    if isinstance(found, Mapping):
        return read_table(found, owners, name)
    if isinstance(found, str):
        found = Path(found)
    if isinstance(found, Traversable):
        return _read_file(found, f"{owners}'s {found.name}", name)
    raise ProfileError(
        owners,
        name,
        "",
        f"{points[0].value} is a {type(found).__name__}: no DeviceProfile, no mapping, no file",
    )


def _read_file(entry: Traversable, file: str, name: str) -> Stanza:
    try:
        text = entry.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 at its byte {error.start}"
        raise ProfileError(file, name, "", problem) from error
    except (OSError, ValueError) as error:
        raise_signalled(error)
        reason = getattr(error, "strerror", None) or str(error)
        raise ProfileError(file, name, "", f"cannot be read: {reason}") from error
    # What is no Path is inside an archive, where no path of a driver's leads.
    folder = os.path.abspath(entry.parent) if isinstance(entry, Path) else ""  # noqa: PTH100
    return read_toml(text, file, name, folder)


def _folder() -> Traversable:
    return resources.files("ncwire.profiles") / "data"
