"""What an answer says in so many words, whoever made it: databases, dependencies, firewalls, maintenance."""

import re
from collections.abc import Iterator

from components.diagnosis import documents, proxy_status
from components.diagnosis.maker import Maker
from components.diagnosis.signs import Sign
from components.diagnosis.view import View

MAX_QUOTE = 60
# A driver's or pool's own words for "no connection left"
CONNECTIONS = re.compile(
    r"too many clients already|remaining connection slots|too many connections|too many database connections"
    r"|queuepool limit of size|connection is not available, request timed out|no more connections allowed"
    r"|max number of clients reached|couldn't get a connection after|timeout waiting for idle object"
    r"|pool is probably full|(?:connection )?pool (?:is )?exhausted|max_connections|maxconnectionsreached"
    r"|timed out fetching a new connection from the connection pool|too many open connections"
    r"|(?:all|no) (?:pooled )?connections? (?:are |is )?(?:in use|available|left)|connection limit exceeded"
    r"|ora-00018|ora-12516|ora-12519|ora-12520|query_wait_timeout"
    r"|reached max_client_conn|cannot get a connection, pool error|connection pool timed? ?out"
)
AWAY = re.compile(
    r"the database system is (?:starting up|shutting down|in recovery mode|not (?:yet )?accepting)"
    r"|terminating connection due to administrator command"
    r"|connection to server (?:at|on) [^:]{1,120} failed"
    r"|could not connect to (?:the )?(?:server|database|redis)"
    r"|can't connect to (?:local )?(?:mysql|mariadb|server)|lost connection to (?:mysql|server)"
    r"|communications link failure|sqlstate\[hy000\] \[200\d\]|sqlstate\[08\d\d\d\]"
    r"|serverselectiontimeouterror"
    r"|server selection timed out|redis[\w.]{0,30}(?:connectionerror|is loading|timeouterror)"
    r"|loading redis is loading|masterdown link with master|error \d{1,3} connecting to"
    r"|econnrefused|enotfound|etimedout|ehostunreach|getaddrinfo (?:failed|eai_)"
    r"|could not translate host name|amqpconnectionerror|nobrokersavailable|brokernotavailable"
    r"|psqlexception: connection (?:to [^ ]{1,80} )?refused|connect: connection refused"
    r"|no nodes? (?:are )?available"
    r"|the database is (?:down|unavailable)|database (?:is )?(?:unavailable|unreachable|offline)"
    r"|is the server running (?:on|locally)|name or service not known|temporary failure in name resolution"
)
BLOCKED = re.compile(
    r"just a moment\.\.\.|challenge-platform|cf-challenge|attention required! \| cloudflare"
    r"|verify (?:that )?you(?:'re| are) (?:a )?human|not a robot|captcha|checking your browser"
    r"|incapsula incident|_incapsula_resource|sucuri website firewall|web application firewall|mod_?security"
    r"|access denied.{0,300}reference #|request blocked|this request (?:was|has been) blocked"
    r"|your (?:ip|ip address|request|access) (?:has been|was|is) (?:blocked|denied|banned)"
    r"|you have been blocked"
    r"|pardon our interruption|px-captcha|making sure you(?:'re| are) not a bot|ddos(?:-guard| protection by)"
    r"|blocked by (?:policy|our|a |the |firewall)|bot (?:detection|protection)|support id is:? ?\d{6}"
    r"|enable javascript and cookies to continue"
)
MAINTENANCE = re.compile(
    r"(?:scheduled|planned|routine|under|undergoing|performing|for) (?:\w{1,12} )?maintenance"
    r"|maintenance (?:mode|work|window|in progress|break)|<(?:title|h1)>[^<]{0,40}maintenance"
    r"|we(?:'ll| will|'re| are) be (?:right )?back|be right back|back (?:soon|shortly)"
    r"|(?:deploy(?:ment)?|upgrade|update) (?:is )?in progress"
    r"|(?:currently|being) (?:deployed|upgraded|updated)"
    r"|shutting_down|\"draining\"|server is (?:shutting down|draining|restarting)|is shutting down\b"
    r"|wartungsarbeiten|wartungsmodus"
)
APACHES_OWN = "maintenance downtime or capacity"
OVERLOADED = re.compile(
    r"(?:server|service|system) (?:is )?(?:currently |temporarily )?(?:overloaded|too busy|at capacity)"
    r"|over capacity|too many requests|rate limit|load shed|queue (?:is )?full|concurrency limit|server busy"
    r"|connection limit reached|no (?:free |available )?workers|backlog full|request queue limit"
)
UNHEALTHY = re.compile(
    r"no healthy upstream|no available server|no server available|no healthy (?:backend|host|target)"
)


def words(view: View, maker: Maker) -> Iterator[Sign]:
    """Everything that is said; of a page that is as expected nobody asks."""
    yield from _proxy_status(view)
    yield from _blocked(view, maker)
    yield from _database(view)
    yield from _parts(view)
    yield from _maintenance(view, maker)
    is_said_of_code = maker.name == "HAProxy" or view.status == 429  # the reason phrase of 429 itself
    if not is_said_of_code and (match := OVERLOADED.search(view.text)):
        yield Sign("overload", 0.66, _said(match))
    if not maker.is_own and (match := UNHEALTHY.search(view.text)):
        yield Sign("unhealthy", 0.74, _said(match))


def _said(match: "re.Match[str]") -> str:
    return f"The response says “{match[0][:MAX_QUOTE]}”."


def _proxy_status(view: View) -> Iterator[Sign]:
    """A proxy's word in a closed vocabulary ranks over every fingerprint."""
    for hop in proxy_status.parse(view.header("proxy_status")):
        if hop.cause:
            who = hop.name[:40] or "A proxy"
            yield Sign(hop.cause, 0.93, f"{who} says so in Proxy-Status: {hop.error}.")
            return


def _blocked(view: View, maker: Maker) -> Iterator[Sign]:
    if view.header("cf_mitigated"):
        because = (
            f"Cloudflare says that it stopped the request (cf-mitigated: {view.header('cf_mitigated')[:20]})."
        )
        yield Sign("blocked", 0.93, because)
    elif view.status in (200, 202, 401, 403, 405, 406, 429, 503) and (match := BLOCKED.search(view.text)):
        weight = 0.86 if view.status in (403, 405, 406, 429) else 0.76
        yield Sign("blocked", weight, f"The page is a firewall's or a challenge: “{match[0][:MAX_QUOTE]}”.")


def _database(view: View) -> Iterator[Sign]:
    text = f"{view.text}\n{view.facts.detail.lower()}"
    if match := CONNECTIONS.search(text):
        yield Sign("db_connections", 0.85, _said(match))
    elif (view.status >= 500 or view.facts.failure == "assertion") and (match := AWAY.search(text)):
        yield Sign("dependency", 0.78, _said(match))


def _parts(view: View) -> Iterator[Sign]:
    if parts := parts_of(view):
        yield Sign("dependency", 0.82, f"The response itself reports {parts} as failing.")


def parts_of(view: View) -> str:
    """Names that the health document gives; empty when it names none."""
    if stored := view.header("failing_parts"):
        return stored
    found = documents.failing_parts(view.facts.excerpt, view.header("content_type"), view.facts.status_code)
    return ", ".join(found)


def _maintenance(view: View, maker: Maker) -> Iterator[Sign]:
    if APACHES_OWN in view.body or view.status in (403, 404):
        return
    if match := MAINTENANCE.search(view.text):
        weight = 0.82 if view.status == 503 else 0.62
        yield Sign("deploy", weight, _said(match))
