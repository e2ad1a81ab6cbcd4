"""What can be set on the lab's Rainbow while it runs: faults, and everything that Rainbow's documents leave open."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from rainbow_exchange.lab.dial_values import BadDial, check_choice, check_number
from rainbow_exchange.lab.rainbow.sasl import MECHANISMS

Paging = Literal["honest", "short", "repeated", "moving", "adds", "removes", "swaps"]
AddressFilters = Literal["exact", "words", "ignored"]
AskedEmail = Literal["login", "work", "upper"]
QuestionType = Literal["alternate", "get", "set"]
RefusedActivation = Literal["", "licence", "sso"]
SecondActivation = Literal["refuse", "add", "renew"]
TokenKind = Literal["jwt", "oauth", "opaque"]
RetryAfterForm = Literal["seconds", "date"]
RefuseBody = Literal["json", "bare", "html", "empty", "ok"]
BreakWhen = Literal["before", "after"]

_CHOICES: dict[str, tuple[str, ...]] = {
    "paging": get_args(Paging),
    "address_filters": get_args(AddressFilters),
    "asked_email": get_args(AskedEmail),
    "question_type": get_args(QuestionType),
    "refuse_activation": get_args(RefusedActivation),
    "second_activation": get_args(SecondActivation),
    "token_kind": get_args(TokenKind),
    "refuse_retry_after_form": get_args(RetryAfterForm),
    "refuse_body": get_args(RefuseBody),
    "break_when": get_args(BreakWhen),
}
_LISTS: dict[str, tuple[str, ...]] = {"sasl_mechanisms": MECHANISMS}
_MAY_BE_NEGATIVE = frozenset({"clock_skew_seconds"})


@dataclass(slots=True, kw_only=True)
class Dials:
    """The dials and their rest positions; `docs/reference/lab.md` explains each."""

    #: life of a token in seconds, and how often it may be renewed
    token_seconds: int = 3600
    max_token_renew: int = 5
    #: a JSON Web Token, one with the claim `oauth` that cannot be renewed, or one that tells nothing
    token_kind: TokenKind = "jwt"  # noqa: S105 (the name of a kind)
    #: how far the clock of tokens, `Date` and dates in Retry-After is ahead of the lab's own; negative: behind
    clock_skew_seconds: int = 0
    #: answer the next `refuse_next` calls with `refuse_status` and Retry-After `refuse_retry_after`, only those whose
    #: path contains `refuse_path`
    refuse_next: int = 0
    refuse_status: int = 429
    refuse_retry_after: int = 2
    refuse_path: str = ""
    refuse_retry_after_form: RetryAfterForm = "seconds"
    #: Rainbow's body, the same without `errorDetailsCode`, a web page, nothing, or Rainbow's body with status 200
    refuse_body: RefuseBody = "json"
    #: what such a refusal and the stream errors of `cut_link` say, instead of their own words
    refusal_words: str = ""
    #: send each answer over XMPP back in an error stanza; refuse each over S2S with 400, and repeat it
    echo_answers: bool = False
    #: break the connection of the next `break_next` calls whose path contains `break_path`, before or after they were
    #: handled; on the link the paths are `outage.ON_THE_LINK`
    break_next: int = 0
    break_path: str = ""
    break_when: BreakWhen = "after"
    #: how late answers over REST come
    rest_late_seconds: float = 0.0
    #: notify demands a valid Bearer token besides the connector's header
    strict_notify: bool = False
    #: notify refuses the whole call if it names somebody unknown
    known_users_only: bool = False
    #: refuse sign-in over REST / over XMPP although the password is right
    refuse_logins: bool = False
    refuse_xmpp_logins: bool = False
    paging: Paging = "honest"
    #: after how many more pages of a full listing somebody comes or goes (adds, removes, swaps)
    paging_moves: int = 1
    #: the largest page, and whether an answer says that it is smaller than was asked for
    page_limit: int = 1000
    page_limit_said: bool = True
    #: what `loginEmail` and `email` find: the very address, all whose address has the same words, or everybody
    address_filters: AddressFilters = "exact"
    #: whether the connector's own account stands in the list of users
    list_account: bool = False
    #: whether a notify is followed by questions
    ask: bool = True
    question_type: QuestionType = "alternate"
    asked_email: AskedEmail = "login"
    #: full JID that asks; "" means pcloud_enduser_1@<domain>/<digits>
    asker: str = ""
    #: whether questions carry dates, and how long their window is
    question_dates: bool = True
    question_hours: int = 24
    question_seconds: float = 10.0
    questions_in_flight: int = 64
    max_stanza_bytes: int = 18432
    #: SASL mechanisms of the link: PLAIN, SCRAM-SHA-1, SCRAM-SHA-256, SCRAM-SHA-512
    sasl_mechanisms: list[Any] = field(default_factory=lambda: ["PLAIN"])
    #: seconds for each frame that the link reads
    read_frame_seconds: float = 0.0
    #: what `see-other-uri` and `see-other-host` name
    elsewhere: str = ""
    #: S2S: whether callbacks are sent at all, how late "ready" is, whether a presence is called back to its owner
    s2s_callbacks: bool = True
    s2s_ready_seconds: float = 0.0
    s2s_echo_presence: bool = False
    #: whether commands to a connector get an id
    command_ids: bool = True
    #: entries of `authentication/v1.0/urls` (SSO) and of `settings/apis` (extra headers)
    login_urls: list[Any] = field(default_factory=list)
    additional_headers: list[Any] = field(default_factory=list)
    #: roles of the administrator's account ([]: its own), and {"id", "name"} of further companies that it manages
    administrator_roles: list[Any] = field(default_factory=list)
    managed_companies: list[Any] = field(default_factory=list)
    #: whether the company has the connector of an AD/LDAP synchronisation already
    existing_connector: bool = False
    #: why an activation is refused with 403; what becomes of one where there is a connector
    refuse_activation: RefusedActivation = ""
    second_activation: SecondActivation = "refuse"
    #: activations that go through; each that follows has to wait twice as long as the one before
    free_activations: int = 10
    activation_delay_seconds: int = 60
    #: answer an activation in Rainbow's `data`, not bare; or make the connector and break the connection
    activation_in_data: bool = False
    lose_activation: bool = False
    #: roles of activated connectors ("admin": may list users), and whether one may delete itself
    connector_roles: list[Any] = field(default_factory=lambda: ["admin"])
    connector_deletes_itself: bool = False
    #: whether connectors have a `creationDate`
    creation_dates: bool = True
    #: refuse (403) a call that lacks what `additional_headers` asks for it
    additional_headers_required: bool = False
    #: whether the connector may read the company's record and its configuration as an administrator does
    connector_reads_company: bool = True

    def set(self, values: Mapping[str, Any]) -> None:
        """Turn all named dials or none. Raise BadDial for a name or a value that is not known."""
        known = {each.name for each in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise BadDial(f"no dial {name}; there are {', '.join(sorted(known))}")
            if name in _CHOICES:
                check_choice(name, value, _CHOICES[name])
            if name in _LISTS and isinstance(value, list):
                check_choice(name, value, _LISTS[name])
            kind = type(getattr(self, name))
            if not (type(value) is kind or (kind is float and type(value) is int)):
                raise BadDial(f"{name} takes {kind.__name__}")
            if kind in (int, float):
                check_number(name, value, least=None if name in _MAY_BE_NEGATIVE else 0)
        for name, value in values.items():
            setattr(self, name, value)

    def as_json(self) -> dict[str, Any]:
        """Every dial with its position."""
        return {each.name: getattr(self, each.name) for each in fields(self)}
