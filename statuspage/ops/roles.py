"""The roles that a process can have, and the arguments by which Celery plays three of them."""

# by the command that starts it: what it is called in PostgreSQL's list of connections, and in heartbeats
NAMES = {"web": "web", "worker": "worker", "messages": "post", "beat": "beat", "up": "up"}

# measured: with gossip, mingle or heartbeat a worker may not come back after a broker restart
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")


def worker(region: str, *, concurrency: int) -> list[str]:
    """Runs checks from a region, opens incidents, keeps the tallies."""
    return ["worker", "-Q", f"celery,probes.{region}", f"--concurrency={concurrency}", *QUIET]


def checks_only(region: str, *, concurrency: int) -> list[str]:
    """Runs checks from a region, and nothing else."""
    return ["worker", "-Q", f"probes.{region}", f"--concurrency={concurrency}", *QUIET]


def message_worker() -> list[str]:
    """Sends messages: apart from the checks, since ten thousand messages may not make one of them late."""
    return ["worker", "-Q", "post", "--pool=solo", "-n", "post@%h", *QUIET]


def beat() -> list[str]:
    """Sends what is due, each second."""
    return ["beat"]
