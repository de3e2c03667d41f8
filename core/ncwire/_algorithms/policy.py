"""`AlgorithmPolicy`: what a user changes of the default algorithms, by name."""

from __future__ import annotations

from dataclasses import dataclass, field

from ncwire._algorithms.names import ASSIGNED
from ncwire._algorithms.offer import KINDS, MODERN
from ncwire._plugins import registry
from ncwire.driver.algorithms import Algorithms
from ncwire.errors import OptionError


@dataclass(frozen=True, slots=True)
class AlgorithmPolicy:
    """Changes to the default list of each kind of algorithm; the same on every driver.

    `allow` adds names, as the last resort, and may name what the driver does not have. `prefer`
    moves names to the front; they must be in the default or allowed, so that nothing old is
    offered that `allow` does not name. `forbid` removes names. A kind that is left empty in all
    three is not changed.
    """

    allow: Algorithms = field(default_factory=Algorithms)
    prefer: Algorithms = field(default_factory=Algorithms)
    forbid: Algorithms = field(default_factory=Algorithms)


def settled(given: Algorithms | AlgorithmPolicy) -> Algorithms:
    """Return the exact lists that a policy comes to; a kind that it does not change is empty.

    `Algorithms` are such lists already. Raises `OptionError` for a name that no SSH algorithm
    has, for one that is both forbidden and allowed or preferred, for a preferred one that is not
    allowed, and when nothing of a kind is left.
    """
    if isinstance(given, Algorithms):
        return _checked("algorithms", given)
    allow, prefer, forbid = (
        _checked(f"algorithms.{name}", _lists(name, given))
        for name in ("allow", "prefer", "forbid")
    )
    return Algorithms(
        **{
            kind: _applied(
                kind, getattr(allow, kind), getattr(prefer, kind), getattr(forbid, kind)
            )
            for kind in KINDS
        }
    )


def merged(explicit: Algorithms | None, file: Algorithms | None) -> Algorithms | None:
    """Return the explicit lists, and ssh_config's for the kinds that those leave empty."""
    if explicit is None or file is None:
        return file if explicit is None else explicit
    return Algorithms(**{kind: getattr(explicit, kind) or getattr(file, kind) for kind in KINDS})


def _applied(
    kind: str, allow: tuple[str, ...], prefer: tuple[str, ...], forbid: tuple[str, ...]
) -> tuple[str, ...]:
    if not (allow or prefer or forbid):
        return ()
    for word, names in (("allow", allow), ("prefer", prefer)):
        for name in names:
            if name in forbid:
                raise OptionError(f"algorithms.{word}.{kind}", f"{name} is forbidden as well")
    base = (*getattr(MODERN, kind), *allow)
    for name in prefer:
        if name not in base:
            raise OptionError(
                f"algorithms.prefer.{kind}", f"{name} is not offered by default: allow it as well"
            )
    # A dict keeps the first of each name, and the order.
    left = tuple(name for name in dict.fromkeys((*prefer, *base)) if name not in forbid)
    if not left:
        raise OptionError(f"algorithms.forbid.{kind}", "nothing is left to offer")
    return left


def _lists(name: str, policy: AlgorithmPolicy) -> Algorithms:
    lists = getattr(policy, name)
    if not isinstance(lists, Algorithms):
        raise OptionError(
            f"algorithms.{name}", f"must be an Algorithms, not {type(lists).__name__}"
        )
    return lists


def _checked(option: str, lists: Algorithms) -> Algorithms:
    for kind in KINDS:
        names = getattr(lists, kind)
        if not isinstance(names, tuple | list) or not all(isinstance(name, str) for name in names):
            raise OptionError(f"{option}.{kind}", "must be several strings, in a tuple")
        for name in names:
            if name not in getattr(ASSIGNED, kind):
                _check_rare(f"{option}.{kind}", kind, name)
    return Algorithms(**{kind: tuple(dict.fromkeys(getattr(lists, kind))) for kind in KINDS})


def _check_rare(option: str, kind: str, name: str) -> None:
    """Raise `OptionError` unless an installed driver has the name, which is asked of them all."""
    if name == "zlib" and kind == "compression":
        raise OptionError(option, "zlib compresses before authentication; use zlib@openssh.com")
    known = [ASSIGNED, *(driver.algorithms for driver, _ in registry.ssh_drivers())]
    names = {each for lists in known for each in getattr(lists, kind)}
    if name in names:
        return
    # What is misspelt is mostly the first half of a name, with the domain that follows left out.
    spellings = {each.partition("@")[0]: each for each in names} | {each: each for each in names}
    problem = f"{name!r} is no SSH algorithm of this kind"
    elsewhere = [other for other in KINDS if name in getattr(ASSIGNED, other)]
    import difflib  # noqa: PLC0415 - for errors only

    near = difflib.get_close_matches(name.lower(), sorted(spellings), n=3, cutoff=0.7)
    close = list(dict.fromkeys(spellings[each] for each in near))
    if elsewhere:
        problem += f", but one of {elsewhere[0]}"
    elif close:
        problem += f"; did you mean {' or '.join(close)}?"
    else:
        problem += f"; for example {getattr(ASSIGNED, kind)[0]} is"
    raise OptionError(option, problem)
