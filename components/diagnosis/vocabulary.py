"""Families of words, for `families`: things that an answer speaks of, and states they are in.

Terms are separated by commas. `*` is any ending, `~` an optional blank, `..` up to 40 characters of the same
clause, `(a|b)` a choice. Clauses are lower-case and their code words split (`prose`).
"""

import re

NOT = r"(cannot|can not|can't|could not|couldn't|unable to|not able to|fail* to|failure to|did not|didn't)"
FAILED = r"(cannot|can not|can't|could not|couldn't|unable|not able|fail*|error*|trouble|problem*|impossible)"
WIDE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")  # written without blanks between words


def family(*lines: str) -> str:
    """A pattern that matches any of these terms."""
    terms = (" ".join(term.split()) for term in ",".join(lines).split(","))
    return "|".join(_pattern(term) for term in terms if term)


def _pattern(term: str) -> str:
    pattern = term.replace("(", "(?:").replace(".", r"\.").replace(r"\.\.", r"\b[^:]{0,40}\b")
    pattern = pattern.replace("*", r"\w*").replace("~", " ?").replace(r"\b ", r"\b").replace(r" [^", r"[^")
    pattern = pattern.replace(r" \b[", r"\b[")
    return pattern if WIDE.search(term) else rf"\b{pattern}\b"


# Things
DATA = family(
    "data~base*, db, dbs, data~store*, data source*, persistence, sqlstate, hy000, fatal",
    "session mode",
    "postgres*, pg, pgx, pgbouncer, pgpool, psycopg*, asyncpg, libpq, supavisor, odyssey",
    "cockroach*",
    "mysql*, mariadb, proxysql, sql, sqlite*, sqlserver, mssql, oracle, ora, tns, db2, jdbc",
    "odbc, hikari*",
    "hibernate, jpa, entity manager, doctrine, pdo, eloquent, prisma, sequelize, knex",
    "typeorm, active record",
    "sqlalchemy, ecto, dbconnection, gorm, sqlx, diesel, mongo*, couchbase, cassandra",
    "scylla, dynamo*, neo4j",
    "clickhouse, snowflake, bigquery, firestore, redis*, valkey, sentinel, lettuce, jedis",
    "memcached, memcache",
    "dalli, cache, elastic~search, opensearch, solr, meilisearch, typesense, kafka",
    "rabbit~mq, amqp, nats",
    "zookeeper, etcd, consul, vault, broker*, message (queue|bus), celery, sidekiq, ldap",
    "influx*, minio",
    "object (store|storage), storage (backend|service|account|layer), blob store, s3, bucket",
)
CONNECTIONS = family("connection*, client*, session*, socket*, process* exceeded, number of processes")
POOL = family("pool, pooled, pooler, connection pool*, pool (size|limit|timeout)")
OBTAINED = family(
    "(acquir*|obtain*|check* out|checkout|get|getting|borrow*|leas*|open*|reserv*) .. connection*",
    "connection* .. (acquir*|checkout|borrow*)",
)
CALLER = family(  # what an application calls others with
    "urllib*, requests.exceptions, https* ?connection ?pool, http ?connection, axios*",
    "fetch, http (client|request)",
    "httpx, aiohttp, feign, rest (client|template), web~client, faraday, guzzle*, curl",
    "okhttp*, net::http, dial*",
    "stub, grpc, undici, socket error, client connector*",
)
UPSTREAM = family(
    "up~stream*, back~end*, origin*, web server, app server, application server, target*",
    "integration, destination*",
    "server, host, endpoint*, gateway, proxy, peer, container, lambda, function, instance*",
    "worker, remote, parent",
)
SERVING = family(
    "up~stream*, back~end*, server*, instance*, hosts, node*, endpoint*, replica*, target*",
    "pod*, workers, origin*",
    "members, peer*, machine*, provider*, runner*, container*, dyno*, allocation*, shards",
    "process*",
)
SELF = family(
    "app, apps, application*, service, server, site, web~site, system, instance, container",
    "machine, function",
    "worker, node, process, dyno, cluster, environment, we, it, kernel, module, host",
    "plugin*, context, deployment",
    "portal, platform, api, store, shop, forum, wiki, board, gateway, manager, workspace",
    "index, model, revision",
)
OTHER = family(
    "dependency, dependencies, down~stream, external, third~party, remote, internal",
    "micro~service, provider",
    "[a-z]{3,20}( service| api| server), auth*, identity, payment*, billing, inventory",
    "mail, smtp, oauth, oidc",
    "idp, rpc, call",
)
TLS = family("certificate*, cert, tls, ssl, x509, pkix, handshake")
NAME = family(
    "dns, host~name*, host, domain, name, nxdomain, getaddrinfo, servfail, lookup, eai again, enotfound"
)
WORK = family(
    "request*, query, queries, operation, task, function, script, job, execution, response",
    "page, call",
    "invocation, worker, handler, app, application, it, process, statement, transaction",
    "controller, action",
    "lambda, runtime, worker timeout",
)
ROOM = family(
    "request*, queue*, thread*, worker*, memory, heap, concurren*, quota*, rate, limit*",
    "slot*, capacity",
    "resource*, traffic, load, bandwidth, cpu, backlog, throughput, buffer*",
    "file descriptors, files, disk, space",
    "users, visitors, calls, token*, executor*, semaphore, bulkhead, burst, credit*",
    "connection*, client*, stream*",
    "socket*, player*, session*, task*, job*, process*, pool, server, service, system, site",
    "app, model, engine",
)
ROUTE = family(
    "host*, host~name, domain*, route*, virtual~host*, vhost, site, listener, cluster, app",
    "application, backend",
    "upstream, service, host header, tenant, server name, sni, ingress",
)
VISITOR = family(
    "access, request*, ip, connection, traffic, client, visitor, browser, user agent",
    "country, region, location",
    "activity, you, your, bot*, session, web~site",
)

