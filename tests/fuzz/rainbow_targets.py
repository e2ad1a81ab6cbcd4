"""What Rainbow, or whoever its servers route for, may send: frames, sign-ins, callbacks, REST answers."""

import json
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from rainbow_exchange.config import Settings
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.rainbow import assumed_s2s, callbacks, connections, stanzas
from rainbow_exchange.rainbow.account import read_account
from rainbow_exchange.rainbow.answers import Reply, refusal
from rainbow_exchange.rainbow.askers import Jid, may_ask
from rainbow_exchange.rainbow.assumed import FIELDS
from rainbow_exchange.rainbow.auth import read_token
from rainbow_exchange.rainbow.callbacks import MalformedCallback
from rainbow_exchange.rainbow.companies import list_companies
from rainbow_exchange.rainbow.company import company_record, exchange_configuration
from rainbow_exchange.rainbow.connectors import activate, list_connectors
from rainbow_exchange.rainbow.courtesy import courtesy
from rainbow_exchange.rainbow.endpoints import may_follow
from rainbow_exchange.rainbow.entered import Entered, read
from rainbow_exchange.rainbow.errors import RainbowApiError, RainbowError, SaslRefused, StreamEnded
from rainbow_exchange.rainbow.extra_headers import read_extra_headers
from rainbow_exchange.rainbow.grants import granted
from rainbow_exchange.rainbow.link import MalformedQuestion
from rainbow_exchange.rainbow.login_urls import read_ways
from rainbow_exchange.rainbow.management import read_orders, refused
from rainbow_exchange.rainbow.negotiation import negotiate
from rainbow_exchange.rainbow.questions import auto_reply_result, events_result, is_question, read_question
from rainbow_exchange.rainbow.refusals import judged
from rainbow_exchange.rainbow.sasl import choose
from rainbow_exchange.rainbow.types import Account, AutoReply, CalendarEvent
from rainbow_exchange.rainbow.users import Reading, read_user
from rainbow_exchange.sides.combined import combine
from rainbow_exchange.sides.company import wrong
from tests.fuzz import json_mutations, rainbow_corpus, words, xml_mutations
from tests.fuzz.bytes_mutations import spoil
from tests.fuzz.target import Past, Run, Target, finished

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ME = "0a1b@rainbow.test/node_x"
_ACCOUNT = Account(user_id="5f01", company_id="5fc1", jid="0a1b@rainbow.test", jid_password="p")
_EVENT = CalendarEvent(
    id="e1", subject="R&D <x>", type="singleInstance", show_as="busy", start=NOW, end=NOW + timedelta(hours=1)
)
_AWAY = AutoReply(state="enabled", internal_text="Away " * 100, external_text="Away", audience="all")
#: pages that may be asked for before a list of so few users is at its end, or given up
_MOST_PAGES = 500


def frame(data: bytes, past: Past, _: Random) -> None:
    """A frame, and what is answered to it."""
    text = data.decode("utf-8", "replace")
    read_frame = stanzas.read(text)
    past()
    match read_frame:
        case stanzas.Iq(wrong="") as iq if is_question(iq):
            may_ask(iq.from_, Jid.read(ME), None)
            stanzas.error(iq, ME, "bad-request", "modify")
            question = read_question(iq)
            events_result(iq, ME, question, [_EVENT] * 3, escape_twice=True)
            auto_reply_result(iq, ME, question, _AWAY)
        case stanzas.Iq() as iq:
            courtesy(iq, ME)
        case stanzas.Presence(from_=sender):
            Jid.read(sender)
        case stanzas.Close(see_other_uri=uri):
            StreamEnded("closed", see_other_uri=uri)
            may_follow("wss://rainbow.test/websocket", uri)
        case stanzas.Other(element=element):
            if read_orders(element):
                may_ask(element.get("from", ""), Jid.read(ME), None)
                refused(element, ME)
        case _:
            pass


def sign_in(data: bytes, past: Past, _: Random) -> None:
    """All frames of a sign-in."""
    steps = negotiate(domain="rainbow.test", username="0a1b", password="p", resource="node_x", plain_allowed=True)
    next(steps)
    try:
        for part in data.split(rainbow_corpus.BORDER):
            read_frame = stanzas.read(part.decode("utf-8", "replace"))
            past()
            steps.send(read_frame)
    except StopIteration as stop:
        Jid.read(stop.value.jid)


