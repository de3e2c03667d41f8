"""The root of all errors, and the one for a parameter."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator


class NcwireError(Exception):
    """The root: `except NcwireError` catches whatever ncwire raises.

    `jump_host` is the jump host at which it happened ("bastion:22"), with which the text begins;
    None where it was no jump host.

    Every error can be pickled and copied, and keeps its text, attributes and notes, whatever
    arguments its class takes; its `__cause__` too, if that can be pickled and read back itself.
    """

    jump_host: str | None = None

    def __str__(self) -> str:
        return f"jump host {self.jump_host}: {self._text()}" if self.jump_host else self._text()

    def at_jump_host(self, name: str) -> Self:
        """Return this same error, which is said to have happened at that jump host."""
        self.jump_host = self.jump_host or name
        return self

    def _text(self) -> str:
        return super().__str__()

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's own calls the class with `args`, which are not what the class takes.
        fields = {}
        if isinstance(self, OSError):
            fields = {name: getattr(self, name) for name in _FIELDS}
        state = self.__getstate__()
        if isinstance(state, tuple):  # of a class with slots
            state = {**(state[0] or {}), **state[1]}
        return _rebuilt, (type(self), self.args, fields, _portable(self.__cause__)), state


class OptionError(NcwireError, ValueError):
    """A parameter's value is not of the documented form; nothing was sent."""

    def __init__(self, option: str, problem: str) -> None:
        super().__init__(f"{option}: {problem}")
        self.option = option
        self.problem = problem


_FIELDS = ("errno", "strerror", "filename", "filename2")
"""What an OSError keeps outside of its dict; an error of ours may be one, as timeouts are."""

_LONGEST_CHAIN = 8
"""Of causes: each is tried out, and a circle of them has no end."""


def _rebuilt(
    kind: type[NcwireError],
    args: tuple[object, ...],
    fields: dict[str, object],
    cause: BaseException | None,
) -> NcwireError:
    # No class of ours or of others has a say in it: not all of them can be called with `args`.
    builtin: Any = next(base for base in kind.__mro__ if base.__module__ == "builtins")
    error: NcwireError = builtin.__new__(kind)
    error.args = args
    for name, value in fields.items():
        if value is not None:
            setattr(error, name, value)
    if cause is not None:
        error.__cause__ = cause
    return error


def _portable(cause: BaseException | None) -> BaseException | None:
    """Return the cause if it survives pickling; one of a library's may be written but not read.

    What is not read breaks the worker pool that waits for it: worse than to lose it.
    """
    if cause is None or len(list(islice(_chain(cause), _LONGEST_CHAIN + 1))) > _LONGEST_CHAIN:
        return None
    import pickle  # noqa: PLC0415 - few need it

    try:
        pickle.loads(pickle.dumps(cause))  # noqa: S301 - what was written just before
    except Exception:  # noqa: BLE001 - others' code, which may raise anything
        return None
    return cause


def _chain(cause: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = cause
    while link is not None:
        yield link
        link = link.__cause__
