"""What an answer says in so many words, whoever made it: databases, dependencies, firewalls, maintenance."""

import re
from collections.abc import Iterator

from components.diagnosis import documents, proxy_status
from components.diagnosis.maker import Maker
from components.diagnosis.phrases import FIREWALLS
from components.diagnosis.signs import Sign
from components.diagnosis.view import View

MAX_QUOTE = 60
DENIALS = (403, 405, 406, 429)
STATUSES_OF_BLOCKS = (200, 202, 401, 503, *DENIALS)
LIMITED = (403, 408, 418, 420, 425, 429, 430)  # where a client's error may be the server's load
GUESS = re.compile(r"\b(?:may be|might be|could be|can be|perhaps|possibly|either)\b[^.!?<>]{0,40}$")
MOST_OF_A_PAGE = 0.66  # an ordinary page with such words may be an article about them
SAID = ("assertion", "reported", "limit")
# A driver's or pool's own words for "no connection left"
CONNECTIONS = re.compile(
    r"too many clients already|remaining connection slots|queuepool limit of size"
    r"|connection is not available, request timed out|no more connections allowed"
    r"|max number of clients reached|couldn't get a connection after|timeout waiting for idle object"
    r"|pool is probably full|maxconnectionsreached|too many database connections"
    r"|timed out fetching a new connection from the connection pool|too many open connections"
    r"|ora-00018|ora-12516|ora-12519|ora-12520|query_wait_timeout|too many connections for (?:role|database)"
    r"|could not obtain a (?:database )?connection (?:from the pool )?within"
    r"|all pooled connections were in use"
    r"|connection pool has been exhausted|obtaining a connection from the pool|max pool size was reached"
    r"|not available and request was dropped from queue"
    r"|checking out a connection from (?:the )?connection pool"
    r"|pool empty\. unable to fetch a connection|max_user_connections"
    r"|unable to acquire (?:a )?jdbc connection"
    r"|timed out (?:while )?waiting for (?:a |an )?(?:free |open |available )?(?:database )?connection"
    r"|connectionacquiretimeouterror|ora-00020|the request limit for the database is \d"
    r"|connection pool is full|could not obtain a database connection"
    r"|maxclientsin\w{1,20}mode|checkout a connection has timed out|could not get a resource from the pool"
    r"|reached max_client_conn|cannot get a connection, pool error|exceeded the 'max_user_conn"
)
# Words that a server may also say of its own clients
SOME_CONNECTIONS = re.compile(
    r"too many connections(?! from)|(?:connection )?pool (?:is )?(?:exhausted|timed? ?out)"
    r"|connection limit exceeded|(?:all|no) (?:(?:free|pooled|database|db) )*connections? (?:are |is )?"
    r"(?:in use|available|left|free)"
)
SETTING = re.compile(r"\bmax_connections\b")  # the limit's name, which a manual holds as well
DATABASE = re.compile(
    r"\b(?:database|postgres\w*|mysql|mariadb|sql\w*|db|redis|mongo\w*|1040|hikari\w*|jdbc|orm)\b"
)
AWAY = re.compile(
    r"the database system is (?:starting up|shutting down|in recovery mode|not (?:yet )?accepting)"
    r"|terminating connection due to administrator command"
    r"|connection to server (?:at|on) [^:]{1,120} failed"
    r"|could not connect to (?:server: |(?:the )?(?:database|redis))"
    r"|can't connect to (?:local )?(?:mysql|mariadb|server)|lost connection to (?:mysql|server)"
    r"|communications link failure|sqlstate\[hy000\] \[200\d\]|sqlstate\[08\d\d\d\]"
    r"|serverselectiontimeouterror"
    r"|server selection timed out|redis[\w.]{0,30}(?:connectionerror|is loading|timeouterror)"
    r"|loading redis is loading|masterdown link with master|error \d{1,3} connecting to"
    r"|could not translate host name|amqpconnectionerror|nobrokersavailable|brokernotavailable"
    r"|psqlexception: connection (?:to [^ ]{1,80} )?refused"
    r"|no nodes? (?:are )?available"
    r"|error establishing a database connection|unable to connect to (?:the )?(?:database|mysql|postgres)"
    r"|is loading the dataset in memory|is blocked because of many connection errors"
    r"|in a read-only transaction|(?:mysql|mariadb) server has gone away"
    r"|the database is (?:down|unavailable)|database (?:is )?(?:unavailable|unreachable|offline)"
    r"|is the server running (?:on|locally)"
)
# What it says of a connection of its own, whatever that was to
NOT_REACHED = re.compile(
    r"econnrefused|enotfound|etimedout|ehostunreach|getaddrinfo (?:failed|eai_)|connect: connection refused"
    r"|name or service not known|temporary failure in name resolution|connection refused"
)
BLOCKED = re.compile(
    r"just a moment\.\.\.|challenge-platform|cf-challenge|attention required! \| cloudflare"
    r"|verify (?:that )?you(?:'re| are) (?:a )?human|checking your browser"
    r"|incapsula incident|_incapsula_resource|sucuri website firewall|web application firewall|mod_?security"
    r"|access denied.{0,300}reference #|this request (?:was|has been) blocked"
    r"|your (?:ip|ip address|request|access) (?:has been|was|is) (?:blocked|denied|banned)"
    r"|you have been blocked"
    r"|pardon our interruption|px-captcha|making sure you(?:'re| are) not a bot|ddos(?:-guard| protection by)"
    r"|error code: 10(?:0[5-9]|10|12|20)\b|captcha-delivery\.com|verifying your browser|security checkpoint"
    r"|human verification|support id is:? ?\d{6}|enable javascript and cookies to continue"
    rf"|{FIREWALLS}"
)
MAYBE_BLOCKED = re.compile(
    r"captcha|not a robot|request blocked|blocked by (?:policy|our|a |the |firewall)"
    r"|bot (?:detection|protection)"
    r"|access (?:is )?denied|forbidden by"
)
MAINTENANCE = re.compile(
    r"(?:scheduled|planned|routine|under|undergoing|performing|for) (?:\w{1,12} )?maintenance"
    r"|maintenance (?:mode|work|window|in progress|break)|<(?:title|h1)>[^<]{0,40}maintenance"
    r"|(?:deploy(?:ment)?|upgrade) (?:is )?in progress|wartungsarbeiten|wartungsmodus"
    r"|mantenimiento|(?:en|de|site en) maintenance|maintenance en cours|in manutenzione|manutenção"
    r"|in onderhoud|технические работы|メンテナンス|系统维护"
    r"|shutting_down|\"draining\"|server is (?:shutting down|draining|restarting)"
)
# Friendly words that a page for overload may say as well
BACK_SOON = re.compile(
    r"being updated|we(?:'ll| will) be (?:right )?back(?! as soon as)|be right back|(?:currently"
    r"|being) (?:deployed|upgraded|updated)"
)
APACHES_OWN = "maintenance downtime or capacity"
OVERLOADED = re.compile(
    r"(?:server|service|system) (?:is )?(?:currently |temporarily )?(?:overloaded|too busy|at capacity)"
    r"|(?:heavy|high|unusual|too much) (?:server )?(?:load|traffic|demand)"
    r"|over capacity|too many requests|rate limit|load shed|queue (?:is )?full|concurrency limit|server busy"
    r"|überlastet|zu viele anfragen|surchargé|trop de requêtes|sobrecargad|demasiadas solicitudes|sovraccaric"
    r"|connection limit reached|no (?:free |available )?workers|backlog full|request queue limit"
)
LOAD = re.compile(r"overload|\bbusy\b|capacity|überlast|surcharg|sobrecarg|(?:high|heavy) (?:load|traffic)")
UNHEALTHY = re.compile(
    r"no healthy upstream|no available server|no server available|no healthy (?:backend|host|target)"
)