def challenge(data: bytes, past: Past, _: Random) -> None:
    """A server's step of SCRAM."""
    mechanism = choose(["SCRAM-SHA-1"], username="0a1b", password="p", plain_allowed=False)
    nonce = b64decode(mechanism.first()).rpartition(b"r=")[2]
    mechanism.answer(b64encode(data.replace(b"{nonce}", nonce)).decode())
    past()
    mechanism.finish(b64encode(data).decode())


def callback(data: bytes, past: Past, random: Random) -> None:
    """What comes at a path, and the answer to a question in it."""
    for name in (callbacks.CONNECTION, *sorted(callbacks.QUESTIONS), random.choice(sorted(callbacks.NAMES))):
        said = callbacks.read(name, data)
        past()
        str(said.state)
        id_ = assumed_s2s.request_id(said.payload)
        if name not in callbacks.QUESTIONS or id_ is None:
            continue
        json.dumps(assumed_s2s.error_body(id_, "bad-request")).encode()
        question = assumed_s2s.read_question(name, said.payload)
        assumed_s2s.answer_path(said.connection_id, name)
        json.dumps(assumed_s2s.events_body(id_, question, [_EVENT] * 3)).encode()
        json.dumps(assumed_s2s.auto_reply_body(id_, question, _AWAY)).encode()


class Answering:
    """Answers each call alike, as Rainbow's transport hands an answer on."""

    def __init__(self, data: bytes, past: Past, headers: Mapping[str, str] | None = None) -> None:
        self._data = data
        self._past = past
        self._headers = headers or {}

    async def call(self, *_: Any, **__: Any) -> Reply:
        return self.reply()

    def reply(self, status: int = 200) -> Reply:
        """The answer, unless it is a refusal; also tells whether it is JSON."""
        reply = Reply(status, self._headers, self._data)
        refused = refusal(reply, NOW)
        if refused is not None:
            self._past()
            raise refused
        reply.json()
        self._past()
        return reply


def called(call: Any) -> Run:
    """A call of which `call` makes something, given who makes it."""

    def run(data: bytes, past: Past, _: Random) -> None:
        finished(call(Answering(data, past)))

    return run


def replied(take: Any) -> Run:
    """A reply that `take` reads."""

    def run(data: bytes, past: Past, _: Random) -> None:
        take(Answering(data, past).reply())

    return run


async def _all_connections(caller: Answering) -> None:
    try:
        await connections.listed(caller)
    except RainbowError:
        await connections.create(caller, "https://a.test/x")
    await connections.get(caller, "cnx-1")


def login(data: bytes, past: Past, random: Random) -> None:
    headers = {"Date": words.text(random)} if random.randrange(2) else {}
    reply = Answering(data, past, headers).reply()
    grant = granted(reply, read_account(reply.member("loggedInUser")), now=NOW, received=0.0)
    grant.expired(100.0)
    str(grant)


def claims(data: bytes, past: Past, _: Random) -> None:
    """What stands inside a token."""
    token = read_token(f"e30.{urlsafe_b64encode(data).decode().rstrip('=')}.c2ln")
    if token.issued_at or token.expires_at or token.oauth or token.renewed:
        past()
    token.lifetime(NOW)


def page(data: bytes, past: Past, random: Random) -> None:
    """A page of users, given again whatever page is asked for: reading must end all the same."""
    answering = Answering(data, past)
    answer = answering.reply().json()
    reading = Reading(limit=random.choice((1, 2, 100)))
    for _ in range(_MOST_PAGES):
        if isinstance(answer, dict) and "offset" in answer and random.randrange(3):
            answer["offset"] = reading.offset
        reading.take(answer)
        if reading.complete:
            return
    raise AssertionError(f"not at the end after {_MOST_PAGES} pages")


def error_answer(data: bytes, past: Past, random: Random) -> None:
    """A refusal, with headers as strange as its body."""
    headers = {"Retry-After": words.text(random), "Date": words.text(random)}
    reply = Reply(random.choice((200, 400, 401, 403, 404, 429, 500, 503, 999)), headers, data)
    error = refusal(reply, NOW)
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        pass
    else:
        past()
    if error is not None:
        str(error)
    if isinstance(error, RainbowApiError):
        str(judged(error, has_worked=False, refusals=0)[0])


