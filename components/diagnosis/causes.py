"""The causes there are: what each is called, where to look next, and a draft for customers."""

from dataclasses import dataclass

VERY_LIKELY, LIKELY, POSSIBLE = 75, 58, 40  # percent; below the last nothing is named
MAX_CAUSES = 4


@dataclass(frozen=True, slots=True)
class Cause:
    """One explanation. `sure` is 0 to 100; `draft` is a sentence for customers, which staff
    edit; `public` what may follow "Likely cause:" without anyone reading it first (empty: nothing may).
    """

    kind: str
    name: str
    because: tuple[str, ...]
    look_next: str
    sure: int
    commands: tuple[str, ...] = ()
    draft: str = ""
    public: str = ""

    @property
    def level(self) -> str:
        """How sure that is, in words."""
        return "very likely" if self.sure >= VERY_LIKELY else "likely" if self.sure >= LIKELY else "possible"

    @property
    def is_confident(self) -> bool:
        """Sure enough to be acted on."""
        return self.sure >= VERY_LIKELY


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a kind. `name` may hold {behind} (" behind nginx") and {parts}."""

    name: str
    look_next: str
    commands: tuple[str, ...]
    draft: str
    public: str = ""


KINDS: dict[str, Words] = {
    "not_started": Words(
        "The process{behind} is not running, or not accepting connections",
        "Check whether the process is up, its last log lines, and whether it listens on the port.",
        ("systemctl status SERVICE", "ss -ltnp", "journalctl -u SERVICE -n 50"),
        "Part of our service is not running. We're bringing it back.",
        "part of the service is not running",
    ),
    "overload": Words(
        "Overload: more work than it can handle, or a limit is reached",
        "Check requests per second, busy workers, queues, limits, and the slowest queries.",
        ("uptime", "ss -s", "journalctl -u SERVICE -n 50 | grep -i limit"),
        "We're receiving more requests than we can handle, so some fail or are slow. We're adding capacity.",
        "there is more work than it can handle",
    ),
    "stuck": Words(
        "The application{behind} does not respond in time: it is stuck or overloaded",
        "Check what its workers are waiting for: locks, slow queries, a dependency without a timeout.",
        ("py-spy dump --pid PID", "ss -tnp state established", "journalctl -u SERVICE -n 50"),
        "Requests take too long and time out. We're looking into what is holding them up.",
        "requests take too long and time out",
    ),
    "unhealthy": Words(
        "The balancer has no healthy server: health checks fail",
        "Check the health check's address on each server, and what the balancer says of it.",
        ("curl -i http://SERVER/HEALTH", "echo 'show servers state' | socat stdio /run/haproxy/admin.sock"),
        "Our servers are failing their health checks, so requests can't be served. We're investigating.",
        "its servers are failing their health checks",
    ),
    "deploy": Words(
        "A deploy, drain or maintenance is in progress",
        "Check the deploy: whether it is still running and the new version starts; roll back if not.",
        ("systemctl status SERVICE", "journalctl -u SERVICE -n 50"),
        "We're updating this service. It will be back shortly.",
        "an update or maintenance is in progress",
    ),
    "db_connections": Words(
        "The database has run out of connections",
        "Check open connections and what holds them: long queries, a leak, too many workers.",
        (
            "psql -c 'select state, count(*) from pg_stat_activity group by 1'",
            "psql -c 'show max_connections'",
        ),
        "Our database can't accept more connections, so requests fail. We're freeing connections.",
        "its database has run out of connections",
    ),
    "dependency": Words(
        "A dependency is failing{parts}",
        "Check {them} before the service that reports it.",
        ("journalctl -u DEPENDENCY -n 50", "ss -tnp"),
        "A system that this service depends on is failing. We're working on it.",
        "a system that it depends on is failing",
    ),
    "crash": Words(
        "The application{behind} closes connections early: it crashes, or does not speak HTTP",
        "Check its log for a crash or a killed worker, the kernel's OOM killer, and the port's protocol.",
        ("journalctl -u SERVICE -n 50", "dmesg | grep -i 'killed process'"),
        "Part of our service is crashing while it answers. We're investigating.",
        "part of the service is crashing",
    ),
    "blocked": Words(
        "The probe is blocked: a firewall or bot protection answers, not the service",
        "Allow the probe's address or user agent in the firewall; the service itself may be up.",
        ("curl -i -A statuspage-probe/1 URL",),
        "",
    ),
    "certificate": Words(
        "The certificate or TLS setup is not valid",
        "Check the renewal, the chain it serves, and the name it is for.",
        ("openssl s_client -connect HOST:443 -servername HOST </dev/null | openssl x509 -noout -dates",),
        "Secure connections to this service fail because of a certificate problem. We're replacing it.",
        "a problem with its certificate",
    ),
    "dns": Words(
        "A name cannot be resolved{behind}",
        "Check the DNS zone, whether the domain has expired, and the resolver.",
        ("dig +trace NAME", "dig NAME @1.1.1.1"),
        "The name of this service cannot be resolved at the moment. We're correcting it.",
        "its name cannot be resolved",
    ),
    "network": Words(
        "The network: the host{behind} cannot be reached",
        "Check the host, the route and firewalls between.",
        ("mtr -rw HOST", "nc -vz HOST PORT"),
        "A network problem keeps requests from reaching this service. We're working on it.",
        "a network problem",
    ),
    "own_fault": Words(
        "The fault is on our side: the check could not be made",
        "Check this machine: its resolver, route, open files and memory.",
        ("df -h", "free -m", "getent hosts NAME"),
        "",
    ),
    "error": Words(
        "The application fails on this request",
        "Check the error log for this path.",
        ("journalctl -u SERVICE -n 50",),
        "Part of our service returns errors. We're investigating.",
    ),
    "unauthorized": Words(
        "The probe is not authorized",
        "Check the credentials in the probe's headers, and rules that deny its address.",
        ("curl -i URL",),
        "",
    ),
    "moved": Words(
        "The address no longer exists",
        "Check whether the path has moved; if so, edit the probe.",
        ("curl -i URL",),
        "",
    ),
    "rejected": Words(
        "The request is rejected",
        "Check what the server expects now; you may need to edit the probe.",
        ("curl -i URL",),
        "",
    ),
    "content": Words(
        "The service is running, but reports that it is unhealthy",
        "Check which part of the response changed; if the change is intended, edit the probe.",
        ("curl -i URL",),
        "Part of our service returns incorrect responses. We're investigating.",
    ),
    "misconfigured": Words(
        "Something other than the service answers: a wrong port, route or proxy setting",
        "Check the address, the port's protocol, and the proxy's last change.",
        ("curl -iv URL", "ss -ltnp"),
        "A configuration problem keeps requests from reaching this service. We're correcting it.",
    ),
}
# Where a maker's own log says it
LOGS = {
    "nginx": "tail -n 50 /var/log/nginx/error.log",
    "HAProxy": "journalctl -u haproxy -n 50",
    "Apache": "tail -n 50 /var/log/apache2/error.log",
    "Varnish": "varnishlog -g request -q 'FetchError'",
    "Caddy": "journalctl -u caddy -n 50",
    "lighttpd": "tail -n 50 /var/log/lighttpd/error.log",
    "Envoy": "curl -s localhost:9901/clusters",
    "gunicorn": "journalctl -u gunicorn -n 50",
}