def words(view: View, maker: Maker) -> Iterator[Sign]:
    """Everything that is said; of a page that is as expected nobody asks."""
    yield from _proxy_status(view)
    yield from _blocked(view, maker)
    yield from _database(view, maker)
    yield from _parts(view)
    yield from _maintenance(view, maker)
    is_said_of_code = maker.name == "HAProxy" or view.status == 429  # the reason phrase of 429 itself
    is_boilerplate = (
        maker.name == "CloudFront" and maker.is_own
    )  # each page of it speaks of "too much traffic"
    if (
        not is_said_of_code
        and not is_boilerplate
        and not _is_every_excuse(view)
        and not (400 <= view.status < 500 and view.status not in LIMITED)
        and (match := OVERLOADED.search(view.message))
    ):
        yield Sign("overload", 0.66, _said(view, match))
    if not maker.is_own and (match := UNHEALTHY.search(view.text)):
        yield Sign("unhealthy", 0.74, _said(view, match))


def _said(view: View, match: "re.Match[str]") -> str:
    return f"The response says{view.quoted(match[0][:MAX_QUOTE], ' so itself')}."


def _proxy_status(view: View) -> Iterator[Sign]:
    """A proxy's word in a closed vocabulary ranks over every fingerprint."""
    for hop in proxy_status.parse(view.header("proxy_status")):
        if hop.cause:
            who = (hop.name[:40] if view.facts.may_quote else "") or "A proxy"
            yield Sign(hop.cause, 0.93, f"{who} says so in Proxy-Status: {hop.error}.")
            return


