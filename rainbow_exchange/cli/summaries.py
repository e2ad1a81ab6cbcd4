"""What each command does in a sentence: for the list of all, which is not to read every command for it. Pure."""

#: the first sentence of each `--help`, which a test holds to it
SUMMARIES = {
    "check": (
        "Check everything from bottom to top: settings, secrets, the way to Exchange and to Rainbow, rights, calendars."
    ),
    "completion": "Print the script that lets a shell complete commands, options, choices and files by Tab.",
    "config": "Show, check and begin the settings.",
    "explain": "Say why one user is shown as he is, or was: the whole chain, and its first broken link.",
    "lab": "Serve a simulated Exchange, a simulated Rainbow and a page that shows both, until Ctrl-C.",
    "log-level": "Show which lines the running service logs, or change that without a restart.",
    "login": "Sign in to Rainbow as a company administrator, and have the connector given an account of its own.",
    "logout": "Take back what login made: the connector at Rainbow, its credentials here.",
    "mailboxes": "List the users of the company, each with the mailbox that is theirs, or why none is and what to do.",
    "preview": "Show what Rainbow would be told of one user now, with the rule that made each field so.",
    "resync": "Read the list of Rainbow's users anew, and the calendar and out-of-office state of whoever has ADDRESS.",
    "retry": "Try mailboxes now that are to be tried later, once their cause is mended: those of ADDRESS, or all.",
    "run": "Run the connector until Ctrl-C (or its service manager's stop).",
    "secret": "Put secrets where the service can read them, and see where each comes from.",
    "service": "Run the connector with the machine: by NSSM on Windows, by systemd on Linux.",
    "setup": (
        "Set up Exchange and the proxies at the command line, as the local page does: tried first, kept when it works."
    ),
    "status": "Say whether the connector is well and, if not, why and what to do.",
    "support-bundle": (
        "Pack what helps a support engineer into one zip file, with hashes in place of people's addresses."
    ),
    "throttling-policy": "Have Exchange allow the account more.",
    "web-url": "Print the address of the local page, with a code that signs in once.",
}
