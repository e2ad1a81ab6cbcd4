"""People with five appointments each, the questions about them, and what lxml takes to parse and write these."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from lxml import etree

ASKER = "pcloud_enduser_1@rainbow.test/8130744925"
ME = "connector@rainbow.test/node_x"
APPOINTMENTS = 5
_CALENDAR = "urn:xmpp:calendar:0"
_LETTERS = "abcdefghijklmnopqrstuvwxyzéàçöABCDEFGHIJKL &"
_PARTS = ("subject", "type", "showAs", "startDate", "endDate")
_NAMES = [f"{{{_CALENDAR}}}{name}" for name in _PARTS]
_EVENTS, _EVENT = f"{{{_CALENDAR}}}events", f"{{{_CALENDAR}}}event"
_CLIENT_MAP: dict[str | None, str] = {None: "jabber:client"}
_CALENDAR_MAP: dict[str | None, str] = {None: _CALENDAR}


class WrongAnswerError(Exception):
    """A question was answered wrongly, twice, or not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody, and the appointments of the day that is asked about: start, end, subject."""

    address: str
    events: tuple[tuple[datetime, datetime, str], ...]


def company(random: Random, size: int, day: datetime) -> list[Person]:
    """Make up people; no subject comes twice."""
    return [
        Person(
            address=f"p{number}.{random.randrange(1000)}@acme.test",
            events=tuple(
                _event(random, day + timedelta(hours=3 * each), f"{number}-{each}") for each in range(APPOINTMENTS)
            ),
        )
        for number in range(size)
    ]


def _event(random: Random, hour: datetime, name: str) -> tuple[datetime, datetime, str]:
    start = hour + timedelta(minutes=random.randrange(60))
    subject = "".join(random.choices(_LETTERS, k=random.randrange(8, 40))).strip()
    return start, start + timedelta(minutes=random.randrange(15, 90)), f"{subject} {name}"


def questions(people: Sequence[Person], day: datetime) -> list[str]:
    """Write a question about each, as Rainbow's cloud does."""
    start, end = (_written(each) for each in (day, day + timedelta(days=1)))
    return [
        f'<iq xmlns="jabber:client" type="get" id="q{number}" from="{ASKER}" to="{ME}"><events xmlns="{_CALENDAR}"'
        f' email="{person.address}"><startDate>{start}</startDate><endDate>{end}</endDate></events></iq>'
        for number, person in enumerate(people)
    ]


def check(answers: Sequence[bytes], people: Sequence[Person], asked: range) -> None:
    """See that each question about these people has one answer, and that it is right. Raises WrongAnswerError."""
    seen = set()
    for each in answers:
        iq = etree.fromstring(each)
        number = int(iq.get("id", "q-1")[1:])
        person = people[number]
        told = [[event.findtext(f"{{{_CALENDAR}}}{name}") for name in _PARTS] for event in iq[0]]
        right = [
            [subject, "singleInstance", "busy", _written(start), _written(end)] for start, end, subject in person.events
        ]
        if (iq.get("type"), iq.get("to"), iq[0].get("email"), told) != ("result", ASKER, person.address, right):
            raise WrongAnswerError(f"question {number}")
        seen.add(number)
    if len(answers) != len(asked) or seen != set(asked):
        raise WrongAnswerError(f"{len(answers)} answers, to {len(seen)} of {len(asked)} questions")


class Floor:
    """The same stanzas with lxml alone: each question parsed, each answer built of what stands in it, and written."""

    def __init__(self, people: Sequence[Person], day: datetime) -> None:
        self._questions = [frame.encode() for frame in questions(people, day)]
        self._answers = [
            (
                {"type": "result", "to": ASKER, "from": ME, "id": f"q{number}"},
                {"email": person.address},
                [
                    (
                        {"id": f"{number:024x}{place:08x}"},
                        (subject, "singleInstance", "busy", _written(start), _written(end)),
                    )
                    for place, (start, end, subject) in enumerate(person.events)
                ],
            )
            for number, person in enumerate(people)
        ]
        #: bytes of all answers as they were written last
        self.written = 0

    def run(self) -> float:
        """Do it once; return the processor seconds for each question."""
        written = 0
        began = time.process_time()
        for number, question in enumerate(self._questions):
            etree.fromstring(question)
            written += len(self.answer(number))
        took = time.process_time() - began
        self.written = written
        return took / len(self._questions)

    def answer(self, number: int) -> bytes:
        """Build one answer, and write it."""
        attributes, email, events = self._answers[number]
        child = etree.SubElement
        iq = etree.Element("{jabber:client}iq", attributes, nsmap=_CLIENT_MAP)
        payload = child(iq, _EVENTS, email, nsmap=_CALENDAR_MAP)
        for id_, texts in events:
            event = child(payload, _EVENT, id_)
            for name, text in zip(_NAMES, texts, strict=True):
                child(event, name).text = text
        return etree.tostring(iq, encoding="utf-8")


def _written(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"
