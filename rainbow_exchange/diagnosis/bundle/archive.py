"""Packs the parts with a manifest: which files, how large, what each is, and what is not there."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rainbow_exchange.diagnosis.bundle.collect import Missing, Part

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"


def name(now: datetime) -> str:
    """Name a bundle by the time at which it is made, in UTC."""
    return f"rainbow-exchange-support-{now:%Y%m%dT%H%M%SZ}.zip"


def manifest(about: Mapping[str, Any], parts: Iterable[Part], missing: Iterable[Missing]) -> dict[str, Any]:
    """Say what is in a bundle and what is not; `about` is what else is to be said of it."""
    files = [
        {
            "name": part.name,
            "what": part.what,
            "bytes": len(part.content),
            "sha256": hashlib.sha256(part.content).hexdigest(),
            "left_out": part.left_out,
        }
        for part in parts
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        **about,
        "files": files,
        "missing": [asdict(each) for each in missing],
    }


def pack(manifest: Mapping[str, Any], parts: Iterable[Part], now: datetime) -> bytes:
    """Give the zip, the manifest first."""
    written = io.BytesIO()
    when = (max(now.year, 1980), now.month, now.day, now.hour, now.minute, now.second)
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        described = (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode(errors="backslashreplace")
        for file, content in ((MANIFEST, described), *((part.name, part.content) for part in parts)):
            entry = zipfile.ZipInfo(file, when)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, content)
    return written.getvalue()
