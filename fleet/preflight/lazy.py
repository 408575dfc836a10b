"""A property that is worked out once. Like functools.cached_property, without the lock that Python 3.11 takes in it: one
thread looks at a certificate, and the lock took a tenth of the whole check."""

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

Value = TypeVar("Value")


class lazy(Generic[Value]):
    """Decorator: the first access computes the value, later ones find it in the object."""

    def __init__(self, work_out: Callable[[Any], Value]) -> None:
        self._work_out = work_out
        self._name = work_out.__name__
        self.__doc__ = work_out.__doc__

    @overload
    def __get__(self, holder: None, kind: type) -> Self: ...
    @overload
    def __get__(self, holder: object, kind: type) -> Value: ...
    def __get__(self, holder: object | None, kind: type) -> Self | Value:
        if holder is None:
            return self
        value = holder.__dict__[self._name] = self._work_out(holder)
        return value
