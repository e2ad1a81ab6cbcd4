"""What people wrote and what opens doors, as far as a test has made it: none of it may come to light."""

import re
from collections import Counter
from enum import StrEnum


class Kind(StrEnum):
    """What must not come to light: what people wrote, who strangers are, and what opens a door."""

    SUBJECT = "subject"
    PLACE = "place"
    BODY = "body"
    CATEGORY = "category"
    GUEST = "guest"
    TEXT = "text of a reply"
    WORDS = "words of a server"
    STRANGER = "somebody in a server's words"
    PASSWORD = "password"
    SECRET = "secret of an application"
    TOKEN = "token of a server"
    COOKIE = "cookie of a server"
    CODE = "code or session of the page"
    KEY = "token or nonce of the service"


_WORD = re.compile(r"\w+")
#: what stands alike in a log's JSON, in a repr, in HTML and in an address, whichever way those escape the rest
_RUN = re.compile(r"[\w#@ .,:!?+*/=~-]+")
_PLAIN = re.compile(r"[a-z_ -]+")
_LONGEST, _SHORTEST = 60, 6
#: of each kind: a company of fifty thousand has as many passwords
_MOST = 5_000
#: what the product itself says of an appointment
_OURS = frozenset(
    {
        "Appointment", "Busy", "Out of office", "Private appointment", "Tentative", "Working elsewhere", "no subject",
        "Rendez-vous", "Rendez-vous privé", "Confidential", "Normal", "Personal", "Private",
    }
)  # fmt: skip


class Kept:
    """Phrases that must stand nowhere, found by their words, whatever their number.

    Of each text its longest run of plain characters counts. Too short for that, and left out: what has less than six
    characters, a lower-case word that may be one of ours, and what the product itself says of appointments.
    """

    def __init__(self) -> None:
        self._phrases: dict[str, dict[str, Kind]] = {}
        self._number: Counter[Kind] = Counter()

    def __len__(self) -> int:
        return self._number.total()

    def keep(self, kind: Kind, *texts: str | None) -> None:
        """Have these stand nowhere from now on, the first thousands of a kind."""
        for text in texts:
            phrase = max(_RUN.findall(text or ""), key=len, default="").strip()
            phrase = phrase[:_LONGEST].rpartition(" ")[0] if len(phrase) > _LONGEST and " " in phrase else phrase
            if len(phrase) < _SHORTEST or phrase in _OURS or _PLAIN.fullmatch(phrase):
                continue
            word = _WORD.search(phrase)
            if word is not None and self._number[kind] < _MOST:
                known = self._phrases.setdefault(word[0], {})
                self._number[kind] += phrase not in known
                known[phrase] = kind

    def found(self, text: str) -> list[tuple[Kind, str]]:
        """Give what stands in a text."""
        if not self._phrases:
            return []
        there = self._phrases.keys() & _WORD.findall(text)
        return [(kind, phrase) for word in there for phrase, kind in self._phrases[word].items() if phrase in text]

    def forget(self) -> None:
        """Let everything be said again: another test begins."""
        self._phrases.clear()
        self._number.clear()


#: what the tests of this process have made
KEPT = Kept()
