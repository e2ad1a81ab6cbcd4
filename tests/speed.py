"""The extra `speed` in a folder of its own, so that only a process that is led there runs on another loop.

`python -m tests.speed FOLDER` puts it there.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def put(folder: Path) -> dict[str, str]:
    """Install the extra's packages into a folder, unless it has them; return the variables that lead there."""
    if not folder.exists():
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        packages: list[str] = project["optional-dependencies"]["speed"]
        wheels = ["--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "--target", str(folder)]
        subprocess.run([sys.executable, "-m", "pip", "install", *wheels, *packages], check=True)  # noqa: S603 (pip)
    return variables(folder)


def variables(folder: Path) -> dict[str, str]:
    """Return the variables of a process that is to find the packages in a folder."""
    return {"PYTHONPATH": str(folder)}


if __name__ == "__main__":
    put(Path(sys.argv[1]))
