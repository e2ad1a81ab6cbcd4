"""`/problems`: what needs a person, and what to do; each is gone when it is gone."""

from collections.abc import Mapping
from typing import Any

from rainbow_exchange.condition import Condition
from rainbow_exchange.diagnosis.mailboxes_query import PROBLEMS
from rainbow_exchange.web.view import View

#: problem id → where on this page one sees more of it, or can mend it
WHERE = {
    **{problem: f"/people?problem={problem}" for problem in PROBLEMS},
    "mailboxes-not-streamed": "/people?state=not-streamed",
    "mailboxes-polled": "/people?state=polled",
    "mailboxes-not-read": "/people?state=not-read",
    "exchange-subscriptions-exceeded": "/streams",
    "exchange-owner-bound": "/streams",
    **dict.fromkeys(
        (
            "settings-missing",
            "settings-faulty",
            "exchange-authentication",
            "exchange-certificate",
            "exchange-endpoint-not-confirmed",
            "exchange-forbidden",
            "exchange-kerberos",
            "exchange-name-unknown",
            "exchange-not-ews",
            "exchange-password-expires",
            "exchange-token",
            "exchange-unreachable",
            "rainbow-authentication",
            "rainbow-company-unknown",
            "rainbow-unreachable",
        ),
        "/set-up",
    ),
}


def problems(condition: Condition) -> View:
    """Make the view."""

    async def context(_values: Mapping[str, str]) -> Mapping[str, Any]:
        return {"problems": list(condition.problems), "where": WHERE}

    return View(path="/problems", template="problems.html", context=context, parts=("problems_open",))