# States
FULL = family(
    "exhaust*, too (many|much|high), saturat*, deplet*, throttl*, overflow*, overrun",
    "starv*, in use, full",
    "(run|ran|running) out",
    "(limit|maximum|max|capacity|quota|threshold|cap|budget|allowance) .. (reached|exceed*|hit)",
    "(reached|exceed*|hit|over|above|beyond|out of|insufficient|lack of|not enough|no) "
    ".. (limit*|maximum|max|capacity)",
    "(reached|exceed*|hit|over|above|out of|insufficient|not enough) "
    ".. (quota|memory|resources|space|threads|workers)",
    "(out of|insufficient|not enough|no) .. (slots|connections|descriptors|heap|credits)",
    "no (more|free|idle|spare|available|remaining), zero (free|available)",
    "none (free|available|left)",
    "waiting for( an| a)?( free| available| idle| open)* (thread|worker|slot|connection|permit)",
    "reserved for (superuser|roles|admin*)",
)
OVER = family(
    "overload*, too busy, (is|are|currently|server|system|very) busy, server~busy",
    "slow~down, throttl*",
    "at( full| max*)? capacity, over capacity",
    "(heavy|high|excessive|peak)( server| user)? (load|traffic|demand|volume)",
    "rate ?limit*, back~pressure, load~shed*, congest*, waiting room, queue~full",
    "resource exhausted",
    "too many( concurrent| simultaneous| pending)? (requests|users|visitors|calls|people)",
    "überlastet, überlastung, surcharg*, sobrecarg*, sovraccaric*, overbelast*, przeciążon*",
    "перегруж*, перегрузк*",
    "混雑, アクセスが集中, 过载, 繁忙, 과부하",
)
AWAY = family(
    "refused, unreachable, unavailable, gone away, timed?~out, time~out, lost connection",
    "outage, read~only",
    f"{FAILED} .. (connect*|reach*|contact*|open*|establish*|access*|communicat*|talk*|acquir*|dial*|log~in)",
    f"{FAILED} .. (authenticat*|ping*|respond*|bind*|select*|query*|fetch*|read*|writ*|load*|call*"
    "|retriev*|resolv*)",
    "(connect*|communication|link|login|access|session) "
    ".. (fail*|error|lost|closed|broken|reset|dropped|aborted)",
    "(connect*|communication|link) .. (terminated|exception|down|interrupted|forcibly|time~out)",
    "(is|are|was|seems|appears|went)( currently| temporarily)? (down|offline|dead|gone|missing|lost"
    "|broken|closed)",
    "not (available|reachable|connected|responding|accessible|operational|running|open|writable"
    "|primary|master|leader)",
    "no (route|response|broker*|leader|primary|master|quorum|node*|living|connection)",
    "server selection",
    "econn*, etimedout, ehostunreach, recovery mode, shutting down, starting up, loading",
    "deadlock, failover",
    "((error|exception|issue*|problem*|failure|trouble) "
    ".. (with|from|in|by|connecting|occurred)), connection error",
)
MARKED = (  # the value of a member, or what follows a name
    r": (?:down|offline|error|failed|failing|failure|false|unhealthy|disconnected|unavailable|unreachable)\b"
)
UNMET = family(  # of any service that it calls
    "refused, unreachable, unavailable, econn*, etimedout, ehostunreach, socket hang~up",
    "timed?~out, time~out",
    "(is|was|currently)( currently)? (down|offline|failing|not (available|responding"
    "|reachable)), not responding",
    f"{FAILED} .. (connect*|reach*|contact*|call*|communicat*|fetch*), max retries",
    "circuit .. open",
    "deadline exceeded, connection? (error|fail*|exception|reset|aborted|timeout)",
    "no such host, unavailable:",
)
SLOW = family(
    "timed?~out, time~out, deadline exceeded, took (too|longer|more), taking (too|longer)",
    "time limit, too slow",
    "exceeded .. (time|seconds|ms|duration|deadline)",
    "(did not|didn't|not) respond .. (in|within|time), unresponsive",
    "not (complet*|finish*|return*|answer*) .. (in|within), too long to",
    "no response .. (within|in time|after), hung",
)
RAN_LONG = family(
    "max* (execution|run) time, (execution|run|processing) time .. exceed*",
    "exceeded .. time~(limit|out), time limit",
    "ran( for)? (longer|too long), worker timeout",
)
REFUSED = family(
    "refused, econnrefused",
    f"{FAILED} .. (connect*|reach*|contact*|establish*|forward*|route|proxy*), unreachable",
    "connection? (failed|failure|error), not (running|started|listening|reachable)",
    "nothing( is)? listening, no process",
    "(is|are)( currently| temporarily)? (down|offline|stopped|dead), stopped",
)
BROKE = family(
    "(invalid|empty|incomplete|malformed|unexpected*|bad|premature*|truncated|corrupt*) "
    ".. (response|reply|answer|header*)",
    "(invalid|incomplete|malformed|unexpected*|premature*) "
    ".. (eof|clos*|end|message|data|disconnect*|output)",
    "closed .. (connection|prematurely|before|unexpectedly|early|socket|by), reset, hang~up",
    "hung up, broken pipe",
    "disconnect*, end of file, zero (size*|length|bytes), no (data|headers) received",
    "terminated, crash*, exited",
)
NONE = family(
    "(no|none|zero|0|without|all|every|any|not any) "
    ".. (healthy|available|alive|live|ready|active|up|running|reachable)",
    "(no|none|zero|0|without) .. (registered|usable|online|eligible|good|suitable|serving)",
    "(all|every|any) .. (unhealthy|down|failed|dead|unavailable|sick)",
    "no( such)? (server|instance|backend|upstream|endpoint|pod|replica|node|target|worker"
    "|provider|peer|runner)s?"
    " (found|for|to|is|are|exist*|can|could|remain*)",
    "(fail*|unhealthy|not passing) .. health~check*",
)
STARTING = family(
    "(is|are|still|being|currently|now) "
    ".. (starting( up)?|boot*|warm* up|initiali*|loading|wak*|spin*|launching)",
    "(is|are|still|being|currently|now) "
    ".. (provisioning|coming up|migrating|bootstrapping|indexing|getting ready)",
    "not( yet)?( been)? (ready|started|running|initiali*|booted|loaded|deployed|active)",
    "cold start, warming",
    f"{FAILED} .. (start|boot|launch|spawn|initiali*|starting|booting|launching|startup|bootstrap)",
    "start~up (failed|failure|error|in progress)",
    "please wait while .. (start*|load*|boot*|prepar*|initiali*)",
    "is( currently)? (stopped|suspended|sleeping|asleep|hibernat*|paused)",
    "has( been)? (stopped|suspended), is sealed",
)
STOPPING = family(
    "shutting down, shut~down in progress, draining, drained, restarting, rebooting",
    "(going|taken) (offline|down) for",
    "being (re~)?(deployed|updated|upgraded|restarted|migrated|patched|replaced|improved|maintained)",
    "(deploy*|upgrad*|updat*|migrat*|roll~out|release|patch*) "
    ".. (in progress|under~way|ongoing|at the moment)",
    "(upgrading|updating|deploying|patching|migrating) (to|our|the|this|your|its)",
    "new (version|release) .. (deploy*|roll*)",
)
MAINTENANCE = family(
    "maint(en|ain)ance, maintence, upkeep, wartung*, instandhaltung, mantenimiento",
    "manuten(zione|ção|cao), onderhoud*",
    "underhåll*, vedlikehold*, vedligehold*, huolto*, konserwac*, prace techniczne, údržb*",
    "karbantart*, bakım*",
    "mentenanță, συντήρηση*, pemeliharaan, bảo trì, обслуживан*, обслуговуван*",
    "техническ* работ*, технічн* робот*",
    "профилактическ*, メンテナンス, 维护, 維護, 점검, software update",
)
STATES_DNS = family(
    "(fail*|error*|not|cannot|can't|couldn't|unable) "
    ".. (resolv*|resolution|lookup|look up|be found), no such host",
    "resol* .. (fail*|error*|timed?~out), not known, nxdomain, servfail, enotfound",
    "eai again, no address, unresolv*",
    "dns (error|failure|problem|time~out), no( a| aaaa| dns)? records?",
)
DISTRUST = family(
    "expired?, invalid, verif*, fail*, untrusted, not( yet)? (trusted|valid)",
    "unknown (authority|ca|issuer), self~signed",
    "mismatch, does not match, no match, revoked, wrong version, alert, error",
    "unable to (find|get|verify)",
    "unsupported protocol, path building, no (common|shared)",
)
CRASHED = family(
    "panic*, segmentation fault, segfault, core dumped, sig(kill|segv|abrt|term|bus|ill)",
    "oom~kill*, runtime exited",
    "exit* (with|status|code), crash*, stack overflow, fatal (signal|fault), bus error",
    "premature end of script",
    "(worker|process|child|function|instance|container|script) "
    ".. (died|killed|terminated|crashed|exited|aborted)",
    "end of script output before headers",
)
MEMORY = family(
    "out of memory, memory (limit|size) .. (exceeded|exhausted|reached), exceed* .. memory",
    "heap (space|limit), enomem",
    "(cannot|can not|failed to) allocate memory",
)
HELD = family(
    "block*, banned, denied, suspicious, malicious, flagged, black~list*, deny~list*",
    "filtered, threat*, attack*",
    "forbidden by, rejected by, restricted, quarantin*, abus*, unusual (activity|traffic)",
    "protect itself",
    "not (allowed|permitted|authori*) .. (country|region|location|ip|firewall|policy)",
    "(allow|white|safe)~list*, security (service|check|verification)",
    "verify* .. (human|browser|robot)",
)
GUARD = family(
    "firewall*, waf, bot, bots, robot*, automated, captcha*, human, ddos, challenge",
    "suspicious, malicious, protect*",
    "security (service|rule*|policy|solution|system|check|plugin|module|reasons|measure*|threat"
    "|verification)",
    "anti~(bot|ddos|spam|virus), your ip, ip( address)? (has been|was|is), ip address",
    "country, geo*, web~shield",
    "reputation, scrap*, crawl*, unusual (activity|traffic)",
    "(incident|event|ray|support) id, threat*, attack*",
    "(allow|white|black|deny)~list*",
)
ASTRAY = family(
    "(unknown|unrecogni*|invalid|unmatched|disallowed|misdirected|wrong|no such|no matching"
    "|no) (host*|host~name|domain)",
    "(unknown|unrecogni*|invalid|unmatched|no such|no matching) (route|virtual~host|vhost|site"
    "|listener|server name)",
    "not( been)? (configured|recogni*|mapped|bound|registered|served here|found on this)",
    "improperly configured",
    "no (route|service|app*|site|website|cluster|listener|ingress) (matched|found|configured"
    "|defined|matches|for|at)",
    "misconfigur*, configuration (error|problem|issue), too many redirects, redirect* loop",
    "loop detected",
)
# What to do about it, after what it is
REMEDY = (
    r"(?<=\w\s)(?:either (?:raise|increase)|please|consider|try (?:again|to)|contact|check|make sure)\b.*"
)
# A page made for any failure guesses; a sentence that denies something does not claim it
GUESS = family(
    "may, might, perhaps, possibly, probably, (could|can) be, either, usually, typically",
    "for example, such as, if, or",
    "no longer, is not (a|an|due|because|under), isn't, rather than, instead of, learn",
    "how to, tip, tips, guide, blog",
)
# What every answer with the code says
REASONS = (
    r"\b(?:service (?:temporarily )?unavailable|bad gateway|gateway time-? ?out|internal server error"
    r"|too many requests|request time-?out|http error|server error|https?/\d\S*)\b"
)
