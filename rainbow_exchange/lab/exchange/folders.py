"""GetFolder, FindFolder and SyncFolderHierarchy: a mailbox has a few folders, and only the calendar matters."""

from rainbow_exchange.lab.exchange.call import Call
from rainbow_exchange.lab.exchange.errors import Fault, Refused
from rainbow_exchange.lab.exchange.mailbox import DISPLAY_NAMES, FOLDERS, Access, Mailbox
from rainbow_exchange.lab.exchange.wire import (
    Element,
    Xml,
    answer,
    boolean,
    child,
    children,
    m,
    read_back,
    response_message,
    t,
)

_KINDS = {
    "calendar": ("CalendarFolder", "IPF.Appointment"),
    "contacts": ("ContactsFolder", "IPF.Contact"),
    "tasks": ("TasksFolder", "IPF.Task"),
}
_PARENTS = {"root": "root", "msgfolderroot": "root"}
_TOP = tuple(name for name in FOLDERS if name not in _PARENTS)


def _folder(mailbox: Mailbox, name: str) -> Xml:
    kind, folder_class = _KINDS.get(name, ("Folder", "IPF.Note"))
    count = sum(each.folder == name for each in mailbox.calendar.items.values())
    below = {"root": 1, "msgfolderroot": len(_TOP)}.get(name, 0)
    return t(
        kind,
        t("FolderId", Id=mailbox.folder_id(name), ChangeKey="AQAAAA=="),
        t("ParentFolderId", Id=mailbox.folder_id(_PARENTS.get(name, "msgfolderroot")), ChangeKey="AQAAAA=="),
        None if name in _PARENTS else t("FolderClass", folder_class),
        t("DisplayName", DISPLAY_NAMES[name]),
        t("TotalCount", str(count)),
        t("ChildFolderCount", str(below)),
        t("DistinguishedFolderId", name),
        t("UnreadCount", "0") if kind == "Folder" else None,
    )


def get(call: Call, request: Element) -> Xml:
    """Answer GetFolder."""
    messages = []
    for each in children(child(request, "FolderIds")):
        try:
            mailbox, name = call.folder(each, Access.REVIEWER)
            messages.append(response_message("GetFolderResponseMessage", m("Folders", _folder(mailbox, name))))
        except Refused as error:
            messages.append(response_message("GetFolderResponseMessage", m("Folders"), error=error))
    if not messages:
        raise Fault("ErrorSchemaValidation", values={"Violation": "FolderIds"})
    return answer("GetFolder", *messages)


def _below(name: str, *, deep: bool) -> tuple[str, ...]:
    if name == "root":
        return ("msgfolderroot", *_TOP) if deep else ("msgfolderroot",)
    return _TOP if name == "msgfolderroot" else ()


def find(call: Call, request: Element) -> Xml:
    """Answer FindFolder."""
    deep = request.get("Traversal") == "Deep"
    messages = []
    for each in children(child(request, "ParentFolderIds")):
        try:
            mailbox, name = call.folder(each, Access.OWNER)
        except Refused as error:
            messages.append(response_message("FindFolderResponseMessage", error=error))
            continue
        found = [_folder(mailbox, below) for below in _below(name, deep=deep)]
        root = m(
            "RootFolder",
            t("Folders", *found),
            IndexedPagingOffset=str(len(found)),
            TotalItemsInView=str(len(found)),
            IncludesLastItemInRange="true",
        )
        messages.append(response_message("FindFolderResponseMessage", root))
    if not messages:
        raise Fault("ErrorSchemaValidation", values={"Violation": "ParentFolderIds"})
    return answer("FindFolder", *messages)


def sync(call: Call, request: Element) -> Xml:
    """Answer SyncFolderHierarchy: folders never change here, so only the first answer holds any."""
    state = child(request, "SyncState")
    target = next(children(child(request, "SyncFolderId")), None)
    folder = target if target is not None else read_back(t("DistinguishedFolderId", Id="root"))
    mailbox, name = call.folder(folder, Access.OWNER)
    fresh = state is None or not state.text
    changes = [t("Create", _folder(mailbox, below)) for below in _below(name, deep=True)] if fresh else []
    return answer(
        "SyncFolderHierarchy",
        response_message(
            "SyncFolderHierarchyResponseMessage",
            m("SyncState", f"{mailbox.guid}"),
            m("IncludesLastFolderInRange", boolean(True)),  # noqa: FBT003 — the value itself
            m("Changes", *changes),
        ),
    )
