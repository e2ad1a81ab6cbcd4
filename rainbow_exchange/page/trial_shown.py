"""A trial as the page shows it: its steps with verdict, cause and next step, and what came of it."""

from collections.abc import Mapping
from typing import Any

from rainbow_exchange.diagnosis.check import TITLES, Result
from rainbow_exchange.diagnosis.remedies import remedies
from rainbow_exchange.diagnosis.set_up import PARTS, steps_of
from rainbow_exchange.diagnosis.trials import Trial
from rainbow_exchange.words import _

_BADGES = {"pass": "is-good", "warn": "is-warn", "fail": "is-bad", "skip": "is-idle", "": "is-idle"}
_VERDICTS = {"pass": _("Passed"), "warn": _("Remark"), "fail": _("Failed"), "skip": _("Not run")}
_SAYS = {
    "running": _("The test is running: nothing is saved before it has passed."),
    "stopped": _("The test was stopped. Nothing was saved."),
    "faulty": _("Nothing was saved."),
}
WAITING = _("The test waits until another one on this page has ended: one runs at a time.")
_NOTHING_TO_TRY, _RUNNING, _WAITING = _("Skipped"), _("Running"), _("Waiting")


#: what a step says that has not ended
_NOTHING_YET: Mapping[str, Any] = dict.fromkeys(
    ("because", "text", "fix", "seconds", "names", "chain", "remedies", "found"), ""
)


def trial_shown(trial: Trial | None) -> Mapping[str, Any] | None:
    """Give what its part of the page shows; None while there is none."""
    if trial is None:
        return None
    return {
        "part": trial.part,
        "running": trial.running,
        "state": trial.state,
        "began": trial.began,
        "says": _says(trial),
        "problems": trial.problems,
        "kept": trial.kept,
        "where": trial.where,
        "remark": trial.remark,
        "steps": [*(_ended(each, trial) for each in trial.steps), *(_to_come(trial) if trial.running else ())],
    }


def _says(trial: Trial) -> str:
    """Say in a sentence how it stands."""
    if trial.state == "failed":
        failed = sum(each.verdict == "fail" for each in trial.steps)
        if failed == 1:
            return _("The test has failed at one step. Nothing was saved.")
        return _("The test has failed at {number} steps. Nothing was saved.", number=failed)
    if trial.state != "passed":
        return WAITING if trial.waiting else _SAYS[trial.state]
    if not trial.kept:
        return _("The test has passed. It was a test only: nothing was saved.")
    if trial.remark:
        return _("The test has passed, and what was entered is saved. It is not used yet.")
    return _("The test has passed. What was entered is saved, and in use.")


def unproved(trial: Trial | None) -> bool:
    """Whether it has passed without anybody's mailbox, so that rights are not proved."""
    return trial is not None and trial.part == "exchange" and trial.state == "passed" and not trial.address


def _ended(result: Result, trial: Trial) -> dict[str, Any]:
    nothing = result.verdict == "skip" and not result.because
    facts = result.facts
    return {
        "id": result.step,
        "title": TITLES[result.step],
        "badge": _BADGES[result.verdict.value],
        "verdict": _NOTHING_TO_TRY if nothing else _VERDICTS[result.verdict.value],
        "because": TITLES.get(result.because, ""),
        "text": "" if result.because else result.text,
        "fix": result.fix,
        "now": False,
        "seconds": result.seconds if result.seconds >= 0.01 else None,  # noqa: PLR2004  (what a person can tell)
        "names": facts.get("names", ()),
        "chain": facts.get("chain", ()),
        "remedies": remedies(result.cause, _account(trial), _mailbox(trial)) if _is_worst(result, trial) else (),
        "found": facts.get("url", "") if PARTS[trial.part].finds else "",
    }


def _is_worst(result: Result, trial: Trial) -> bool:
    """Whether what is wrong here is told by no step that is worse, or comes earlier."""
    same = [each for each in trial.steps if each.cause == result.cause]
    failed = [each for each in same if each.verdict == "fail"]
    return bool(result.cause) and result is (failed or same)[0]


def _to_come(trial: Trial) -> list[dict[str, Any]]:
    """Give the steps that have not ended yet."""
    ended = {each.step for each in trial.steps}
    found = []
    for step in steps_of(trial.part, trial.address):
        if step not in ended:
            now = step == trial.under_way
            words = _RUNNING if now else _WAITING
            found.append(
                {**_NOTHING_YET, "id": step, "title": TITLES[step], "badge": "is-idle", "verdict": words, "now": now}
            )
    return found


def _account(trial: Trial) -> str:
    """Give who signs in, by what Exchange or else the form says."""
    signed_in = trial.said("exchange-authentication")
    told = signed_in.facts.get("account") if signed_in is not None else None
    return str(told or trial.values.get("exchange.username") or "")


def _mailbox(trial: Trial) -> str:
    found = trial.said("mailbox")
    told = found.facts.get("mailbox") if found is not None else None
    return str(told or trial.address)
