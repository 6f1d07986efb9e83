"""Removes from an environment what the worker never opens, and says what is left.

    /opt/venv/bin/python deploy/image/slim.py          in the environment that becomes the image

Two packages bring far more than is used: HubSpot's SDK a client for each of its APIs, pycountry its names in a hundred
languages. Everything that the product reads of them is read here once; the other files of these directories go, with
their lines in the packages' own lists. Commands of libraries and the scripts that activate an environment go too: the
image runs one program.
"""

import csv
import importlib
import io
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

SHRUNK = ("hubspot", "pycountry/locales")
"""Below site-packages."""

COMMANDS = ("hubspot-c4c-sync", "python")
"""Beginnings of the names in `bin` that stay."""


def opened() -> set[Path]:
    """The files that the product opens: all its modules, a client of HubSpot, every table of names."""
    found: set[Path] = set()

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str | bytes):
            found.add(Path(arguments[0] if isinstance(arguments[0], str) else arguments[0].decode()))

    sys.addaudithook(note)
    use()
    modules = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    return found | {Path(file) for file in modules if file}


def use() -> None:
    """Whatever needs a file of the shrunk directories."""
    import sync

    for module in pkgutil.walk_packages(sync.__path__, "sync."):
        if module.name.rpartition(".")[2] not in ("__main__", "env"):  # these run when they are imported
            importlib.import_module(module.name)
    from sync.hubspot_client import HubSpotClient
    from sync.mappers import places

    HubSpotClient("https://api.hubapi.com", "")
    for read_names in (places.country, places.state, places.language):
        read_names("-")


def unused(packages: Path, needed: set[Path]) -> list[Path]:
    """The files of the shrunk directories that are not among those needed."""
    files = (file for name in SHRUNK for file in sorted((packages / name).rglob("*")) if file.is_file())
    return [file for file in files if file not in needed]


def other_commands(commands: Path) -> list[Path]:
    return [file for file in sorted(commands.iterdir()) if not file.name.startswith(COMMANDS)]


def forget(packages: Path, removed: set[Path]) -> None:
    """Takes the removed files out of the lists that the packages keep of their files."""
    for record in packages.glob("*.dist-info/RECORD"):
        rows = list(csv.reader(io.StringIO(record.read_text(encoding="utf-8"))))
        kept = [row for row in rows if (packages / row[0]).resolve() not in removed]
        if kept != rows:
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows(kept)
            record.write_text(text.getvalue(), encoding="utf-8")


def without_files(directory: Path) -> Iterator[Path]:
    """Directories below this one that hold nothing any longer, the innermost first."""
    for path in sorted(directory.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            yield path


def main() -> None:
    sys.dont_write_bytecode = True
    commands = Path(sys.prefix) / "bin"
    [packages] = Path(sys.prefix).glob("lib/python*/site-packages")
    removed = [*unused(packages, opened()), *other_commands(commands)]
    forget(packages, {file.resolve() for file in removed})
    for file in removed:
        file.unlink()
    for name in SHRUNK:
        for directory in without_files(packages / name):
            directory.rmdir()
        left = sum(file.stat().st_size for file in (packages / name).rglob("*") if file.is_file())
        print(f"{name}: {left / 1e6:.1f} MB left")


if __name__ == "__main__":
    main()
