"""The routing decorators of the `ocpp` library, with types."""

from collections.abc import Callable
from typing import Any, TypeVar

from ocpp import routing

Handler = TypeVar("Handler", bound=Callable[..., Any])


def on(action: str) -> Callable[[Handler], Handler]:
    """The method answers this action."""
    decorate: Callable[[Handler], Handler] = routing.on(action)
    return decorate


def after(action: str) -> Callable[[Handler], Handler]:
    """The method is called once this action was answered."""
    decorate: Callable[[Handler], Handler] = routing.after(action)
    return decorate
