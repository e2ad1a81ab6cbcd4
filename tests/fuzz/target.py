"""What is fuzzed: a way into the product for bytes of a stranger, and the errors that may come of them."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

R = TypeVar("R")

#: called once the input was taken for what it should be: well-formed, and of the right root
Past = Callable[[], None]
Run = Callable[[bytes, Past, Random], None]
Mutate = Callable[[bytes, Random, Sequence[bytes]], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`run` gives an input to the product; `errors` are all that it may raise. `weight`: its share of all inputs.

    `corpus` are valid inputs, and `mutate` makes others of them. `parses`: there is a first parse to get past.
    """

    name: str
    run: Run
    corpus: tuple[bytes, ...]
    mutate: Mutate
    errors: tuple[type[Exception], ...]
    weight: int = 2
    parses: bool = True

    def input(self, random: Random) -> bytes:
        """Make an input."""
        return self.mutate(random.choice(self.corpus), random, self.corpus)


def finished(work: Coroutine[Any, Any, R]) -> R:
    """Give what a coroutine returns that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]  # what a coroutine returns, it stops with
    finally:
        work.close()
    raise AssertionError("it waits for something")
