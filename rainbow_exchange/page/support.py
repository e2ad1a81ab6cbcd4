"""`/support`: the log and data for the support by a button each, the version, and where every setting comes from."""

import asyncio
from collections.abc import Mapping
from typing import Any

from rainbow_exchange import config, logs
from rainbow_exchange.config.redacted import NOT_SET, SET
from rainbow_exchange.diagnosis import log_level
from rainbow_exchange.diagnosis.bundle import daemon_parts, sources
from rainbow_exchange.diagnosis.bundle.making import Bundle, whose_hashes
from rainbow_exchange.diagnosis.bundle.packing import Packing, Packings
from rainbow_exchange.diagnosis.settings_shown import Shown, of_daemon, short, with_lines
from rainbow_exchange.errors import UserError
from rainbow_exchange.json_text import iso
from rainbow_exchange.local_calls import Known, local_calls
from rainbow_exchange.logs.level import DEBUG_FOR
from rainbow_exchange.sides.shown import shown
from rainbow_exchange.web.view import Change, Download, File, Sorry, View
from rainbow_exchange.words import Said, _

PATH = "/support"
#: of an address that is entered
_LONGEST = 320
#: where a setting comes from that nobody has made
_NOT_MADE = ("default", "nowhere")
_SET = {SET: _("set"), NOT_SET: _("not set")}


class Support:
    """The view, and what can be done on it; `packings.run` must be running."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self.packings = Packings(
            local_calls(known),
            settings=lambda: known.wanted.combined().settings,
            secrets=lambda: known.wanted.combined().secrets,
            listed=lambda: shown(known.wanted),
            now=known.now,
        )

    def view(self) -> View:
        """Make the view."""
        return View(path=PATH, template="support.html", context=self._context, parts=("support_packing",), every=1.0)

    def changes(self) -> tuple[Change, ...]:
        """Give what is begun on it."""
        return (
            Change(path=f"{PATH}/pack", work=self._pack),
            Change(path=f"{PATH}/log-level", work=self._log_level),
        )

    def files(self) -> tuple[Download, ...]:
        """Give the files that one can have of it."""
        return (
            Download(path=f"{PATH}/log", work=self._log),
            Download(path=f"{PATH}/packed", work=self._packed),
            Download(path=f"{PATH}/names", work=self._names),
        )

    async def _context(self, values: Mapping[str, str]) -> Mapping[str, Any]:
        return {
            "packing": _shown(self.packings.last),
            "explain": values.get("explain", "")[:_LONGEST],
            "about": self.about,
            "log": log_level.view(self._known.now()),
            "debug_minutes": round(DEBUG_FOR / 60),
        }

    def about(self) -> dict[str, Any]:
        """Say what runs, where, and by which settings: by the template alone, where the whole page is shown."""
        settings = self._known.wanted.combined().settings
        listed = with_lines(of_daemon(shown(self._known.wanted)), settings.file)
        made = [each for each in listed if each.origin not in _NOT_MADE]
        others = [each for each in listed if each not in made]
        return {
            **daemon_parts.facts(iso(self._known.condition.started)),
            "folder": str(config.data_folder(settings)),
            "file": str(settings.file or ""),
            "log_file": str(settings.log.file or ""),
            "made": list(map(_row, made)),
            "others": list(map(_row, others)),
        }

    async def _pack(self, form: Mapping[str, str]) -> str:
        address = form.get("explain", "").strip()[:_LONGEST]
        try:
            self.packings.begin([address] if address else [], include_addresses=form.get("people") == "shown")
        except UserError as error:
            raise Sorry(error.problems[0], PATH) from error
        return f"{PATH}#packing"

    async def _log_level(self, form: Mapping[str, str]) -> str:
        try:
            log_level.choose(form.get("level", ""), None, by="page")
        except ValueError as error:
            raise Sorry(_("Choose one of the levels."), PATH) from error
        return f"{PATH}#log-title"

    async def _log(self, _form: Mapping[str, str]) -> File:
        lines = await asyncio.to_thread(lambda: "".join(f"{line}\n" for line in logs.recent()))
        name = f"rainbow-exchange-{self._known.now():%Y%m%dT%H%M%SZ}.log"
        return File(name=name, content_type="text/plain", content=lines.encode(errors="backslashreplace"))

    async def _packed(self, _form: Mapping[str, str]) -> File:
        packing, bundle = self._made()
        return File(name=packing.name, content_type="application/zip", content=bundle.content)

    async def _names(self, _form: Mapping[str, str]) -> File:
        packing, bundle = self._made()
        name = f"{packing.name}.names.txt"
        return File(name=name, content_type="text/plain", content=whose_hashes(packing.name, bundle.who))

    def _made(self) -> tuple[Packing, Bundle]:
        packing = self.packings.last
        if packing is None or packing.bundle is None:
            raise Sorry(_("There are no packed support data any more; pack them anew."), PATH)
        return packing, packing.bundle


def _row(setting: Shown) -> dict[str, str]:
    return {"name": setting.name, "text": _SET.get(setting.text, setting.text), "origin": short(setting.origin)}


def _shown(packing: Packing | None) -> dict[str, Any] | None:
    if packing is None:
        return None
    found: dict[str, Any] = {"began": packing.began, "running": packing.running, "failed": packing.failed}
    found["part"] = packing.part
    if (bundle := packing.bundle) is not None:
        found |= {
            "name": packing.name,
            "kilobytes": max(1, round(len(bundle.content) / 1000)),
            "files": len(bundle.manifest["files"]) + 1,  # and the manifest
            "missing": _missing(bundle),
            "hashed": not packing.include_addresses,
            "by_daemon": bundle.manifest["people_known_by"] == sources.BY_DAEMON,
        }
    return found


def _missing(bundle: Bundle) -> list[Said]:
    return [_("{file}: {why}", file=each["name"], why=each["why"]) for each in bundle.manifest["missing"]]
