"""A hash in place of whoever is named: the same for the same person within one bundle, and in no other. Pure.

The hash is keyed with random bytes that are never kept, so that nobody can try out addresses against it. People are
found by what is known of them, by the fields that hold them, and by what addresses, SIDs and Rainbow's ids look like.
The domain of the company and the names of servers stay: without them there is nothing to look into.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rainbow_exchange.diagnosis.bundle import escapes
from rainbow_exchange.diagnosis.bundle.known import Known

_LENGTH = 12
_HASH = re.compile(rf"hash-[0-9a-f]{{{_LENGTH}}}")
_AT = r"@|%40|%2540|\\+u0040|\\+x40|\\+40|=40|&#(?:64|x40);"
_ESCAPED = r"\\+u[0-9a-fA-F]{4}|\\+x[0-9a-fA-F]{2}|&#x?[0-9a-fA-F]{2,6};"
#: letters and marks of any script, but what stands around words
_FOREIGN = r"[^\x00-\x7f\s\u00ab\u00bb\u2010-\u203a\u3000-\u3003\u3008-\u3011\uff08\uff09\uff0c\uff1a\uff1b]"
_PLAIN = r"[A-Za-z0-9_.+'!#$*~^{}|`%-]"
# Everything is bounded: a long word is looked through in the same time as many short ones.
_ADDRESS = re.compile(
    rf"(?P<local>\"[^\"\n@]{{1,64}}\"|(?:{_PLAIN}|{_FOREIGN}|{_ESCAPED}){{1,128}})"
    rf"(?P<at>{_AT})"
    r"(?P<domain>(?:[A-Za-z0-9]|[^\x00-\x7f])(?:[\w-]|%[89a-f][0-9a-f]){0,63}"
    r"(?:\.(?:[\w-]|%[89a-f][0-9a-f]){1,63}){0,30})",
    re.IGNORECASE,
)
_NEXT = re.compile(_AT, re.IGNORECASE)
#: what in a URL may stand right before an address
_BEFORE = re.compile(r".*%(?:25)*(?:20|22|26|27|2C|2F|3A|3B|3C|3D|3F)", re.IGNORECASE)
#: what else is of one person: SIDs of accounts, Rainbow's ids of users and companies, names in a directory
_IDS = re.compile(
    r"\bS-1-(?:5-21|12-1)(?:-\d+)+"
    r"|(?<![0-9A-Za-z])[0-9a-f]{24}(?![0-9A-Za-z])"
    r"|/o=[^/\"'<>\n]{1,200}(?:/(?:ou|cn)=[^/\"'<>\n;,]{1,200}){1,20}"
    r"|\bCN=[^,;\"'<>\n]{1,200}(?:,\s?(?:CN|OU)=[^,;\"'<>\n]{1,200}){0,20}(?:,\s?DC=[^,;\"'<>\s]{1,63}){1,20}",
    re.IGNORECASE,
)
_REQUEST = re.compile(r"(?:request|correlation)_id\W{1,5}$")
_HOME = re.compile(r"(?P<before>/home/|/Users/|\b[A-Z]:\\+Users\\+)(?P<name>[^/\\\s\"']+)", re.IGNORECASE)
#: fields that hold one person and nothing else
_PEOPLE = frozenset(
    {"account", "accounts", "address", "addresses", "anchor", "anchors", "asker", "external_uid", "identifier", "jid"}
    | {"fallback_username", "login", "proxy_username"}
    | {"mailbox", "mailboxes", "principal", "user", "user_id", "user_ids", "username"}
)
#: settings that say where a name is found
_NAMES_OF_FIELDS = frozenset({"rainbow_fields"})
_IDENTIFIERS = frozenset({"login", "work", "personal", "external-uid"})
#: the same in a line that is no JSON, as a terminal shows it
_FIELD = re.compile(
    r"(?P<before>\b(?:anchor|external_uid|identifier|jid|login|mailbox|principal|user|user_id|username)=[\"']?)"
    r"(?P<name>[\w.:$\\-]+)"
)
_NO_NAMES = frozenset({"None", "True", "False", "null"})
#: fields whose keys are people
_BY_PERSON = frozenset({"privacy_exceptions", "bridge.privacy_exceptions"})
#: fields of our own words, and ids of requests by which Rainbow's support finds them
_NOBODY = frozenset(
    {"correlation_id", "event", "level", "logger", "request_id", "severity", "state", "timestamp"}
    | {"change", "client_request_id", "exchange_request_id", "notified_by", "question", "read_by"}
)
#: accounts that a system or this product brings along
_SERVICES = frozenset(
    {"root", "nobody", "system", "localsystem", "local service", "network service", "localservice", "networkservice"}
    | {"rainbow-exchange", "this account"}
)
_IP = re.compile(r"[0-9.]+|[0-9a-f:.]*:[0-9a-f:.]*", re.IGNORECASE)
_WORD = re.compile(r"[\w.:-]+")
_OUR_KEY = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z_]+)?")


class Hiding:
    """Hides people in texts and JSON. `who` tells, for those who keep it, which hash stands for whom.

    `people`: names of people as they are known; `domains`: those that stay, and whatever is below them.
    """

    def __init__(self, key: bytes, *, people: Iterable[str] = (), domains: Iterable[str] = ()) -> None:
        self._key = key
        self._addresses = Known()
        self._names = Known()
        self._domains = {domain.lower().strip(".") for domain in domains if domain}
        self.who: dict[str, str] = {}
        for name in people:
            self.add(name)

    def add(self, name: str) -> None:
        """Know one more name; where a Windows domain stands before it, that stays."""
        account = name.rpartition("\\")[2].strip()
        if "@" not in account:
            self._names.add(account)
            return
        if not _is_plain(account):  # those that are, are found by their looks
            self._addresses.add(account)
        for spelled in _display_names(account.partition("@")[0]):
            self._names.add(spelled)

    def text(self, text: str) -> str:
        """Hide whoever is named in a text, be it in escapes."""
        text = self._as_it_stands(text)
        for found_in in (escapes.words, escapes.base64s):
            shown, end = [], 0
            for start, stop, meaning in found_in(text):
                hidden = self._as_it_stands(meaning)
                shown += [text[end:start], text[start:stop] if hidden == meaning else hidden]
                end = stop
            text = "".join((*shown, text[end:]))
        return text

    def _as_it_stands(self, text: str) -> str:
        text = self._replace(self._addresses, text)
        text = _ADDRESS.sub(self._address, text)
        text = self._replace(self._names, text)
        text = _IDS.sub(self._id, text)
        text = _HOME.sub(self._home, text)
        return _FIELD.sub(self._field, text)

    def value(self, value: Any, key: str = "") -> Any:
        """Hide whoever is named in JSON, in keys, too; `key` is the one under which it stands."""
        group, _, name = key.rpartition(".")
        if isinstance(value, str):
            if name in _NOBODY and _WORD.fullmatch(value):
                return value
            hidden = self.text(value)
            one = name in _PEOPLE and group not in _NAMES_OF_FIELDS
            alone = hidden == value and one and _WORD.fullmatch(value) and not _HASH.fullmatch(value)
            return self.hash(value) if alone and is_of_a_person(value) and not _IP.fullmatch(value) else hidden
        if isinstance(value, Mapping):
            # What "value" is, says "name" in a list of settings, and "kind" in one of identifiers.
            says = "identifier" if value.get("kind") in _IDENTIFIERS else value.get("name")
            named = {"value": says} if isinstance(says, str) else {}
            return {
                self._key_of(str(each), within=key): self.value(content, named.get(str(each), str(each)))
                for each, content in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(one, key) for one in value]
        return value

    def hash(self, name: str) -> str:
        """Give what stands in place of a name; of an address the domain stays where it is the company's."""
        name = unicodedata.normalize("NFC", name.strip().lower())
        local, at, domain = name.rpartition("@")
        if not at:
            return self._hash(name)
        if self._stays(domain):
            return self._note(f"{self._digest(name)}@{domain}", name)
        return self._note(f"{self._digest(name)}@{self._digest(domain)}", name) if local else self._hash(name)

    def _replace(self, known: Known, text: str) -> str:
        shown, end = [], 0
        for found in known.find(text):
            shown += [text[end : found.start], self.hash(found.name)]
            end = found.end
        return "".join((*shown, text[end:]))

    def _address(self, found: re.Match[str]) -> str:
        nobody = _HASH.fullmatch(found["local"]) or not found["local"].strip("*.'")
        if nobody and not _NEXT.match(found.string, found.end()):
            return found[0]
        local, before = found["local"], ""
        if "%" in found["at"] and (leading := _BEFORE.match(local)):
            before, local = leading[0], local[leading.end() :]
        elif local.startswith("'"):
            before, local = "'", local[1:]
        if not local:
            before, local = "", found["local"]
        return before + self.hash(f"{escapes.meaning(local)}@{escapes.meaning(found['domain'])}")

    def _id(self, found: re.Match[str]) -> str:
        before = found.string[max(0, found.start() - 20) : found.start()]
        return found[0] if _REQUEST.search(before) else self._hash(found[0].lower())

    def _home(self, found: re.Match[str]) -> str:
        hidden = _HASH.fullmatch(found["name"])
        return found[0] if hidden else found["before"] + self._hash(found["name"].lower())

    def _field(self, found: re.Match[str]) -> str:
        name = found["name"]
        if name.startswith("hash-") or name in _NO_NAMES or not is_of_a_person(name):
            return found[0]
        return found["before"] + self._hash(name.lower())

    def _key_of(self, key: str, *, within: str) -> str:
        if within in _BY_PERSON:
            hidden = self.text(key)
            is_none = hidden != key or "*" in key or _HASH.fullmatch(key)
            return hidden if is_none else self.hash(key)
        return key if _OUR_KEY.fullmatch(key) else self.text(key)

    def _stays(self, domain: str) -> bool:
        return any(domain == known or domain.endswith(f".{known}") for known in self._domains)

    def _hash(self, name: str) -> str:
        return self._note(self._digest(name), name)

    def _note(self, shown: str, name: str) -> str:
        self.who[shown] = name
        return shown

    def _digest(self, name: str) -> str:
        digest = hmac.new(self._key, name.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
        return f"hash-{digest[:_LENGTH]}"


def is_of_a_person(account: str) -> bool:
    """Whether an account may be a person's, and not one that a system or this product brings along."""
    bare = account.rpartition("\\")[2].lower()
    return bare not in _SERVICES and not bare.endswith("$") and not bare.isdigit()


def _is_plain(name: str) -> bool:
    """Whether a name has the looks of an address, and no other character that a text may write in another way."""
    return re.fullmatch(r"[\w.+-]+@[\w.-]+", name, re.ASCII) is not None


def _display_names(local: str) -> Iterator[str]:
    """Give how a person is called whose address begins with first and last name."""
    first, _, last = local.replace("_", ".").partition(".")
    if not (first.replace("-", "").isalpha() and last.replace("-", "").isalpha()):
        return
    for one, two in {(first, last), (first.replace("-", " "), last.replace("-", " ")), (first, last.replace("-", " "))}:
        yield from (f"{one} {two}", f"{two} {one}", f"{two}, {one}")
