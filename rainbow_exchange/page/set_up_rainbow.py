"""Of `/set-up`, Rainbow: an administrator signs in and lets the connector have an account of its own, or logs out."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rainbow_exchange import config, own_keyring
from rainbow_exchange.bridge.login_causes import SSO_WAYS, WHERE_APPLICATION
from rainbow_exchange.config import RAINBOW_URL
from rainbow_exchange.config.layers import stands_above
from rainbow_exchange.diagnosis.withheld import leads_elsewhere
from rainbow_exchange.errors import UserError
from rainbow_exchange.local_calls import Known
from rainbow_exchange.network.proxy import Proxy
from rainbow_exchange.page.origins import said_origin
from rainbow_exchange.page.set_up_given import GivenSection
from rainbow_exchange.secret_desk import demand_sound
from rainbow_exchange.secret_places import place_of
from rainbow_exchange.sides.shown import whence
from rainbow_exchange.sign_up.activation import TAKE_OVER
from rainbow_exchange.sign_up.administrator import Order
from rainbow_exchange.sign_up.granting import Granting, Job, Question
from rainbow_exchange.sign_up.keeping import BY, SECRETS, Keeping
from rainbow_exchange.sign_up.rainbow_account import rainbow_url, way_to_rainbow
from rainbow_exchange.state import connector, made
from rainbow_exchange.web.view import Change, Sorry
from rainbow_exchange.words import _

PARTS = ("set_up_rainbow", "set_up_given")
BACK = "/set-up#set_up_rainbow"
_SETTINGS = ("rainbow.url", "rainbow.login", "rainbow.app_id", "rainbow.company_id")
_LONGEST = 8 * 1024
#: characters of what was typed that are shown again
_SHOWN = 200
_STATES = {"connected": "is-good", "disconnected": "is-bad", "starting": "is-idle"}


class RainbowSection:
    """The section, its forms, and what is begun by them; `granting.run` must be running."""

    def __init__(self, known: Known, given: GivenSection) -> None:
        self._known = known
        self._given = given
        keeping = Keeping(known.given, known.store, now=known.now, use=self._use)
        self.granting = Granting(keeping, way=self._way, now=known.now, random=known.random, stopping=known.stopping)
        self.changes = (
            Change(path="/set-up/rainbow/sign-in", work=self._sign_in),
            Change(path="/set-up/rainbow/answer", work=self._answer),
            Change(path="/set-up/rainbow/give-up", work=self._give_up),
            Change(path="/set-up/rainbow/again", work=self._again),
            Change(path="/set-up/rainbow/log-out", work=self._log_out),
        )

    async def context(self, values: Mapping[str, str]) -> Mapping[str, Any]:
        """Give what the section shows, and what Rainbow's administration gives under `given`."""
        known, settings, secrets = self._known, self._known.wanted.settings, self._known.wanted.secrets
        missing = config.missing_for_rainbow(settings, secrets)
        kept = made.read(known.store)
        above = known.given()
        places = {key: place_of(above, key) for key in SECRETS}
        since = kept.get("rainbow.login")
        return {
            "missing": missing,
            "runs": not missing,
            "made_here": any(each.by == BY for each in kept.values()),
            "since": since.at if since is not None and since.by == BY else None,
            "connector": connector.read(known.store),
            "settings": {
                key.partition(".")[2]: {
                    "value": settings.value(key),
                    "origin": said_origin(settings.origin(key), fixed=stands_above(above, key)),
                    "fixed": stands_above(above, key),
                }
                for key in _SETTINGS
            },
            "secrets": {
                key.partition(".")[2]: {
                    "set": bool(getattr(secrets, key.replace(".", "_"))),
                    "fixed": places[key].fixed,
                    "where": said_origin(whence(known.wanted, key), fixed=places[key].fixed),
                }
                for key in SECRETS
            },
            "account": own_keyring.whose(),
            "usual_url": RAINBOW_URL,
            "state": self._state(),
            "job": _shown(self.granting.job, known),
            "said": {"application": WHERE_APPLICATION, "sso": SSO_WAYS, "take_over": TAKE_OVER},
            "given": await self._given.context(values),
        }

    def _state(self) -> Mapping[str, str]:
        side = self._known.sides.rainbow
        found = side.health.state() if side is not None else {"state": "starting", "reason": ""}
        return {"badge": _STATES.get(found["state"], "is-idle"), **found}

    def _way(self, url: str) -> Proxy:
        wanted = self._known.wanted
        rainbow = wanted.settings.rainbow.model_copy(update={"url": url})
        return way_to_rainbow(wanted.settings.model_copy(update={"rainbow": rainbow}), wanted.secrets)

    async def _use(self) -> str:
        """Use what was kept, and say what keeps Rainbow from being used. What Exchange lacks, its section asks for."""
        said = await self._known.daemon.use_login()
        return said if self._known.wanted.rainbow().hold else ""

    async def _sign_in(self, form: Mapping[str, str]) -> str:
        try:
            order = self._order(form)
        except Sorry as sorry:
            typed = {name: form.get(name, "")[:_SHOWN] for name in ("login", "app_id", "url")}
            self._begun(self.granting.refuse(sorry.text, typed))
        else:
            self._begun(self.granting.grant(order))
        return BACK

    async def _answer(self, form: Mapping[str, str]) -> str:
        answer = form.get("company_id", "").strip() or form.get("answer", "")
        if not self.granting.answer(form.get("question", ""), answer):
            raise Sorry(_("This question is not asked any more; nothing was done."), BACK)
        return BACK

    async def _give_up(self, _form: Mapping[str, str]) -> str:
        self.granting.give_up()
        return BACK

    async def _again(self, _form: Mapping[str, str]) -> str:
        self.granting.forget()
        return BACK

    async def _log_out(self, form: Mapping[str, str]) -> str:
        if form.get("sure") != "yes":
            raise Sorry(_("Nothing was taken back: tick that you are sure."), BACK)
        order = None
        if form.get("by") == "administrator":
            order = replace(self._order(form), as_account=False)
        self._begun(self.granting.take_back(order, here_only=form.get("by") == "here-only"))
        return BACK

    def _begun(self, begun: bool) -> None:
        if not begun:
            raise Sorry(
                _("A sign-in is under way already, or the connector is stopping: wait until that has ended."), BACK
            )

    def _order(self, form: Mapping[str, str]) -> Order:
        """Read what was typed; what is given above it counts. Raises Sorry."""
        settings, secrets = self._known.wanted.settings, self._known.wanted.secrets
        above = self._known.given()
        login = (
            (above.rainbow.login or _text(form, "login")) if form.get("by") != "administrator" else _text(form, "login")
        )
        token = _secret(form, "token") or None
        password = None if token else _secret(form, "password")
        names_account = bool(above.rainbow.login) and login == above.rainbow.login
        app_id = above.rainbow.app_id or _text(form, "app_id") or settings.rainbow.app_id or ""
        app_secret, url = _secret(form, "app_secret"), self._url(form)
        kept_password = secrets.rainbow_password if names_account and token is None and not password else None
        kept_secret = None if app_secret else secrets.rainbow_app_secret
        is_withheld = leads_elsewhere(settings.rainbow.url, url) and bool(kept_password or kept_secret)
        password, app_secret = kept_password or password, app_secret or kept_secret or ""
        for missing, text in (
            (
                is_withheld,
                _(
                    "A password or secret that is kept goes to no other server: type both again, or write rainbow.url"
                    " into the settings file."
                ),
            ),
            (not login and token is None, _("The login of a company administrator is missing.")),
            (not password and token is None, _("The password is missing; or paste a token.")),
            (
                token is not None and form.get("as_account") == "yes",
                _("To run as an account itself its password is needed: a token lives for an hour only."),
            ),
            (not app_id, _("The application id is missing.")),
            (not app_secret, _("The application secret is missing.")),
        ):
            if missing:
                raise Sorry(text, BACK)
        return Order(
            url=url,
            app_id=app_id,
            app_secret=app_secret,
            login="" if token else login,
            password=password,
            token=token,
            company_id=settings.rainbow.company_id,
            as_account=token is None and (form.get("as_account") == "yes" or names_account),
        )

    def _url(self, form: Mapping[str, str]) -> str:
        given = self._known.given()
        typed = "" if stands_above(given, "rainbow.url") else _text(form, "url")
        try:
            return rainbow_url(typed) if typed else self._known.wanted.settings.rainbow.url
        except ValueError as error:
            raise Sorry(_("The address of Rainbow's server {fault}.", fault=str(error)), BACK) from None


