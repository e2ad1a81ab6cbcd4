"""Which limits stand on the page, by subject: what each is, where the code has it, and what comes beyond it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """A row. `where` is one place in the code or several (a first wait and the longest), `unit` what it counts."""

    what: str
    where: tuple[str, ...]
    unit: str = ""
    then: str = ""


def _limit(what: str, where: str, unit: str = "", then: str = "") -> Limit:
    return Limit(what, tuple(where.split()), unit, then)


_REQUESTS = (
    _limit(
        "requests at once, streams not counted",
        "ews.client:EwsClient(max_in_flight)",
        "",
        "they wait their turn; fewer after a refusal",
    ),
    _limit("mailboxes subscribed at once", "bridge.enrolment:WORKERS"),
    _limit("name, TCP and TLS together", "ews.transport:_CONNECT_TIMEOUT", "s", "`exchange-unreachable`, tried again"),
    _limit("a whole answer", "ews.client:EwsClient(request_timeout)", "s", "the same"),
    _limit("the one request that proves a password", "ews.latch:_PATIENCE", "s", "twice as long the next time"),
    _limit("an answer", "ews.client:EwsClient(max_answer_bytes)", "bytes", "refused as malformed"),
    _limit("steps of a sign-in; each where a domain controller is asked", "ews.transport:_MOST_LEGS", "", "refused"),
    _limit("one such step", "ews.transport:_STEP_TIMEOUT", "s", "`exchange-kerberos`"),
    _limit("a connection without a request is kept", "ews.transport:_KEEP", "s"),
    _limit("the same, signed in by NTLM or Kerberos", "ews.transport:_KEEP_SIGNED_IN", "s"),
    _limit(
        "a password that had worked and is refused is tried again after",
        "ews.latch:_RETRIES_COUNTED",
        "s",
        "then hourly; a wrong one never",
    ),
    _limit("`BackOffMilliseconds`, `Retry-After` are obeyed for at most", "ews.throttle:_LONGEST", "s"),
    _limit("a token of OAuth: a whole answer", "ews.tokens:_LIMIT", "s", "`exchange-token`"),
    _limit("the same: tried again", "ews.tokens:_WAITS", "s", "the first wait, and the longest"),
    _limit("the same, refused: tried again", "ews.tokens:_WAITS_REFUSED", "s", "the first wait, and the longest"),
    _limit("an error page", "ews.client:_LONGEST_ERROR_PAGE", "bytes", "its status counts"),
    _limit("a request waits for a token", "ews.tokens:_PATIENCE", "s", "`exchange-token`"),
    _limit("a token is taken to live, where nothing is said", "ews.tokens:_LIFE", "s", "renewed at half of it"),
    _limit("mailboxes told busy in a minute: it is the server", "ews.throttle:_SEVERAL", "", "half as many requests"),
)
_STREAMS = (
    _limit("mailboxes in a stream", "ews.grouping:GROUP_SIZE", "", "another stream"),
    _limit(
        "a stream lives at most",
        "ews.watcher:Watcher(stream_minutes)",
        "min",
        "reopened; up to four minutes less by chance",
    ),
    _limit("a heartbeat is expected every", "ews.client:EwsClient(heartbeat)", "s"),
    _limit(
        "missed heartbeats until a stream is dead",
        "ews.client:_BEATS_OF_SILENCE",
        "",
        "reopened; its calendars are read",
    ),
    _limit(
        "reopened after an orderly end without a gap within",
        "ews.cover:NO_GAP_WITHIN",
        "s",
        "else its calendars are read",
    ),
    _limit("a group opens after its last newcomer", "ews.watcher:Watcher(open_delay)", "s"),
    _limit("a stream is reopened for newcomers every", "ews.watcher:Watcher(reopen_interval)", "s"),
    _limit("streams opened at once", "ews.placing:_OPENINGS_AT_ONCE"),
    _limit("a stream that fails is tried again", "ews.stream_group:_RETRY", "s", "the first wait, and the longest"),
    _limit("lost subscriptions made anew", "ews.watcher:_RENEWALS_A_SECOND", "a second"),
    _limit("a renewal that fails is tried again", "ews.watcher:_RENEWAL", "s", "the first wait, and the longest"),
    _limit(
        "no new stream after one was refused for", "ews.stream_limit:REST", "s", "later and later, up to the next row"
    ),
    _limit("the same at most", "ews.stream_limit:_LONGEST_REST", "s"),
    _limit("no new subscription after one was refused for", "ews.allowance:_REST ews.allowance:_LONGEST_REST", "s"),
    _limit("an envelope of a stream", "ews.event_stream:MAX_ENVELOPE", "bytes", "reopened"),
    _limit("a mailbox that moved is looked for every", "ews.elsewhere:_FIND_EVERY", "s"),
    _limit(
        "polling: everybody's turn within",
        "bridge.polling:PERIOD bridge.polling:LONGEST",
        "s",
        "longer where Exchange is slow",
    ),
    _limit("polling: time of Exchange's in a minute", "bridge.polling:BUDGET", "s"),
    _limit("`mailboxes-not-streamed` after", "bridge.health:UNSTREAMED_FOR", "s"),
    _limit("a stream that must not be lost is reopened for newcomers every", "ews.stream_limit:_REOPENING", "s"),
    _limit(
        "where nobody is named, trials to find a bad subscription", "ews.bisect:_MOST_PROBES", "", "all are made anew"
    ),
    _limit("giving a subscription back", "ews.unsubscribing:_LIMIT", "s", "tried again when the limit is met"),
)
_CALENDARS = (
    _limit("mailboxes in one request of free/busy", "bridge.batches:BATCH"),
    _limit("a mailbox that failed or was slow rides alone for", "bridge.batches:ALONE_FOR"),
    _limit("slow is an answer beyond", "bridge.reader:SLOW", "s"),
    _limit("a reading for a question", "bridge.lanes:TIME_LIMIT[question]", "s"),
    _limit("a reading for a change", "bridge.lanes:TIME_LIMIT[change]", "s"),
    _limit("a reading in the background", "bridge.lanes:TIME_LIMIT[background]", "s"),
    _limit("signals are gathered for", "bridge.coalesce:Coalescer(gather)", "s", "then the calendar is read"),
    _limit("what comes after that makes one more reading after", "bridge.coalesce:Coalescer(quiet)", "s"),
    _limit("each calendar is read anew every", "bridge.parts:REREAD_EVERY"),
    _limit("the other way of reading is tried after", "bridge.read_mode:TRIED_ANEW_AFTER"),
    _limit("what was read last answers for", "bridge.reader:STALE_AFTER", "", "then `remote-server-timeout`"),
    _limit("what Exchange refuses to show is forgotten after", "bridge.reader:FORGET_AFTER"),
    _limit("`mailboxes-not-read` after", "bridge.health:UNREAD_FOR"),
    _limit("appointments in one answer of Exchange", "ews.operations.find_item:MAX_ENTRIES", "", "the span is halved"),
    _limit("such requests for one calendar", "ews.calendar:_MOST_VIEWS", "", "not read"),
)
_ABSENCES = (
    _limit("everybody is looked at every", "bridge.out_of_office:PERIOD", "s", "longer, where the next row is used up"),
    _limit("time of Exchange's in a minute", "bridge.out_of_office:BUDGET", "s"),
    _limit("recipients in one request", "ews.out_of_office:MOST_MAIL_TIPS", "", "fewer where Exchange says so"),
    _limit("where tip and settings disagree, settings are read every", "bridge.out_of_office:IN_DOUBT"),
    _limit("settings that could not be read are tried again after", "bridge.out_of_office:SETTINGS_RETRY"),
    _limit("settings are confirmed before a planned start or end", "bridge.absence:CONFIRMED_BEFORE"),
    _limit("a question waits for settings", "bridge.out_of_office:PATIENCE", "s"),
    _limit("what was known answers for", "bridge.out_of_office:STALE_AFTER", "", "then `remote-server-timeout`"),
    _limit("a server without MailTips is asked again after", "bridge.mail_tips:AGAIN"),
    _limit("`exchange-out-of-office-unreadable` after", "bridge.health:ABSENCE_UNREAD_FOR", "s"),
)
_PEOPLE = (
    _limit("no mailbox by any address: tried again after", "bridge.enrolment:NOT_FOUND_AGAIN"),
    _limit("denied: tried again after", "bridge.enrolment:DENIED_AGAIN"),
    _limit("anything else: tried again", "bridge.enrolment:POSTPONED", "s", "the first wait, and the longest"),
    _limit("`mailbox-postponed` after failures in a row", "bridge.standings:POSTPONED_OFTEN"),
    _limit("people named in a problem", "bridge.people:NAMED", "", "[mailboxes](commands.md#mailboxes) has all"),
    _limit("people named in `status --json`", "status:LISTED", "", "the same"),
    _limit("users in one request", "rainbow.client:RainbowClient(page_size)"),
    _limit("a page of users is asked for at most", "rainbow.company_users:_PAGE_TRIES", "times"),
    _limit("a list that moves is read", "bridge.roll_call:READINGS", "times"),
    _limit(
        "the list is read anew for somebody unknown every",
        "bridge.listing:REFRESH_AT_MOST_EVERY",
        "s",
        "besides `bridge.users_refresh_minutes`",
    ),
    _limit("most are missing at once: removed after", "bridge.roll_call:DOUBTED_FOR", "s"),
    _limit("unknown addresses looked for at once", "bridge.look_up:PLACES"),
    _limit("unknown addresses that may wait", "bridge.look_up:MOST_WAITING"),
    _limit("an unknown address is remembered for", "bridge.look_up:NOT_FOUND_FOR", "s"),
    _limit(
        "fewer people missing at once are removed at once",
        "bridge.roll_call:DOUBTED",
        "",
        "more, if they are most: doubted",
    ),
    _limit("in doubt the list is read every", "bridge.listing:AGAIN_WHILE_DOUBTED", "s"),
    _limit(
        "somebody whom Rainbow refuses is told of again after",
        "bridge.held_back:AGAIN",
        "s",
        "the last one again and again",
    ),
    _limit("failures in a row until the next addresses are tried, too", "bridge.enrolment:LASTING"),
    _limit("pages of one search for an address: people", "rainbow.company_users:_MOST_FOUND", "", "not followed"),
)
_FINDING = (
    _limit("one request of autodiscover", "ews.autodiscover_servers:LIMIT", "s", "the next place"),
    _limit("a batch of mailboxes", "ews.autodiscover:_MANY_LIMIT", "s"),
    _limit("mailboxes in a batch", "ews.operations.get_user_settings:BATCH"),
    _limit("redirects", "ews.discovery.search:MOST_REDIRECTS", "", "the next place"),
    _limit("servers that may refuse the password", "ews.discovery.search:MOST_REFUSALS", "", "nothing more is sent"),
    _limit("looked for again after a failure", "bridge.discovery:_WAITS", "s", "the first wait, and the longest"),
    _limit("looked for anew where Exchange does not answer for", "bridge.discovery:_AWAY_FOR"),
    _limit("where autodiscover tells no sites it is left alone for", "ews.sites:_REST", "s"),
    _limit("name servers, for an SRV record", "ews.service_records:_LIMIT", "s", "there is none"),
    _limit("a mailbox waits to know its site", "ews.sites:_PATIENCE", "s", "subscribed without"),
    _limit("users that are asked about in one round", "bridge.discovery:_ADDRESSES"),
)
_RAINBOW = (
    _limit("a call", "rainbow.client:RainbowClient(request_timeout)", "s", "tried again, where that does no harm"),
    _limit("an answer", "rainbow.client:RainbowClient(max_answer_bytes)", "bytes", "refused"),
    _limit("429 without `Retry-After`: wait at least", "rainbow.answers:DEFAULT_RETRY_AFTER", "s"),
    _limit("`Retry-After` is obeyed for at most", "rainbow.answers:_MAX_RETRY_AFTER", "s"),
    _limit("people in a notify", "rainbow.assumed:NOTIFY_MAX_IDS"),
    _limit("notifies", "rainbow.assumed:NOTIFY_CALLS_A_SECOND", "a second"),
    _limit("`rainbow-changes-waiting` after", "bridge.telling:WAITING_FOR", "s"),
    _limit("`rainbow-did-not-ask` after", "bridge.told:PATIENCE", "s"),
    _limit("told again where Rainbow did not ask, after", "bridge.told:AGAIN", "s", "the last one again and again"),
    _limit("without the link for so long everybody is told anew", "bridge.changes:LINK_LOST_LONG", "s"),
    _limit("its administration is looked at every", "rainbow.administration:LOOK_EVERY", "s"),
    _limit("events in a call; waiting at most", "bridge.outbox:BATCH bridge.outbox:MOST"),
    _limit("a call of events every", "bridge.outbox:EVERY", "s"),
    _limit("failures of one kind told in an hour", "bridge.reports:MOST", "", "summed up"),
    _limit("commands that may wait", "bridge.commands:MOST_WAITING", "", "of more nothing is heard"),
    _limit("between two runs of a command", "bridge.commands:AT_LEAST_BETWEEN_RUNS", "s"),
    _limit("one run of `manual_synchro`", "bridge.synchronise:TIME_LIMIT", "s", "ends as a failure"),
    _limit("a locked account (401501) is tried after", "rainbow.refusals:_RETRY[401501]", "s"),
    _limit("a company that is not active (401521) is tried after", "rainbow.refusals:_RETRY[401521]", "s"),
    _limit(
        "any other refusal of what had worked is tried after",
        "rainbow.refusals:_RETRY_AFTER_SUCCESS",
        "s",
        "then hourly",
    ),
    _limit("reading its administration", "rainbow.administration:LOOK_FOR", "s", "what was known counts"),
    _limit(
        "at the start that is waited for",
        "rainbow.administration:_FIRST_WITHIN",
        "s",
        "this machine's settings are used",
    ),
    _limit("the company's record", "rainbow.company:_LARGEST", "bytes", "not read"),
    _limit("refused events are offered again after", "bridge.outbox:REFUSED_AGAIN", "s"),
    _limit("users named in an event", "bridge.reported:NAMED"),
    _limit("the end of a command is told", "bridge.commands:_TRIES", "times", "given up"),
)
_QUESTIONS = (
    _limit("an answer leaves within", "rainbow.xmpp:XmppLink(deadline)", "s", "`remote-server-timeout`"),
    _limit("questions that may wait", "rainbow.xmpp:XmppLink(max_waiting)", "", "`resource-constraint`"),
    _limit("an answer", "rainbow.stanzas:MAX_STANZA", "bytes", "subjects, then the list, then texts are cut"),
    _limit("a subject", "bridge.translate:SUBJECT_LIMIT", "characters", "cut"),
    _limit("a subject, where not all fit", "rainbow.wording:SUBJECT_BYTES", "bytes", "one after the other"),
    _limit("the span that is answered", "bridge.answer:LONGEST_WINDOW", "", "cut"),
    _limit("the id of a question", "rainbow.questions:MAX_ID", "characters", "`bad-request`"),
    _limit("the link: connecting", "rainbow.stream:_CONNECT_LIMIT", "s"),
    _limit("the link: a ping after silence of", "rainbow.stream:PING_AFTER", "s"),
    _limit("the link: its answer within", "rainbow.stream:_PING_LIMIT", "s", "connected anew"),
    _limit("the link: a frame", "rainbow.stream:_MAX_FRAME", "bytes", "closed"),
    _limit("S2S: Rainbow calls back within", "rainbow.s2s:READY_LIMIT", "s", "`rainbow-callback-missing`"),
    _limit("S2S: the connection is looked after every", "rainbow.s2s:CHECK_EVERY", "s"),
    _limit("S2S: a callback", "rainbow.callbacks:MAX_BODY", "bytes", "413"),
    _limit("S2S: a callback arrives within", "rainbow.callback_listener:BODY_LIMIT", "s", "408"),
    _limit("S2S: connections", "rainbow.callback_listener:MAX_CONNECTIONS"),
    _limit("the link: tried again after a conflict", "rainbow.waits:_CONFLICT_FIRST rainbow.waits:_CONFLICT_CAP", "s"),
    _limit("the link: after a refused password", "rainbow.waits:_REFUSED_FIRST rainbow.waits:_REFUSED_CAP", "s"),
    _limit(
        "the link: after it broke a rule of the server", "rainbow.waits:_POLICY_FIRST rainbow.waits:_POLICY_CAP", "s"
    ),
    _limit("a stranger is shown for", "bridge.rainbow_health:STRANGER_FOR", "s"),
    _limit("the link: redirects", "rainbow.xmpp:_MAX_REDIRECTS"),
    _limit("the link: writing a frame", "rainbow.stream:_SEND_LIMIT", "s", "connected anew"),
    _limit("S2S: answers on their way at once", "rainbow.s2s_questions:_AT_ONCE", "", "they wait"),
    _limit(
        "S2S: a question that came twice is known for", "rainbow.s2s_questions:_REMEMBERED_FOR", "s", "answered again"
    ),
    _limit(
        "S2S: without a callback a second connection is tried after",
        "rainbow.s2s:SILENCE",
        "s",
        "or sooner, where one is overdue",
    ),
)
_PAGE = (
    _limit("requests at a time", "web.app:_MAX_REQUESTS", "", "503"),
    _limit("connections", "web.app:_MAX_CONNECTIONS", "", "the idlest is closed"),
    _limit("a body", "web.calls:MAX_BODY_BYTES", "bytes", "413"),
    _limit("fields of a form", "web.forms:MAX_FIELDS", "", "400"),
    _limit(
        "a code to sign in is good for", "web.sessions:CODE_LASTS", "s", "[web-url](commands.md#web-url) makes another"
    ),
    _limit("a session lasts", "web.sessions:SESSION_LASTS", "s", "sign in again"),
    _limit("a session that nobody uses lasts", "web.sessions:IDLE_LASTS", "s", "sign in again"),
    _limit("sessions", "web.sessions:_SESSIONS", "", "the one unused for longest goes"),
    _limit("pages of a session at once", "web.sessions:LOOKS[0]", "", "429; then 20 a second"),
    _limit("changes by a session at once", "web.sessions:CHANGES[0]", "", "429; then one a second"),
    _limit(
        "live pages; of one session", "web.live:MOST web.live:MOST_OF_ONE", "", "the page says so, and goes on without"
    ),
    _limit("a test of what was entered", "diagnosis.trials:LIMIT", "s", "ends, with what was found"),
    _limit("the page's certificate", "web.tls:_MAX_BYTES", "bytes", "refused"),
    _limit("pages for all who have not signed in, at once", "web.sessions:STRANGERS[0]", "", "429; then 5 a second"),
    _limit("wrong tokens of commands at once", "web.security:_WRONG_TOKENS[0]", "", "429; then one in 2 s"),
    _limit("tests of what was entered at once", "diagnosis.trials:OFTEN[0]", "", "then 6 a minute"),
    _limit("people on a page", "page.people:PAGE", "", "the next page"),
    _limit("entries of the activity", "diagnosis.activity:LONGEST", "", "the oldest go"),
    _limit("a sign-in to Rainbow waits for an answer", "sign_up.granting:ANSWER_WITHIN", "s", "it is left"),
    _limit("handshakes of TLS at once", "web.listening:_HANDSHAKES", "", "the longest at it goes"),
    _limit("one handshake", "web.listening:_HANDSHAKE_SECONDS", "s", "closed"),
    _limit("codes to sign in", "web.sessions:_CODES", "", "the oldest goes"),
    _limit("a form arrives within", "web.forms:_SECONDS", "s", "408"),
    _limit("what is open and live is looked at every", "web.live:LOOK_EVERY", "s"),
    _limit("streams on a page", "diagnosis.streams:PAGE", "", "the next page"),
)
_MACHINE = (
    _limit("an ordered stop", "ending:STOP_WITHIN", "s", "what is not done by then is left"),
    _limit("of that, giving subscriptions back", "sides.exchange:UNSUBSCRIBE_FOR", "s", "the rest expires at Exchange"),
    _limit("a clock that is set, or a sleep, of more than", "clock:TOLERATED", "s", "both sides begin anew"),
    _limit("last lines of the log in memory", "logs:_RECENT_CHARACTERS", "characters"),
    _limit("a value in the log", "logs.redaction:_MAX_TEXT", "characters", "cut, with how many there were"),
    _limit("the past of a person is kept for", "bridge.history:KEPT_FOR"),
    _limit("entries of a person; of all", "state.history:MOST_OF_ONE state.history:MOST_IN_ALL", "", "the oldest go"),
    _limit("`history.db`", "state.history:MOST_BYTES", "bytes", "the oldest go"),
    _limit("the settings file", "config.sources:_MAX_FILE_BYTES", "bytes", "refused, exit code 2"),
    _limit("a file with a secret", "secret_files:_MAX_BYTES", "bytes", "refused"),
    _limit("a secret that is set", "secret_desk:MAX_BYTES", "bytes", "refused"),
    _limit("a secret in Windows' Credential Manager", "own_keyring:_MAX_WINDOWS_BYTES", "bytes", "refused: use a file"),
    _limit("the keyring answers within", "own_keyring:_SECONDS", "s", "`keyring_unusable` in the log"),
    _limit("`exchange.ca_file`", "network.trust:_MAX_BYTES", "bytes", "refused"),
    _limit("lines of one kind at `info` in a minute", "sparing:MOST", "", "at `debug`, and counted"),
    _limit("`debug` chosen while it runs lasts", "logs.level:DEBUG_FOR", "s", "the level of the settings"),
    _limit("any level chosen so lasts at most", "logs.level:LONGEST", "s"),
    _limit("a side is back after being connected for", "sides.outages:STEADY", "s"),
    _limit("a company so large is set apart for Python's collector", "set_apart:MANY", "people"),
    _limit("what is set apart is looked through all the same every", "set_apart:GIVEN_BACK_EVERY", "s"),
)

_COMMANDS = (
    _limit("the service answers a command within", "cli.local_api:_SECONDS", "s", "exit code 4"),
    _limit("`explain`, `preview`", "cli.explain:PATIENCE", "s", "the same"),
    _limit("`mailboxes`", "cli.mailboxes:_SECONDS", "s", "the same"),
    _limit("`login`, `logout` by the service", "cli.keepers:_SECONDS", "s", "the same"),
    _limit("`secret` by the service", "cli.secret_keeper:_SECONDS", "s", "the same"),
    _limit("`setup`: the trial", "cli.setup_keeper:_SECONDS", "s", "nothing is kept"),
    _limit("`login` waits for Rainbow at a terminal", "cli.steps:_PATIENCE", "s", "exit code 5"),
    _limit("`check`, all steps together", "diagnosis.check:TOTAL", "s", "`--seconds`"),
    _limit(
        "`check`: the first message of a stream",
        "diagnosis.check.person:FIRST_MESSAGE_WITHIN",
        "s",
        "`exchange-stream-silent`",
    ),
    _limit("`service start` waits for an answer", "cli.service:_START_SECONDS", "s", "exit code 1"),
    _limit("`support-bundle` waits for the service", "cli.support_bundle:_PATIENCE", "s", "without its parts"),
    _limit(
        "problems in full, people of each kind, on the screen of `status`",
        "cli.status_screen:PROBLEMS",
        "",
        "the rest by id or number",
    ),
    _limit("people that `mailboxes` shows in a terminal", "cli.mailboxes:_ON_A_SCREEN", "", "`--limit`"),
    _limit("people that `resync` takes at once", "diagnosis.resync:MOST", "", "`--all`"),
    _limit(
        "one file in a support bundle; all",
        "diagnosis.bundle.collect:MOST_BYTES diagnosis.bundle.collect:MOST_BYTES_IN_ALL",
        "bytes",
        "cut, and said",
    ),
    _limit(
        "an upgrade: the new version answers within",
        "installation.upgrade:START_WITHIN",
        "s",
        "the one before comes back",
    ),
    _limit("a value given by `--file`", "cli.secret_value:_MAX_BYTES", "bytes", "refused"),
    _limit("an answer of the service", "cli.local_api:_MAX_ANSWER_BYTES", "bytes", "exit code 4"),
    _limit("`check` within a support bundle", "cli.support_sources:_CHECK_SECONDS", "s", "what was found by then"),
    _limit("a bundle made on the page is kept for", "diagnosis.bundle.packing:KEPT_FOR", "s", "make another"),
    _limit(
        "an upgrade: filling the new version's folder", "installation.making:_FILL_SECONDS", "s", "the old one runs on"
    ),
)

LISTED = {
    "requests": _REQUESTS,
    "streams": _STREAMS,
    "calendars": _CALENDARS,
    "absences": _ABSENCES,
    "people": _PEOPLE,
    "finding": _FINDING,
    "rainbow": _RAINBOW,
    "questions": _QUESTIONS,
    "page": _PAGE,
    "machine": _MACHINE,
    "commands": _COMMANDS,
}
