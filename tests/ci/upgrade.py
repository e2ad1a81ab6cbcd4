"""Upgrade what is installed to a version with a newer state file, go back, and look whether each of them runs.

Run it from the project's folder, with a Python that can build wheels; the packages that the wheels need come from where
pip finds them. Standard library only.
"""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

NEXT = "9.9.9"
SECONDS = 60.0
TREES = ("rainbow_exchange", "soap_templates", "pyproject.toml", "README.md", "LICENSE")


def main(work: Path) -> None:
    """Tell a story of three starts."""
    data, program = work / "data", work / "program"
    data.mkdir(parents=True)
    (data / "config.toml").write_text("[web]\nport = 0\n")
    now = build(work / "now", None)
    first = now.name.split("-")[1]

    install(now, "install", "--online", "--wheel", str(now), "--no-service", program=program, data=data)
    expect(run(program, data), {"version": first, "schema": 1})
    copied = note(data / "state.db", "from the first")

    later = build(work / "later", NEXT)
    install(later, "install", "--online", "--wheel", str(later), "--no-service", program=program, data=data)
    expect(run(program, data), {"version": NEXT, "schema": 2})

    said = install(later, "rollback", program=program)
    expect(said.count("state.db.schema-1 put in its place"), 1)
    expect(run(program, data), {"version": first, "schema": 1})
    expect(noted(data / "state.db"), copied)
    expect(sorted(path.name for path in data.glob("state.db.*")), ["state.db.schema-2"])

    install(later, "install", "--online", "--wheel", str(later), "--no-service", program=program, data=data)
    expect(run(program, data), {"version": NEXT, "schema": 2})
    install(later, "uninstall", program=program)
    expect(sorted(path.name for path in program.iterdir()), ["installed.json"])
    expect(sorted(path.name for path in data.glob("state.db*")), ["state.db", "state.db.schema-1", "state.db.schema-2"])


def build(folder: Path, version: str | None) -> Path:
    """Build a wheel of this project; with `version`, one that is called so and whose state file has one more table."""
    source = folder / "source"
    source.mkdir(parents=True)
    for name in TREES:
        origin = Path(name)
        if origin.is_dir():
            shutil.copytree(origin, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(origin, source)
    if version is not None:
        change(source / "pyproject.toml", '\nversion = "', f'\nversion = "{version}"\n#')
        change(source / "rainbow_exchange" / "__init__.py", "__version__ = ", f'__version__ = "{version}"  # ')
        change(
            source / "rainbow_exchange" / "state" / "migration.py",
            "\n)\nSCHEMA_VERSION",
            '\n    "CREATE TABLE of_a_later_version (anything TEXT);",\n)\nSCHEMA_VERSION',
        )
    subprocess.run(  # noqa: S603  (our own interpreter)
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder / "dist"), str(source)],
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=600,
    )
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel


def change(file: Path, words: str, others: str) -> None:
    """Put other words in the place of some that stand there once."""
    text = file.read_text(encoding="utf-8")
    expect((file.name, text.count(words)), (file.name, 1))
    file.write_text(text.replace(words, others), encoding="utf-8")


def install(wheel: Path, *arguments: str, program: Path, data: Path | None = None) -> str:
    """Have a wheel do what the administrator asks; give what it says."""
    more = [] if data is None else ["--config", str(data / "config.toml")]
    done = subprocess.run(  # noqa: S603  (the wheel under test)
        [sys.executable, "-m", "rainbow_exchange.installation", *arguments, "--root", str(program), *more],
        cwd=wheel.parent,  # and not the source
        env=os.environ | {"PYTHONPATH": str(wheel), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    say(done.stdout.strip())
    expect((done.returncode, done.stderr), (0, ""))
    return done.stdout


def run(program: Path, data: Path) -> dict[str, object]:
    """Start what is in use, wait until it serves, end it with Ctrl-C; give its version and its state file's schema."""
    command = str(program / "rainbow-exchange")
    (data / "runtime.json").unlink(missing_ok=True)
    with (data / "log").open("ab") as log:
        running = subprocess.Popen(  # noqa: S603  (what was installed)
            [command, "run", "--config", str(data / "config.toml")], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + SECONDS
        while not (data / "runtime.json").exists():
            if running.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"it does not start:\n{(data / 'log').read_text()}")
            time.sleep(0.1)
        running.send_signal(signal.SIGINT)
        expect(running.wait(SECONDS), 0)
    finally:
        if running.poll() is None:
            running.kill()
    said = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=SECONDS, check=True).stdout  # noqa: S603  (same)
    with closing(sqlite3.connect(data / "state.db")) as connection:
        schema = connection.execute("PRAGMA user_version").fetchone()[0]
    return {"version": said.split()[1], "schema": schema}


def note(state: Path, what: str) -> str:
    """Write something into the state file that has to be there again after going back."""
    with closing(sqlite3.connect(state)) as connection, connection:
        connection.execute("INSERT OR REPLACE INTO value (key, value) VALUES ('noted', ?)", (what,))
    return what


def noted(state: Path) -> str:
    """Read it."""
    with closing(sqlite3.connect(state)) as connection:
        return str(connection.execute("SELECT value FROM value WHERE key = 'noted'").fetchone()[0])


def expect(found: object, wanted: object) -> None:
    """End where something is not as wanted."""
    if found != wanted:
        sys.exit(f"wanted {json.dumps(wanted, default=str)}, found {json.dumps(found, default=str)}")


def say(text: str) -> None:
    """Tell what goes on."""
    print(text, flush=True)  # noqa: T201  (a command's output)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