def _blocked(view: View, maker: Maker) -> Iterator[Sign]:
    names = (("x_amzn_waf_action", "AWS WAF"), ("x_vercel_mitigated", "Vercel's firewall"))
    for header, who in names:
        if value := view.header(header):
            yield Sign("blocked", 0.93, f"{who} stopped the request ({value[:20]}).")
            return
    if view.header("cf_mitigated"):
        value = view.quoted(view.header("cf_mitigated")[:20])
        because = f"Cloudflare says that it stopped the request{value and ', cf-mitigated'}{value}."
        yield Sign("blocked", 0.93, because)
    elif view.status not in STATUSES_OF_BLOCKS:
        return
    elif match := BLOCKED.search(view.text):
        weight = 0.86 if view.status in DENIALS else 0.76
        words_of_it = view.quoted(match[0][:MAX_QUOTE])
        because = f"The page is a firewall's or a challenge{words_of_it and ':'}{words_of_it}."
        yield Sign("blocked", weight, because)
    elif view.status in (403, 429) and view.header("x_datadome"):
        yield Sign("blocked", 0.7, "DataDome stands before the service, and the request is refused.")
    elif match := MAYBE_BLOCKED.search(view.text):
        yield Sign("blocked", 0.7 if view.status in DENIALS else 0.45, _said(view, match))


def _database(view: View, maker: Maker) -> Iterator[Sign]:
    if 400 <= view.status < 500:
        return  # of a page that is not there, or a client that asks too much
    most = 1.0
    if 0 < view.status < 400 and "html" in view.header("content_type").lower():
        most = MOST_OF_A_PAGE
    for sign in _of_data(view, maker):
        yield Sign(sign.kind, min(sign.weight, most), sign.because)


def _of_data(view: View, maker: Maker) -> Iterator[Sign]:
    text = f"{view.text}\n{view.facts.detail.lower()}"
    is_bad = view.status >= 500 or view.facts.failure in SAID
    if match := CONNECTIONS.search(text):
        yield Sign("db_connections", 0.85, _said(view, match))
    elif match := SOME_CONNECTIONS.search(text):
        weight = 0.8 if DATABASE.search(text) else 0.66 if " pool " in text else 0.55
        yield Sign("db_connections", weight, _said(view, match))
    elif match := SETTING.search(text):
        yield Sign("db_connections", 0.66, _said(view, match))
    elif is_bad and (match := AWAY.search(text)):
        yield Sign("dependency", 0.78, _said(view, match))
    elif is_bad and not maker.is_own and (match := NOT_REACHED.search(view.text)):
        yield Sign("dependency", 0.66, _said(view, match))
        yield Sign("not_started", 0.42, _said(view, match))


def _parts(view: View) -> Iterator[Sign]:
    if parts := parts_of(view):
        yield Sign("dependency", 0.82, f"The response itself reports {parts} as failing.")


def parts_of(view: View) -> str:
    """Names that the health document gives; empty when it names none."""
    if stored := view.header("failing_parts") or view.header("failing"):
        return stored
    found = documents.failing_parts(view.facts.excerpt, view.header("content_type"), view.facts.status_code)
    return ", ".join(found)


def _maintenance(view: View, maker: Maker) -> Iterator[Sign]:
    if APACHES_OWN in view.body or view.status in (403, 404) or _is_every_excuse(view):
        return
    if (match := MAINTENANCE.search(view.message)) and not _is_guess(view, match):
        weight = 0.5 if 0 < view.status < 400 else 0.62
        if view.status == 503:  # such a page is also shown for what nobody planned: sure only with more
            weight = 0.8 if view.header("retry_after") and maker.name != "Varnish" else 0.74
        yield Sign("deploy", weight, _said(view, match))
    elif documents.is_draining(view.facts.excerpt, view.header("content_type"), view.facts.status_code):
        yield Sign("deploy", 0.66, "Its health document says that it is being taken out of service.")
    elif match := BACK_SOON.search(view.message):
        yield Sign("deploy", 0.3 if view.status in (502, 504) else 0.6, _said(view, match))


def _is_guess(view: View, match: "re.Match[str]") -> bool:
    """Whether what it says is "it may be maintenance"."""
    return GUESS.search(view.message[: match.start()]) is not None


def _is_every_excuse(view: View) -> bool:
    """Whether a page names both overload and maintenance, as those do that are made for any failure."""
    return bool(LOAD.search(view.body) and MAINTENANCE.search(view.body))
