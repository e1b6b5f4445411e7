"""What a scenario says and asserts: one plain line for each fact."""

from __future__ import annotations

import time
from typing import Any, Callable


class CheckError(AssertionError):
    """A scenario's expectation did not hold."""


def step(text: str) -> None:
    """Says what is going to be done."""
    print(f"  {text}", flush=True)


def check(condition: object, what: str) -> None:
    """`what` states the fact that must hold."""
    if not condition:
        raise CheckError(f"not so: {what}")
    print(f"    ok: {what}", flush=True)


def equal(actual: object, expected: object, what: str) -> None:
    if actual != expected:
        raise CheckError(f"{what}: expected {_short(expected)}, got "
                         f"{_short(actual)}")
    print(f"    ok: {what}", flush=True)


def eventually(what: str, condition: Callable[[], Any],
               timeout_s: float = 30, every_s: float = 0.2) -> Any:
    """Waits until condition() is true and returns its value."""
    start = time.monotonic()
    while True:
        value = condition()
        taken = time.monotonic() - start
        if value:
            print(f"    ok: {what} ({taken:.1f} s)", flush=True)
            return value
        if taken > timeout_s:
            raise CheckError(f"not within {timeout_s} s: {what}")
        time.sleep(every_s)


def never(what: str, condition: Callable[[], Any], for_s: float = 5,
          every_s: float = 0.2) -> None:
    """`what` states the good case: condition() stays false for `for_s`."""
    deadline = time.monotonic() + for_s
    while time.monotonic() < deadline:
        if condition():
            raise CheckError(f"not so: {what}")
        time.sleep(every_s)
    print(f"    ok: {what} (watched {for_s} s)", flush=True)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:200] + "..."