def _text(form: Mapping[str, str], name: str) -> str:
    text = form.get(name, "").strip()
    if len(text) > _LONGEST or not text.isprintable():
        raise Sorry(_("What was entered is too long, or holds characters that cannot be meant."), BACK)
    return text


def _secret(form: Mapping[str, str], name: str) -> str:
    """Read a secret as it was typed, without a line end that came with it."""
    secret = form.get(name, "").strip("\r\n")
    if secret:
        try:
            demand_sound(name, secret)
        except UserError as error:
            raise Sorry(error.problems[0], BACK) from None
    return secret


def _shown(job: Job | None, known: Known) -> Mapping[str, Any] | None:
    """Give what is shown of a work."""
    if job is None:
        return None
    waiting = job.waiting
    left = (waiting.until - known.now()).total_seconds() if waiting is not None else 0
    return {
        "kind": job.kind,
        "going": not job.ended,
        "ended": job.ended,
        "steps": job.steps,
        "typed": job.typed,
        "question": _asked(job.question),
        "waiting": waiting and {"text": waiting.text, "left": max(0, round(left))},
        "text": job.text,
        "action": job.action,
        "offers": job.offers,
    }


def _asked(question: Question | None) -> Mapping[str, Any] | None:
    if question is None:
        return None
    return {name: getattr(question, name) for name in ("id", "kind", "text", "action", "until", "ways", "companies")}
