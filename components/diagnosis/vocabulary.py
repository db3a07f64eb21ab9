"""Families of words, for `families`: things that an answer speaks of. Their states: `states`.

Terms are separated by commas. `*` is any ending, `~` an optional blank, `..` up to 40 characters of the same
clause, `(a|b)` a choice. Clauses are lower-case and their code words split (`prose`).
"""

import re

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
    "datenbank*, base de (datos|données|donnees), banco de dados, basi dati, baz* danych",
    "databas*, قاعدة البيانات, databank, tietokan*",
    "баз* данных, veritaban*, cơ sở dữ liệu, basis data, tabel, 数据库, 資料庫, データベース, 데이터베이스",
    "object (store|storage), storage (backend|service|account|layer), blob store, s3, bucket",
)
CONNECTIONS = family("connection*, client*, session*, socket*, process* exceeded, number of processes")
POOL = family("pool, pooled, pooler, connection pool*, pool (size|limit|timeout)")
OBTAINED = family(
    "(acquisition|acquire) (timeout|timed out|failed)",
    "(acquir*|obtain*|check* out|checkout|get|getting|borrow*|leas*|open*|reserv*) .. connection*",
    "connection* .. (acquir*|checkout|borrow*)",
)
CALLER = family(  # what an application calls others with
    "urllib*, requests.exceptions, https* ?connection ?pool, http ?connection, axios*",
    "fetch (failed|error), http (client|request)",
    "httpx, aiohttp, feign, rest (client|template), web~client, faraday, guzzle*, curl",
    "okhttp*, net::http, dial*",
    "stub, grpc, undici, socket error, client connector*",
)
UPSTREAM = family(
    "application",
    "up~stream*, back~end*, origin*, web server, app server, application server, target*",
    "integration, destination*",
    "server*, host*, service at, port, endpoint*, gateway, proxy, peer, container, lambda",
    "function, instance*",
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
