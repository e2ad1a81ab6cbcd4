"""The screen of `rainbow-exchange check`: a line for each step, one below it for what to do. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence

from rainbow_exchange.diagnosis.check.results import Result, Verdict

_WORDS = {Verdict.PASS: "pass", Verdict.WARN: "WARN", Verdict.FAIL: "FAIL", Verdict.SKIP: "skip"}
#: seconds from which on it is said how long a step took
_LONG = 1.0


def lines(result: Result, *, width: int) -> Iterator[str]:
    """Give the lines of one step; `width` is that of the longest step's name."""
    took = f" ({result.seconds:.1f} s)" if result.seconds >= _LONG else ""
    yield f"{_WORDS[result.verdict]}  {result.step:{width}}  {result.text}{took}"
    if result.fix:
        yield f"      {'':{width}}  Next step: {result.fix}"


def last(results: Sequence[Result]) -> str:
    """Say in one line how it ended."""
    counts = Counter(result.verdict for result in results)
    told = ", ".join(f"{counts[verdict]} {word.lower()}" for verdict, word in _WORDS.items() if counts[verdict])
    fails = [each for each in results if each.verdict is Verdict.FAIL]
    fails.sort(key=lambda each: bool(each.facts.get("unlisted")))  # whom to try was to come from a later step
    first = fails[0].step if fails else ""
    return f"{told}. Begin with {first}." if first else f"{told}."
