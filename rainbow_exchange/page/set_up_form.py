"""A form by which a part is set up: what its boxes show, and what is tried of what somebody has typed.

What was typed stays until it is kept, but for secrets, which never come back to the page. What was not changed is not
entered: a value of Rainbow's administration, or a default, does not become one of this machine by being shown.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from rainbow_exchange.config.redacted import without_userinfo
from rainbow_exchange.diagnosis.proxy_entry import proxy
from rainbow_exchange.diagnosis.set_up import PARTS, Entered
from rainbow_exchange.diagnosis.set_up_fields import Field, fields_of
from rainbow_exchange.diagnosis.trials import Trial
from rainbow_exchange.page.desk import Desk
from rainbow_exchange.page.origins import origin_of
from rainbow_exchange.words import _

#: seconds in which what was typed is looked at before the page is shown again
_LOOKED_AT_WITHIN = 3.0
#: of one value, far more than any
_LONGEST = 4096
#: stands for user name and password in an address that is shown
_HIDDEN = "***@"
MAILBOX = "mailbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A box of the form. `kept`: a secret that is set; `faults` are what is wrong with what was typed."""

    name: str
    value: str
    fixed: bool = False
    kept: bool = False
    origin: str = ""
    faults: tuple[str, ...] = ()


class Form:
    """The form of a part; names of its boxes are the settings' own, with `_` in place of the dot."""

    def __init__(self, desk: Desk, part: str, *, finds: str = "") -> None:
        self._desk = desk
        self.part = part
        self._finds = finds
        self._typed: dict[str, str] = {}
        self._faults: dict[str, list[str]] = {}
        self._kept: Trial | None = None
        side = part.partition("-")[0]
        #: its address, and who signs in there
        self._proxy = (f"{side}.proxy_url", f"{side}.proxy_username", f"{side}.proxy_password")

    @property
    def trial(self) -> Trial | None:
        """The last trial of this part."""
        return self._desk.trials.last(self.part)

    def fields(self) -> dict[str, Field]:
        """Give what counts now."""
        return fields_of(self.part, self._desk.known.wanted, self._desk.known.given)

    def boxes(self) -> dict[str, Box]:
        """Give each box as it is shown now."""
        self._forget_what_was_kept()
        faults = self._all_faults()
        boxes = {
            _name(key): Box(
                name=_name(key),
                value="" if self._is_secret(key) else self._typed.get(_name(key), _text(field.value)),
                fixed=field.fixed,
                kept=self._is_secret(key) and field.is_set,
                origin=origin_of(field),
                faults=tuple(faults.pop(key, ())),
            )
            for key, field in self.fields().items()
        }
        place, who, word = self._proxy
        boxes.setdefault(_name(who), Box(name=_name(who), value=self._typed.get(_name(who), "")))
        boxes.setdefault(_name(word), Box(name=_name(word), value="", kept=_HIDDEN in boxes[_name(place)].value))
        if boxes[_name(place)].fixed:  # who signs in there belongs to the address
            boxes |= {_name(key): replace(boxes[_name(key)], fixed=True) for key in (who, word)}
        boxes[MAILBOX] = Box(name=MAILBOX, value=self._typed.get(MAILBOX, ""), faults=tuple(faults.pop(MAILBOX, ())))
        boxes[""] = Box(name="", value="", faults=tuple(fault for each in faults.values() for fault in each))
        return boxes

    def put(self, key: str, value: str) -> None:
        """Have a box show this until it is kept."""
        self._typed[_name(key)] = value

    def forget(self) -> None:
        """Have the boxes show what counts."""
        self._typed, self._faults = {}, {}

    def take(self, typed: Mapping[str, str]) -> None:
        """Have the boxes show what was typed, but for secrets."""
        self._faults = {}
        self._typed = {name: value.strip()[:_LONGEST] for name, value in typed.items()}
        for name in [name for name in self._typed if name.endswith(("_password", "_secret"))]:
            del self._typed[name]
        for name in [name for name, value in self._typed.items() if "@" in value and name.endswith("_proxy_url")]:
            self._typed[name] = without_userinfo(self._typed[name])

    async def begin(self, typed: Mapping[str, str], *, keep: bool, part: str = "") -> bool:
        """Try what was typed, unless it cannot be; say whether. `part`: another part that the same form can try."""
        self.take(typed)
        entered = self.entered(typed, part or self.part)
        if self._faults:
            return False
        trial = self._desk.trials.begin(entered, keep=keep)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOKED_AT_WITHIN):
                await trial.begun()
        return True

    def entered(self, typed: Mapping[str, str], part: str) -> Entered:
        """Read what was typed; what is wrong with it is told by the boxes."""
        self._faults, fields = {}, self.fields()
        values: dict[str, str | bool | None] = {}
        secrets: dict[str, str | None] = {}
        for key, field in fields.items():
            text = typed.get(_name(key), "").strip()
            if field.fixed or key in self._proxy:
                continue
            if len(text) > _LONGEST:
                self.fault(key, _("This is too long: {number} characters at most.", number=_LONGEST))
            elif self._is_secret(key):
                if given := typed.get(_name(key), ""):
                    secrets[key] = given
            elif isinstance(field.value, bool):
                values |= _changed(field, bool(text))
            else:
                values |= _changed(field, text or None)
        self._read_proxy(typed, fields, values, secrets)
        if PARTS[part].finds:
            values["exchange.url"] = None
        self._demand_whole_path(values)
        return Entered(part=part, values=values, secrets=secrets, address=typed.get(MAILBOX, "").strip())

    def _read_proxy(
        self,
        typed: Mapping[str, str],
        fields: Mapping[str, Field],
        values: dict[str, str | bool | None],
        secrets: dict[str, str | None],
    ) -> None:
        """Read the proxy, whose address is a secret where it holds who signs in."""
        place, who, word = self._proxy
        field = fields[place]
        url, username = (typed.get(_name(key), "").strip()[:_LONGEST] for key in (place, who))
        password = typed.get(_name(word), "")[:_LONGEST]
        if field.fixed or (url == _text(field.value) and not password and username == self._shown(fields, who)):
            return
        if _HIDDEN in url and not username:
            self.fault(place, _("Type user name and password again: those that are kept belong to the address."))
            return
        side = place.partition(".")[0]
        new, kept = proxy(side, url.replace(_HIDDEN, "") or None, username or None, password or None)
        if username and not password and who in fields:
            kept.pop(word, None)
        values |= {key: each for key, value in new.items() for each in _changed(fields[key], value).values()}
        secrets |= {
            key: secret
            for key, secret in kept.items()
            if secret is not None or (fields[key].secret and fields[key].is_set)
        }

    @staticmethod
    def _shown(fields: Mapping[str, Field], key: str) -> str:
        return _text(fields[key].value) if key in fields else ""

    def fault(self, key: str, text: str) -> None:
        """Say what is wrong with a box."""
        self._faults.setdefault(key, []).append(text)

    def _demand_whole_path(self, values: Mapping[str, object]) -> None:
        file = values.get("exchange.ca_file")
        if isinstance(file, str) and file.startswith(("//", r"\\")):  # Windows signs in there, as the service's account
            self.fault(
                "exchange.ca_file", _("Copy the file to the connector's machine; it is not fetched from another.")
            )
        elif isinstance(file, str) and not Path(file).is_absolute():
            self.fault("exchange.ca_file", _("Write the whole path of the file, from the root or the drive on."))

    def _is_secret(self, key: str) -> bool:
        of = PARTS[self.part]
        return key in of.secrets and key not in of.settings

    def _forget_what_was_kept(self) -> None:
        trial = self.trial
        if trial is not None and trial.kept and trial is not self._kept:
            self._kept, self._typed, self._faults = trial, {}, {}

    def _all_faults(self) -> dict[str, Sequence[str]]:
        """Give what is wrong by the setting that it begins with, "" for what begins with none."""
        found: dict[str, list[str]] = {key: list(faults) for key, faults in self._faults.items()}
        trials = [self._desk.trials.last(part) for part in filter(None, (self.part, self._finds))]
        latest = max((each for each in trials if each is not None), key=lambda each: each.began, default=None)
        if not found and latest is not None and latest.state == "faulty":
            for problem in latest.problems:
                key = problem.split(" ", 1)[0]
                known = key in PARTS[self.part].settings or key in PARTS[self.part].secrets
                found.setdefault(key if known else "", []).append(problem)
        return dict(found)


def _changed(field: Field, value: str | bool | None) -> dict[str, str | bool | None]:
    """Give what is to be entered of a box: nothing where it shows what counts without this machine's doing."""
    shown: object = field.value if isinstance(field.value, bool) else (_text(field.value) or None)
    if value == shown and not field.here:
        return {}
    return {field.key: value}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else ""
    return "" if value is None else str(value)


def _name(key: str) -> str:
    return key.replace(".", "_")
