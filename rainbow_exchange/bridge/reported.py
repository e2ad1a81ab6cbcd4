"""What is reported to Rainbow, word for word: nothing else ever stands in an event (pure).

No text of a server, no address and no name: counts, and the ids by which Rainbow itself knows its users. Listed for
administrators in `docs/explanation/reported-to-rainbow.md`.
"""

from dataclasses import dataclass

#: users named by their Rainbow id in one event; of more, only the number is told
NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One way to fail, which is an open problem: `{}` in `text` stands for the number of users."""

    problem: str
    operation: str
    text: str
    over: str
    level: str = "ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What fails as a whole and recovers as a whole. Its failures may take turns without a recovery between them.

    `needs` is what must be known to work before it counts as recovered; where `counted`, before it counts as failing,
    too: until everybody has been tried, nobody's failure is told.
    """

    name: str
    category: str
    needs: str
    failures: tuple[Failure, ...]
    counted: bool = False

    def failure(self, problem: str) -> Failure:
        """Return the failure that is this problem."""
        return next(failure for failure in self.failures if failure.problem == problem)


_ANSWERS = "Exchange answers again."
_ACCEPTED = "Exchange accepts the connector's account again."
_REACHED = "Rainbow is reached again."
_SIGNED_IN = "Rainbow accepts the connector's sign-in again."


def _connect(problem: str, text: str, operation: str = "connect") -> Failure:
    return Failure(problem=problem, operation=operation, text=text, over=_ANSWERS)


def _sign_in(problem: str, text: str) -> Failure:
    return Failure(problem=problem, operation="sign_in", text=text, over=_ACCEPTED)


def _rainbow(problem: str, text: str, operation: str = "connect", over: str = _REACHED) -> Failure:
    return Failure(problem=problem, operation=operation, text=text, over=over)


def _mailboxes(problem: str, text: str, operation: str = "subscribe") -> Subject:
    over = "No mailbox fails for this reason any more."
    failure = Failure(problem=problem, operation=operation, text=text, over=over, level="WARN")
    return Subject(name=problem, category="mailboxes", needs="mailboxes", failures=(failure,), counted=True)


def _subject(name: str, category: str, needs: str, *failures: Failure) -> Subject:
    return Subject(name=name, category=category, needs=needs, failures=failures)


def _settings(problem: str, text: str) -> Failure:
    over = "The connector has its settings, and Exchange answers."
    return Failure(problem=problem, operation="configure", text=text, over=over, level="WARN")


def _link(problem: str, text: str) -> Failure:
    over = "The link over which Rainbow asks for calendars is up again."
    return Failure(problem=problem, operation="link", text=text, over=over, level="WARN")