def entered(data: bytes, past: Past, _: Random) -> None:
    """The documents in which Rainbow's administration holds settings, and what becomes of them here."""
    documents = Answering(data, past).reply().json()
    documents = [each for each in documents if isinstance(each, dict)] if isinstance(documents, list) else []
    found = read(documents, FIELDS, before=Entered(), check=wrong)
    str(combine(Settings(), Secrets(), found))


def extra_headers(data: bytes, past: Past, _: Random) -> None:
    extra = read_extra_headers(Answering(data, past).reply().json())
    extra.matching("GET", "/api/rainbow/admin/v1.0/users" + "a" * 200)


def _mutate_frames(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    frames = data.split(rainbow_corpus.BORDER)
    place = random.randrange(len(frames))
    frames[place] = xml_mutations.mutate(frames[place], random, rainbow_corpus.FRAMES)
    if not random.randrange(4):
        frames.insert(place, random.choice(rainbow_corpus.FRAMES))
    return rainbow_corpus.BORDER.join(frames)


def _mutate_challenge(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    if random.randrange(2):
        parts = data.split(b",")
        value = random.choice((words.text(random).encode("utf-8", "replace")[:500], b"4096", b64encode(data)))
        if random.randrange(3):
            parts[1 + random.randrange(2)] = random.choice((b"s=", b"i=")) + value
        else:
            parts.insert(random.randrange(4), random.choice((b"r=", b"m=", b"v=", b"x=")) + value)
        return b",".join(parts)
    return spoil(data, random, others)


def _rest(name: str, run: Run, corpus: tuple[bytes, ...], weight: int = 2) -> Target:
    return Target(
        name=name, run=run, corpus=corpus, mutate=json_mutations.mutate, errors=(RainbowError,), weight=weight
    )


TARGETS = (
    Target(
        name="xmpp_frame",
        run=frame,
        corpus=rainbow_corpus.FRAMES,
        mutate=xml_mutations.mutate,
        errors=(RainbowError, MalformedQuestion),
        weight=16,
    ),
    Target(
        name="xmpp_sign_in",
        run=sign_in,
        corpus=rainbow_corpus.SIGN_INS,
        mutate=_mutate_frames,
        errors=(RainbowError,),
        weight=4,
    ),
    Target(
        name="xmpp_scram",
        run=challenge,
        corpus=rainbow_corpus.CHALLENGES,
        mutate=_mutate_challenge,
        errors=(SaslRefused,),
        weight=1,
    ),
    Target(
        name="callback",
        run=callback,
        corpus=rainbow_corpus.CALLBACKS,
        mutate=json_mutations.mutate,
        errors=(MalformedCallback, MalformedQuestion),
        weight=6,
    ),
    _rest("login", login, rainbow_corpus.LOGINS, 3),
    _rest("token_claims", claims, rainbow_corpus.CLAIMS),
    _rest("login_urls", replied(lambda reply: read_ways(reply.json())), rainbow_corpus.WAYS),
    _rest("extra_headers", extra_headers, rainbow_corpus.EXTRA_HEADERS),
    _rest("users", page, rainbow_corpus.PAGES, 5),
    _rest("user", replied(lambda reply: read_user(reply.data())), rainbow_corpus.USERS),
    _rest("company", called(lambda caller: company_record(caller, "5fc1")), rainbow_corpus.RECORDS),
    _rest(
        "configuration",
        called(lambda caller: exchange_configuration(caller, "5fc1")),
        rainbow_corpus.CONFIGURATIONS,
    ),
    _rest("companies", called(list_companies), rainbow_corpus.COMPANIES),
    _rest("connectors", called(lambda caller: list_connectors(caller, "5fc1")), rainbow_corpus.CONNECTORS),
    _rest("activation", called(lambda caller: activate(caller, "5fc1")), rainbow_corpus.ACTIVATIONS),
    _rest("s2s_connections", called(_all_connections), rainbow_corpus.CONNECTIONS),
    _rest("refusal", error_answer, rainbow_corpus.REFUSALS, 3),
    _rest("entered_settings", entered, rainbow_corpus.ENTERED, 3),
)
