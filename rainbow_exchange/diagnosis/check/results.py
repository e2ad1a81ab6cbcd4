"""What a step of the check says: its verdict, in words, and one thing to do about it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from rainbow_exchange.bridge.causes import Cause


class Verdict(StrEnum):
    """How a step ended. SKIP: it was not run, because it has nothing to look at, or an earlier one failed."""

    PASS = "pass"  # noqa: S105  (a verdict)
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a step has found. `cause` is the stable id of what is wrong, `fix` what to do; `facts` are for machines."""

    verdict: Verdict
    text: str
    fix: str = ""
    cause: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Began:
    """A step is being run."""

    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A step has ended. `because` is the step whose failure keeps this one from being run, "" without one."""

    step: str
    verdict: Verdict
    text: str
    fix: str = ""
    cause: str = ""
    because: str = ""
    seconds: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=dict)


def passed(text: str, **facts: Any) -> Finding:
    """All is well."""
    return Finding(verdict=Verdict.PASS, text=text, facts=facts)


def nothing(text: str, **facts: Any) -> Finding:
    """There is nothing to look at; whatever needs this step is run."""
    return Finding(verdict=Verdict.SKIP, text=text, facts=facts)


def warned(cause: Cause, **facts: Any) -> Finding:
    """It works, and yet somebody should look at it."""
    return Finding(verdict=Verdict.WARN, text=cause.text, fix=cause.action, cause=cause.id, facts=facts)


def failed(cause: Cause, **facts: Any) -> Finding:
    """It does not work."""
    return Finding(verdict=Verdict.FAIL, text=cause.text, fix=cause.action, cause=cause.id, facts=facts)


def overall(verdicts: Iterable[Verdict], *, strict: bool = False) -> Verdict:
    """Give the worst of the verdicts; `strict`: a warning counts as a failure, and what was skipped as nothing."""
    found = set(verdicts)
    if Verdict.FAIL in found or (strict and Verdict.WARN in found):
        return Verdict.FAIL
    return Verdict.WARN if Verdict.WARN in found else Verdict.PASS
