"""`Opening`: what is awaited, or entered with `async with`, in the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from ncwire.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator
    from types import TracebackType

_T = TypeVar("_T")


class Opening(Generic[_T]):
    """Something that is opened once it is awaited, or entered: `await it`, `async with it`.

    Nothing has been done before that. Left by way of `async with` it is closed, as each says, and
    may be entered anew; twice at a time is a `SessionError`, for which of the two is left?
    """

    def __init__(
        self,
        opened: Callable[[], Coroutine[Any, Any, _T]],
        left: Callable[[_T, BaseException | None], Coroutine[Any, Any, None]],
    ) -> None:
        self._opened = opened
        self._left = left
        self._it: _T | None = None
        self._entered = False

    def __await__(self) -> Generator[Any, None, _T]:
        return self._opened().__await__()

    async def __aenter__(self) -> _T:
        if self._entered:
            raise SessionError("async with: this has been entered already; make another one of it")
        self._entered = True
        try:
            self._it = it = await self._opened()
        except BaseException:
            self._entered = False
            raise
        return it

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        it, self._it = self._it, None
        self._entered = False
        if it is not None:
            await self._left(it, error)

    if not TYPE_CHECKING:  # type checkers find both faults by themselves, unless they see these

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("__"):
                raise AttributeError(name)
            raise AttributeError(f"{name}: nothing is open yet: await this, or use `async with`")

        def __enter__(self) -> NoReturn:
            raise TypeError("this is entered by `async with`")

        def __exit__(self, *_: object) -> None:
            pass