SUBJECTS = (
    _subject(
        "settings",
        "connector",
        "exchange",
        _settings("settings-missing", "The connector waits for its settings."),
        _settings("settings-faulty", "The connector's settings do not go together."),
        _settings("exchange-endpoint-not-confirmed", "The Exchange host that Rainbow names is not confirmed."),
    ),
    _subject(
        "entered",
        "connector",
        "rainbow",
        Failure(
            problem="rainbow-settings-not-understood",
            operation="configure",
            text="Settings of the connector in Rainbow's administration are not understood.",
            over="The settings of the connector in Rainbow's administration are understood.",
            level="WARN",
        ),
    ),
    _subject(
        "switch",
        "connector",
        "exchange",
        Failure(
            problem="rainbow-switched-off",
            operation="switch",
            text="Exchange Calendar Synchronization is off: the connector has given up all subscriptions.",
            over="Exchange Calendar Synchronization is on, and Exchange answers.",
            level="INFO",
        ),
    ),
    _subject(
        "exchange",
        "exchange",
        "exchange",
        _connect("exchange-unreachable", "Exchange does not answer the connector."),
        _connect("exchange-name-unknown", "The connector's machine cannot resolve the name of the Exchange server."),
        _connect("exchange-certificate", "The connector cannot make a secure connection to Exchange."),
        _connect("exchange-not-ews", "What answers in the place of Exchange is not Exchange Web Services."),
        _connect("exchange-error", "Exchange refuses the connector's requests."),
        _connect("exchange-not-found", "The connector cannot find Exchange.", "discover"),
        _connect("exchange-host-not-allowed", "Autodiscover leads to a host that is not allowed.", "discover"),
        _connect("exchange-domain-not-confirmed", "The company's domain is not confirmed.", "discover"),
        _sign_in("exchange-authentication", "Exchange refuses the connector's account or its password."),
        _sign_in("exchange-forbidden", "Exchange forbids its Web Services to the connector's account."),
        _sign_in("exchange-kerberos", "The connector cannot get a Kerberos ticket for Exchange."),
        _sign_in("exchange-token", "The connector cannot get a token for Exchange."),
    ),
    _subject(
        "account",
        "exchange",
        "exchange",
        Failure(
            problem="exchange-fallback-account",
            operation="sign_in",
            text="Exchange refuses the connector's first account; the second is used.",
            over="Exchange accepts the connector's first account again.",
            level="WARN",
        ),
    ),
    _subject(
        "rainbow",
        "rainbow",
        "rainbow",
        _rainbow("rainbow-unreachable", "The connector could not reach Rainbow."),
        _rainbow("rainbow-authentication", "Rainbow refused the connector's sign-in.", "sign_in", _SIGNED_IN),
        _rainbow("rainbow-company-unknown", "Rainbow did not list the company's users.", "list_users"),
        _rainbow("rainbow-notify-refused", "Rainbow refused to be told of changes.", "notify"),
        _rainbow("rainbow-unexpected-answer", "What answered in the place of Rainbow was not Rainbow."),
        _rainbow("rainbow-error", "Rainbow refused the connector's requests."),
        _rainbow("rainbow-rate-limited", "Rainbow asked the connector to wait."),
    ),
    _subject(
        "link",
        "rainbow",
        "link",
        _link("rainbow-callback-port", "The connector cannot listen to Rainbow's callbacks."),
        _link("rainbow-callback-missing", "Rainbow's callbacks do not reach the connector."),
        _link("rainbow-link-lost", "The link over which Rainbow asks for calendars was lost."),
    ),
    _subject(
        "rival",
        "rainbow",
        "link",
        Failure(
            problem="rainbow-second-connector",
            operation="link",
            text="Another connector is signed in with the same account.",
            over="No other connector is signed in with the same account any more.",
            level="WARN",
        ),
    ),
    _subject(
        "users",
        "rainbow",
        "rainbow",
        Failure(
            problem="rainbow-users-missing",
            operation="list_users",
            text="Rainbow's list of users lacks most of those it had before. They are not removed yet.",
            over="Rainbow's list of users is taken as it is.",
            level="WARN",
        ),
    ),
    _subject(
        "asking",
        "rainbow",
        "link",
        Failure(
            problem="rainbow-did-not-ask",
            operation="ask",
            text="Rainbow was notified of changes and did not ask for the calendars.",
            over="Rainbow has asked for the calendars of whoever it was notified of.",
            level="WARN",
        ),
    ),
    _mailboxes("user-without-address", "Users without an address that could be a mailbox's: {}."),
    _mailboxes("mailbox-not-found", "Mailboxes not subscribed: {}. Exchange knows none of the addresses."),
    _mailboxes("mailbox-denied", "Mailboxes not subscribed: {}. The connector's account has no right."),
    _mailboxes("mailbox-impersonation-denied", "Mailboxes not subscribed: {}. The account may not act for the user."),
    _mailboxes("mailbox-disabled", "Mailboxes not subscribed: {}. They are disabled."),
    _mailboxes("mailbox-refused", "Mailboxes not subscribed: {}. Exchange refuses the request."),
    _mailboxes("mailbox-shared", "Mailboxes not subscribed: {}. Another user has them."),
    _mailboxes("mailbox-postponed", "Mailboxes not subscribed: {}. Exchange puts it off again and again."),
    _mailboxes("exchange-subscriptions-exceeded", "Exchange allows no subscriptions for some mailboxes."),
    _mailboxes("mailboxes-not-streamed", "Changes of some subscribed mailboxes are not noticed at present.", "notice"),
    _mailboxes("mailboxes-not-read", "The calendars of some mailboxes cannot be read at present.", "read"),
    _mailboxes("exchange-out-of-office-unreadable", "The out-of-office of some mailboxes cannot be read.", "read"),
)
