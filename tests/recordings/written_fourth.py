"""More products, drivers and platforms that no other collection has, by their source and documentation.

Written and labelled after the rules had been mended from the third sample, and before any rule was tried on
it: docs/probes.md has that figure.
"""

from tests.recordings.written import HTML, JSON, TEXT, Page

UNAVAILABLE, ERROR, GATEWAY = "503 Service Unavailable", "500 Internal Server Error", "502 Bad Gateway"
LIMITED, DENIED = "429 Too Many Requests", "403 Forbidden"
# Name, status, content type, cause, words
ROWS: tuple[tuple[str, str, str, str, str], ...] = (
    ("HTTP API, unavailable", UNAVAILABLE, JSON, "", '{"message":"Service Unavailable"}'),
    ("Lambda, killed", ERROR, JSON, "crash overload",
     '{"errorType":"Runtime.ExitError","errorMessage":"RequestId: 7c1 Error: Runtime exited with error: '
     'signal: killed"}'),
    ("Lambda, a module", ERROR, JSON, "not_started misconfigured error",
     '{"errorType":"Runtime.ImportModuleError","errorMessage":"Unable to import module \'app\': No module '
     "named 'psycopg2'\"}"),
    ("Azure SQL, not available", ERROR, TEXT, "dependency",
     "Microsoft.Data.SqlClient.SqlException: Database 'shop' on server 'shop-eu' is not currently available. "
     "Please retry the connection later."),
    ("Cosmos DB, its rate", LIMITED, JSON, "overload",
     '{"code":"429","message":"Message: {\\"Errors\\":[\\"Request rate is large. More Request Units may be '
     'needed\\"]}"}'),
    ("Azure Storage, busy", UNAVAILABLE, "application/xml", "overload",
     "<?xml version=\"1.0\"?><Error><Code>ServerBusy</Code><Message>The server is busy.</Message></Error>"),
    ("Firebase functions", ERROR, TEXT, "crash error", "Error: could not handle the request\n"),
    ("Render, suspended", UNAVAILABLE, HTML, "deploy not_started misconfigured",
     "<title>Service Suspended</title><p>This service has been suspended by its owner.</p>"),
    ("Railway, as JSON", GATEWAY, JSON, "not_started crash",
     '{"status":"error","code":502,"message":"Application failed to respond","request_id":"a1"}'),
    ("Pantheon, its target", UNAVAILABLE, HTML, "deploy",
     "<title>503 Target in Maintenance</title><h1>503 Target in Maintenance</h1><p>The web site you are "
     "looking for is currently undergoing maintenance.</p>"),
    ("Ghost, it starts", UNAVAILABLE, JSON, "not_started deploy",
     '{"errors":[{"message":"Site is starting up, please wait then retry.","type":"MaintenanceError"}]}'),
    ("Discourse, an error", ERROR, HTML, "error",
     "<h1>Oops</h1><p>The software powering this discussion forum encountered an unexpected problem.</p>"),
    ("Mattermost, its store", ERROR, JSON, "dependency error",
     '{"id":"store.sql_user.get.app_error","message":"We encountered an error finding the account.",'
     '"status_code":500}'),
    ("Bitbucket, it starts", UNAVAILABLE, JSON, "not_started",
     '{"errors":[{"context":null,"message":"Bitbucket is starting up","exceptionName":null}]}'),
    ("Artifactory, it could not start", UNAVAILABLE, JSON, "not_started",
     '{"errors":[{"status":503,"message":"Artifactory failed to initialize: check Artifactory logs for '
     'errors."}]}'),
    ("Splunk, busy", UNAVAILABLE, JSON, "overload", '{"text":"Server is busy","code":9}'),
    ("Splunk, its queues", UNAVAILABLE, JSON, "overload",
     '{"text":"HEC is unhealthy, queues are full","code":18}'),
    ("Loki, its ring", ERROR, TEXT, "unhealthy dependency", "too many unhealthy instances in the ring\n"),
    ("Mimir, its replicas", ERROR, TEXT, "unhealthy dependency",
     "at least 2 live replicas required, could only find 1 - unhealthy instances: 10.0.0.9:9095\n"),
    ("Kafka REST, no node", ERROR, JSON, "dependency",
     '{"error_code":50003,"message":"Kafka error: Timed out waiting for a node assignment."}'),
    ("Schema Registry, its leader", ERROR, JSON, "dependency",
     '{"error_code":50003,"message":"Error while forwarding register schema request to the leader"}'),
    ("Elasticsearch, its disk", LIMITED, JSON, "overload dependency",
     '{"error":{"type":"cluster_block_exception","reason":"index [shop] blocked by: '
     '[TOO_MANY_REQUESTS/12/disk '
     'usage exceeded flood-stage watermark, index has read-only-allow-delete block];"},"status":429}'),
    ("OpenSearch, its security", UNAVAILABLE, TEXT, "not_started", "OpenSearch Security not initialized."),
    ("Meilisearch, searches", UNAVAILABLE, JSON, "overload",
     '{"message":"Too many search requests running at the same time: 100. Retry after 10s.","code":'
     '"too_many_search_requests","type":"system"}'),
    ("Typesense, it lags", UNAVAILABLE, JSON, "not_started dependency overload",
     '{"message":"Not Ready or Lagging"}'),
    ("Weaviate, no leader", ERROR, JSON, "dependency", '{"error":[{"message":"leader not found"}]}'),
    ("Neo4j, not available", UNAVAILABLE, JSON, "dependency not_started",
     '{"errors":[{"code":"Neo.TransientError.General.DatabaseUnavailable","message":"The database is not '
     'currently available to serve your request, refer to the database logs for more details."}]}'),
    ("TiDB, a region", ERROR, TEXT, "dependency", "ERROR 9005 (HY000): Region is unavailable"),
    ("Vitess, its pool", ERROR, TEXT, "db_connections",
     "vttablet: rpc error: code = ResourceExhausted desc = Transaction pool connection limit exceeded"),
    ("PgBouncer, its server", ERROR, TEXT, "dependency",
     "FATAL: server login has been failing, try again later (server_login_retry)"),
    ("Quarkus, its pool", ERROR, JSON, "db_connections",
     '{"details":"Error id 5c1, java.sql.SQLException: Sorry, acquisition timeout!","stack":""}'),
    ("JBoss, its pool", ERROR, TEXT, "db_connections",
     "javax.resource.ResourceException: IJ000655: No managed connections available within "
     "configured blocking "
     "timeout (30000 [ms])"),
    ("WebLogic, its pool", ERROR, TEXT, "db_connections",
     "weblogic.jdbc.extensions.PoolLimitSQLException: No resources currently available in pool jdbc/shop to "
     "allocate to applications"),
    ("r2dbc, its queue", ERROR, JSON, "db_connections overload",
     '{"error":"PoolAcquirePendingLimitException: Pending acquire queue has reached its maximum '
     'size of 20"}'),
    ("postgres.js, a time-out", ERROR, TEXT, "dependency", "Error: write CONNECT_TIMEOUT db:5432"),
    ("mysql2, its queue", ERROR, TEXT, "db_connections overload", "Error: Queue limit reached."),
    ("MongoDB, its wait queue", ERROR, TEXT, "db_connections",
     "com.mongodb.MongoWaitQueueFullException: Too many operations are waiting for a connection. "
     "Max number of "
     "operations (maxWaitQueueSize) of 500 has been exceeded."),
    ("redis-py, too many", ERROR, TEXT, "db_connections",
     "redis.exceptions.ConnectionError: Too many connections"),
    ("Lettuce, a command", ERROR, TEXT, "dependency",
     "io.lettuce.core.RedisCommandTimeoutException: Command timed out after 1 minute(s)"),
    ("ioredis, retries", ERROR, TEXT, "dependency",
     "MaxRetriesPerRequestError: Reached the max retries per request limit (which is 20). Refer to "
     '"maxRetriesPerRequest" option for details.'),
    ("Wallarm", DENIED, HTML, "blocked", "<h1>Malicious activity blocked</h1><p>Request ID: 5f1</p>"),
    ("SiteGround", "202 Accepted", HTML, "blocked content",
     '<html><head><meta http-equiv="refresh" content="0;/.well-known/sgcaptcha/?r=%2F"></head></html>'),
    ("DataDome, its hint", DENIED, HTML, "blocked",
     "<p id=\"cmsg\">Please enable JS and disable any ad blocker</p><script>var dd={'host':'geo.example'}"
     "</script>"),
    ("Shopify, its edge", "430 ", HTML, "overload blocked", "<title>430 Shopify Security Rejection</title>"),
    ("ArvanCloud", DENIED, HTML, "blocked",
     "<title>403</title><h1>Access denied</h1><p>Your request was flagged by the site's security rules.</p>"),
    ("Laravel, its key", ERROR, HTML, "misconfigured error",
     "<title>Server Error</title><p>No application encryption key has been specified.</p>"),
    ("Django, its setting", ERROR, TEXT, "misconfigured error",
     "django.core.exceptions.ImproperlyConfigured: The SECRET_KEY setting must not be empty."),
    ("gRPC-gateway, exhausted", LIMITED, JSON, "overload",
     '{"code":8,"message":"rate limit of 100 rps exceeded for caller shop","details":[]}'),
    ("gRPC-gateway, unavailable", UNAVAILABLE, JSON, "not_started dependency",
     '{"code":14,"message":"connection error: desc = \\"transport: Error while dialing dial tcp '
     '10.0.0.8:50051: '
     'connect: connection refused\\"","details":[]}'),
    ("Rails, a migration", ERROR, HTML, "deploy misconfigured error",
     "<h1>ActiveRecord::PendingMigrationError</h1><p>Migrations are pending. To resolve this issue, run: "
     "bin/rails db:migrate</p>"),
)  # fmt: skip
PAGES = tuple(Page(name, "source or docs", status, kind, words, truth)
              for name, status, kind, truth, words in ROWS)  # fmt: skip
