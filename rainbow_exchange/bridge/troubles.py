"""What is said of people with whom something is wrong: each problem in a sentence, and what to do. Pure."""

from dataclasses import dataclass

from rainbow_exchange.words import _, sentences, unfilled


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a problem says, with its severity (`model.Problem`); `text` takes `names` and how many `users`, `one` `who`.

    `step` is for whoever tries again by himself, `again` what happens by itself.
    """

    severity: str
    text: str
    one: str
    step: str
    again: str = ""

    @property
    def action(self) -> str:
        """What to do, and what happens by itself."""
        return sentences(self.step, self.again)


#: problem id → what it says. That somebody has no mailbox is worth knowing, but nothing that we fall short of.
TROUBLES = {
    "user-without-address": Trouble(
        "notice",
        unfilled("No address that a mailbox could have is known of {users}: {names}."),
        unfilled("The user has no address that a mailbox could have: {who}."),
        _("Give them a work e-mail address in Rainbow's administration."),
    ),
    "mailbox-not-found": Trouble(
        "notice",
        unfilled("No mailbox was found for {users}: {names}."),
        unfilled("No mailbox was found for the user: {who}."),
        _("Compare their login and work addresses in Rainbow with the mailboxes in Exchange."),
        _("Tried again daily."),
    ),
    "mailbox-denied": Trouble(
        "warning",
        unfilled("Exchange denies access to the mailbox of {users}: {names}."),
        unfilled("Exchange denies access to the mailbox of the user: {who}."),
        _("Grant the service account ApplicationImpersonation (or Reviewer, without impersonation)."),
        _("Tried again hourly."),
    ),
    "mailbox-impersonation-denied": Trouble(
        "warning",
        unfilled("Exchange does not let the service account act for {users}: {names}."),
        unfilled("Exchange does not let the service account act for the user: {who}."),
        _(
            "Give the account the role ApplicationImpersonation; or, if it is to be only a Reviewer of the"
            " calendars, set exchange.impersonation = false."
        ),
        _("Tried again hourly."),
    ),
    "mailbox-disabled": Trouble(
        "warning",
        unfilled("The account or mailbox of {users} is out of use in Exchange: {names}."),
        unfilled("The account or mailbox of the user is out of use in Exchange: {who}."),
        _("Enable the account, renew its password or mend the mailbox."),
        _("Tried again daily, or by rainbow-exchange retry."),
    ),
    "mailbox-refused": Trouble(
        "warning",
        unfilled("Exchange does not accept the request for the mailbox of {users}: {names}."),
        unfilled("Exchange does not accept the request for the mailbox of the user: {who}."),
        _("Has the service account a mailbox of its own, and is Exchange 2013 or newer?"),
        _("Tried again daily, or by rainbow-exchange retry."),
    ),
    "mailbox-postponed": Trouble(
        "warning",
        unfilled("Exchange refuses to watch the mailbox of {users} for now: {names}."),
        unfilled("Exchange refuses to watch the mailbox of the user for now: {who}."),
        _(
            "It is tried again by itself, at least every five minutes. If it stays, look up the code in"
            " Microsoft's list."
        ),
    ),
    "mailbox-shared": Trouble(
        "warning",
        unfilled("The only address or mailbox of {users} is another user's, too: {names}."),
        unfilled("The user has an address or a mailbox that is another user's too, and no other: {who}."),
        _(
            "A mailbox belongs to one user only, to the one whose login it is. Let each user have the own"
            " address as login or work address in Rainbow's administration, and take it out everywhere else."
        ),
    ),
    "rainbow-user-refused": Trouble(
        "warning",
        unfilled("Rainbow does not let itself be told of {users}: {names}."),
        unfilled("Rainbow does not let itself be told of the user: {who}."),
        _("Were they removed in Rainbow just now? The users are listed anew, and these are told of again hourly."),
    ),
}
