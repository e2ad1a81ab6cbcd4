"""`make reference`: write the parts of pages that come from the code."""

from docs.made import DOCS, MODULES, made_anew

for module in MODULES:
    page, text = made_anew(module)
    if page.read_text(encoding="utf-8") != text:
        page.write_text(text, encoding="utf-8", newline="\n")
        print(f"docs/{page.relative_to(DOCS).as_posix()}")
