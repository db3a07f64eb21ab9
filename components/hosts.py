"""What /etc/hosts says about a name; it takes precedence over DNS."""

from functools import lru_cache
from pathlib import Path

from components.networks import Address, literal_address

HOSTS_FILE = Path("/etc/hosts")


def addresses_of(name: str) -> tuple[Address, ...]:
    """Its addresses there; none when the file does not name it."""
    return _hosts_file(_hosts_stamp()).get(name.rstrip("."), ())


def _hosts_stamp() -> float:
    try:
        return HOSTS_FILE.stat().st_mtime
    except OSError:
        return 0.0


@lru_cache(maxsize=1)
def _hosts_file(_stamp: float) -> dict[str, tuple[Address, ...]]:
    """The names of /etc/hosts; read again when the file changes."""
    table: dict[str, tuple[Address, ...]] = {}
    try:
        lines = HOSTS_FILE.read_text(errors="replace").splitlines()
    except OSError:
        return table
    for line in lines:
        text, *names = line.split("#")[0].split() or [""]
        address = literal_address(text) if text else None
        if address is None:
            continue
        for name in names:
            table[name.lower()] = (*table.get(name.lower(), ()), address)
    return table
