"""What Rainbow is told of a change: whose calendar it is, and nothing of what is in it. Pure."""

import json
from collections.abc import Sequence


def notify_body(user_ids: Sequence[str]) -> dict[str, list[str]]:
    """Give the body of a notify (`docs/reference/rainbow-wire.md`)."""
    return {"value": list(user_ids)}


def notify_wire(user_id: str) -> str:
    """Give it as it leaves, for one user; in a larger company others may stand beside."""
    return json.dumps(notify_body([user_id]))
