"""Where what must not come to light may stand nevertheless, and the sentence of the documentation that says so."""

from tests.leaks.kept import Kind

_PREVIEW = "shows what Rainbow would be told of one person, masked as for Rainbow"
_WAY_IN = "`web-url` makes an address that signs a browser in, once"
_RUNTIME = "written as `runtime.json` and `web-token` into the data folder, readable by the service's account"

#: place, kind → a sentence that stands in docs/explanation/privacy.md
ALLOWED: dict[tuple[str, str], str] = {
    ("preview", Kind.SUBJECT): _PREVIEW,
    ("preview", Kind.TEXT): _PREVIEW,
    ("way in", Kind.CODE): _WAY_IN,
    ("runtime.json", Kind.KEY): _RUNTIME,
    ("web-token", Kind.KEY): _RUNTIME,
}
