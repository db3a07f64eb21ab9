"""What drivers and pools say in an answer, and health documents, labelled in advance."""

from tests.recordings.written import JSON, PROBLEM, TEXT, Page

PAGES = (
    Page("Oracle, no handler", "its source", "500 Internal Server Error", JSON,
         '{"error":"ORA-12516: TNS:listener could not find available handler with matching protocol '
         'stack"}', "db_connections"),
    Page("Oracle, sessions", "its source", "500 Internal Server Error", JSON,
         '{"error":"ORA-00018: maximum number of sessions exceeded"}', "db_connections"),
    Page("Oracle, processes", "its source", "500 Internal Server Error", JSON,
         '{"error":"ORA-00020: maximum number of processes (300) exceeded"}', "db_connections"),
    Page("Oracle, unknown service", "its source", "500 Internal Server Error", JSON,
         '{"error":"ORA-12514: TNS:listener does not currently know of service requested in connect '
         'descriptor"}', "dependency"),
    Page("SQL Server, not found", "its source", "500 Internal Server Error", JSON,
         '{"error":"A network-related or instance-specific error occurred while establishing a '
         'connection to SQL Server. The server was not found or was not accessible."}', "dependency"),
    Page("Azure SQL, request limit", "its source", "500 Internal Server Error", JSON,
         '{"error":"Resource ID : 1. The request limit for the database is 60 and has been reached."}',
         "db_connections overload"),
    Page("MySQL, gone away", "its source", "500 Internal Server Error", JSON,
         '{"error":"SQLSTATE[HY000]: General error: 2006 MySQL server has gone away"}', "dependency"),
    Page("MySQL, lock wait", "its source", "500 Internal Server Error", JSON,
         '{"error":"SQLSTATE[HY000]: General error: 1205 Lock wait timeout exceeded; try restarting '
         'transaction"}', "dependency error stuck"),
    Page("MariaDB, shutdown", "its source", "500 Internal Server Error", JSON,
         '{"error":"ERROR 1053 (08S01): Server shutdown in progress"}', "dependency"),
    Page("PgBouncer, its limit", "its source", "500 Internal Server Error", JSON,
         '{"error":"FATAL: no more connections allowed (max_client_conn)"}', "db_connections"),
    Page("PgBouncer, its queue", "its source", "500 Internal Server Error", JSON,
         '{"error":"FATAL: query_wait_timeout"}', "db_connections overload"),
    Page("Supavisor, its limit", "its source", "500 Internal Server Error", JSON,
         '{"error":"FATAL: MaxClientsInSessionMode: max clients reached - in Session mode max '
         'clients are limited to pool_size"}', "db_connections"),
    Page("Prisma, its pool", "its source", "500 Internal Server Error", JSON,
         '{"error":"Timed out fetching a new connection from the connection pool. More info: '
         "http://pris.ly/d/connection-pool (Current connection pool timeout: 10, connection limit: "
         '5)"}', "db_connections"),
    Page("Sequelize, its pool", "its source", "500 Internal Server Error", JSON,
         '{"error":"SequelizeConnectionAcquireTimeoutError: Operation timeout"}', "db_connections"),
    Page("Knex, its pool", "its source", "500 Internal Server Error", JSON,
         '{"error":"Knex: Timeout acquiring a connection. The pool is probably full. Are you '
         'missing a .transacting(trx) call?"}', "db_connections"),
    Page("c3p0, its pool", "its source", "500 Internal Server Error", JSON,
         '{"error":"An attempt by a client to checkout a Connection has timed out."}', "db_connections"),
    Page("DBCP, its pool", "its source", "500 Internal Server Error", JSON,
         '{"error":"Cannot get a connection, pool error Timeout waiting for idle object"}',
         "db_connections"),
    Page("psycopg, its pool", "its source", "500 Internal Server Error", JSON,
         "{\"error\":\"couldn't get a connection after 30.00 sec\"}", "db_connections"),
    Page("asyncpg, too many", "its source", "500 Internal Server Error", JSON,
         '{"error":"asyncpg.exceptions.TooManyConnectionsError: sorry, too many clients already"}',
         "db_connections"),
    Page("PostgreSQL, a password", "its source", "500 Internal Server Error", JSON,
         '{"error":"FATAL: password authentication failed for user \\"shop\\""}',
         "dependency misconfigured error"),
    Page("PostgreSQL, closed", "its source", "500 Internal Server Error", JSON,
         '{"error":"server closed the connection unexpectedly\\n\\tThis probably means the server '
         'terminated abnormally before or while processing the request."}', "dependency"),
    Page("PostgreSQL, terminated", "its source", "500 Internal Server Error", JSON,
         '{"error":"terminating connection due to administrator command"}', "dependency"),
    Page("PostgreSQL, a statement is too slow", "its source", "500 Internal Server Error", JSON,
         '{"error":"canceling statement due to statement timeout"}', "dependency stuck error"),
    Page("PostgreSQL, a full disk", "its source", "500 Internal Server Error", JSON,
         '{"error":"could not extend file \\"base/16384/2619\\": No space left on device"}',
         "dependency overload error"),
    Page("MongoDB, refused", "its source", "500 Internal Server Error", JSON,
         '{"error":"MongoServerSelectionError: connect ECONNREFUSED 10.0.0.5:27017"}', "dependency"),
    Page("MongoDB, no primary", "its source", "500 Internal Server Error", JSON,
         '{"error":"not primary and secondaryOk=false"}', "dependency"),
    Page("Redis, no snapshots", "its source", "500 Internal Server Error", JSON,
         "{\"error\":\"MISCONF Redis is configured to save RDB snapshots, but it's currently unable "
         'to persist to disk."}', "dependency"),
    Page("Redis, its memory", "its source", "500 Internal Server Error", JSON,
         "{\"error\":\"OOM command not allowed when used memory > 'maxmemory'.\"}", "dependency overload"),
    Page("Redis, its cluster", "its source", "500 Internal Server Error", JSON,
         '{"error":"CLUSTERDOWN The cluster is down"}', "dependency"),
    Page("Redis, refused", "its source", "500 Internal Server Error", JSON,
         '{"error":"Error 111 connecting to redis:6379. Connection refused."}', "dependency"),
    Page("Redis, its pool", "its source", "500 Internal Server Error", JSON,
         '{"error":"redis.clients.jedis.exceptions.JedisConnectionException: Could not get a '
         'resource from the pool"}', "db_connections dependency"),
    Page("Kafka, no metadata", "its source", "500 Internal Server Error", JSON,
         '{"error":"org.apache.kafka.common.errors.TimeoutException: Topic orders not present in '
         'metadata after 60000 ms."}', "dependency"),
    Page("RabbitMQ, refused", "its source", "500 Internal Server Error", JSON,
         '{"error":"pika.exceptions.AMQPConnectionError: Connection to 10.0.0.8:5672 failed: [Errno '
         '111] Connection refused"}', "dependency"),
    Page("Cassandra, no hosts", "its source", "500 Internal Server Error", JSON,
         '{"error":"NoHostAvailable: All host(s) tried for query failed"}', "dependency"),
    Page("Memcached, refused", "its source", "500 Internal Server Error", JSON,
         '{"error":"Dalli::RingError: No server available"}', "dependency"),
    Page("Too many open files", "its source", "500 Internal Server Error", JSON,
         '{"error":"accept4: too many open files"}', "overload error"),
    Page("A thread pool that is full", "its source", "503 Service Unavailable", JSON,
         '{"error":"java.util.concurrent.RejectedExecutionException: Task rejected from '
         'ThreadPoolExecutor[Running, pool size = 200, active threads = 200, queued tasks = 1000]"}',
         "overload"),
    Page("A payment service is away", "its source", "500 Internal Server Error", JSON,
         '{"error":"Post \\"https://api.pay.example/v1/charges\\": dial tcp: lookup '
         'api.pay.example: no such host"}', "dependency dns"),
    Page("A service behind is too slow", "its source", "500 Internal Server Error", JSON,
         "{\"error\":\"requests.exceptions.ReadTimeout: HTTPSConnectionPool(host='api.pay.example', "
         'port=443): Read timed out. (read timeout=10)"}', "dependency stuck"),
    Page("Only “unavailable”", "its source", "503 Service Unavailable", JSON,
         '{"error":"temporarily unavailable"}'),
    Page("An unknown exception", "its source", "500 Internal Server Error", JSON, '{"error":"boom"}',
         "error"),
    Page("Terminus, redis", "NestJS docs", "503 Service Unavailable", JSON,
         '{"status":"error","info":{"db":{"status":"up"}},"error":{"redis":{"status":"down'
         '","message":"connect '
         'ECONNREFUSED"}},"details":{"db":{"status":"up"},"redis":{"status":"down"}}}', "dependency"),
    Page("health+json, cassandra", "draft-inadarei", "503 Service Unavailable", "application/health+json",
         '{"status":"fail","checks":{"cassandra:responseTime":[{"componentType":"datastore'
         '","status":"fail","output":"no answer in 5 s"}],"uptime":[{"status":"pass"}]}}', "dependency"),
    Page("Dropwizard, database", "Dropwizard docs", "500 Internal Server Error", JSON,
         '{"database":{"healthy":false,"message":"Connection refused"},"deadlocks":{"healthy":true}}',
         "dependency"),
    Page("health-go, postgres", "hellofresh/health-go", "503 Service Unavailable", JSON,
         '{"status":"Service '
         'Unavailable","timestamp":"2026-11-01T08:00:00Z","failures":{"postgres":"Timeout during '
         'health check"}}', "dependency"),
    Page("OkComputer, database", "OkComputer docs", "500 Internal Server Error", TEXT,
         "default: PASSED Application is running (0s)\ndatabase: FAILED Error: could not connect to "
         "server (1s)\n", "dependency"),
    Page("Laravel health, redis", "spatie docs", "503 Service Unavailable", JSON,
         '{"finishedAt":1730448000,"checkResults":[{"name":"Redis","label":"Redis","status'
         '":"failed","notificationMessage":"An exception occurred when connecting to Redis"}]}',
         "dependency"),
    Page("py-healthcheck, redis", "py-healthcheck docs", "500 Internal Server Error", JSON,
         '{"hostname":"app-1","status":"failure","results":[{"checker":"redis_available","'
         'output":"Connection refused","passed":false}]}', "dependency"),
    Page("Micronaut, jdbc", "Micronaut docs", "503 Service Unavailable", JSON,
         '{"name":"shop","status":"DOWN","details":{"jdbc":{"name":"shop","status":"DOWN",'
         '"details":{"jdbc:postgresql":{"status":"DOWN"}}}}}', "dependency"),
    Page("ASP.NET UI, blob", "Xabaril docs", "503 Service Unavailable", JSON,
         '{"status":"Unhealthy","totalDuration":"00:00:05","entries":{"blob":{"status":"Un'
         'healthy","description":"The request timed out"},"sql":{"status":"Healthy"}}}', "dependency"),
    Page("Actuator, disk space", "Spring docs", "503 Service Unavailable",
         "application/vnd.spring-boot.actuator.v3+json",
         '{"status":"DOWN","components":{"diskSpace":{"status":"DOWN","details":{"free":10'
         '24,"threshold":10485760}},"ping":{"status":"UP"}}}', "dependency overload"),
    Page("Actuator, only a word", "Spring docs", "503 Service Unavailable",
         "application/vnd.spring-boot.actuator.v3+json", '{"status":"DOWN"}'),
    Page("A problem document about maintenance", "RFC 9457", "503 Service Unavailable", PROBLEM,
         '{"title":"Service Unavailable","status":503,"detail":"Planned maintenance until 09:00 UTC"}',
         "deploy"),
    Page("A problem document about a token", "RFC 9457", "401 Unauthorized", PROBLEM,
         '{"title":"Unauthorized","status":401,"detail":"The access token expired"}', "unauthorized"),
    Page("Liveness, a deadlock", "Quarkus docs", "503 Service Unavailable", JSON,
         '{"status":"DOWN","checks":[{"name":"Event loop","status":"DOWN"}]}', "dependency stuck"),
)  # fmt: skip
