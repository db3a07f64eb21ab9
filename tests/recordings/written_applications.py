"""Frameworks, application servers, drivers and finished products, in their own words."""

import json

from tests.recordings.written import HTML, JSON, PROBLEM, TEXT, Page

RAILS = "https://api.rubyonrails.org/classes/ActiveRecord/ConnectionAdapters/ConnectionPool.html"
PUMA = "https://github.com/puma/puma/blob/master/lib/puma/const.rb"
PASSENGER = "https://www.phusionpassenger.com/docs/references/config_reference/nginx/"
NPGSQL = "https://www.npgsql.org/doc/connection-string-parameters.html"
ADO = "https://learn.microsoft.com/en-us/dotnet/framework/data/adonet/sql-server-connection-pooling"
ECTO = "https://github.com/elixir-ecto/db_connection/blob/master/lib/db_connection/connection_pool.ex"
MONGO = "https://github.com/mongodb/node-mongodb-native/blob/main/src/cmap/errors.ts"
TOMCAT_JDBC = "https://tomcat.apache.org/tomcat-10.1-doc/jdbc-pool.html"
MYSQL = "https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html"
POSTGRES = "https://www.postgresql.org/docs/current/errcodes-appendix.html"
WORDPRESS = "https://developer.wordpress.org/reference/functions/dead_db/"
LARAVEL = "https://laravel.com/docs/configuration#maintenance-mode"
NEXTCLOUD = "https://docs.nextcloud.com/server/latest/admin_manual/maintenance/"
GITLAB = "https://gitlab.com/gitlab-org/gitlab/-/tree/master/public"
IIS = "https://learn.microsoft.com/en-us/aspnet/core/test/troubleshoot-azure-iis"
TOMCAT = "https://github.com/apache/tomcat/blob/main/java/org/apache/catalina/valves/ErrorReportValve.java"
SPRING = "https://docs.spring.io/spring-boot/reference/actuator/endpoints.html#actuator.endpoints.health"
APACHE = "https://httpd.apache.org/docs/2.4/en/custom-error.html"
DJANGO = "https://docs.djangoproject.com/en/5.2/ref/views/#error-views"
GO = "https://pkg.go.dev/net/http"
RFC_9110 = "https://www.rfc-editor.org/rfc/rfc9110#name-retry-after"
KUBERNETES = "https://kubernetes.io/docs/reference/using-api/health-checks/"
PHP = "https://www.php.net/manual/en/install.fpm.php"
LITESPEED = "https://docs.litespeedtech.com/lsws/"
RESILIENCE = "https://resilience4j.readme.io/docs/circuitbreaker"
REDIS = "https://redis.io/docs/latest/develop/reference/clients/"

SICK, BAD, FAILED = "503 Service Unavailable", "502 Bad Gateway", "500 Internal Server Error"
NGINX, APP_NGINX = ("Server: nginx/1.26.0",), ("Server: nginx",)


def _tomcat(status: int, phrase: str, message: str, lead: str = "Status") -> str:
    return (
        f'<!doctype html><html lang="en"><head><title>HTTP {lead} {status} – {phrase}</title></head><body>'
        f'<h1>HTTP {lead} {status} – {phrase}</h1><hr class="line" /><p><b>Type</b> Status Report</p><p><b>'
        f'Message</b> {message}</p><hr class="line" /><h3>Apache Tomcat/10.1.28</h3></body></html>'
    )


PAGES = (
    Page("Rails, its pool is used up", RAILS, FAILED, TEXT,
         "ActiveRecord::ConnectionTimeoutError (could not obtain a connection from the pool within 5.000 "
         "seconds (waited 5.001 seconds); all pooled connections were in use)", "db_connections", (), 5.0),
    Page("Npgsql, its pool is used up", NPGSQL, FAILED, JSON,
         '{"title":"An error occurred","status":500,"detail":"Npgsql.NpgsqlException: The connection pool '
         'has been exhausted, either raise \'Max Pool Size\' (currently 100) or \'Timeout\'"}',
         "db_connections"),
    Page("ADO.NET, its pool is used up", ADO, FAILED, TEXT,
         "System.InvalidOperationException: Timeout expired. The timeout period elapsed prior to obtaining a "
         "connection from the pool. This may have occurred because all pooled connections were "
         "in use and max "
         "pool size was reached.", "db_connections", ("Server: Kestrel",)),
    Page("Ecto, its pool is used up", ECTO, FAILED, JSON,
         '{"error":"connection not available and request was dropped from queue after 2733ms. This means '
         'requests are coming in and your connection pool cannot serve them fast enough."}', "db_connections",
         ("server: Cowboy",)),
    Page("MongoDB, its pool is used up", MONGO, FAILED, JSON,
         '{"message":"MongoWaitQueueTimeoutError: Timed out while checking out a connection from connection '
         'pool"}', "db_connections", ("X-Powered-By: Express",)),
    Page("Tomcat JDBC, its pool is empty", TOMCAT_JDBC, FAILED, HTML,
         _tomcat(500, "Internal Server Error",
              "[http-nio-8080-exec-7] Timeout: Pool empty. Unable to fetch a "
                 "connection in 30 seconds, none available[size:100; busy:100; idle:0; lastwait:30000]."),
         "db_connections"),
    Page("MySQL, a user's limit", MYSQL, FAILED, TEXT,
         "ERROR 1203 (42000): User app already has more than 'max_user_connections' active connections",
         "db_connections"),
    Page("MySQL, the host is blocked", MYSQL, FAILED, TEXT,
         "ERROR 1129 (HY000): Host '10.0.0.7' is blocked because of many connection errors; unblock with "
         "'mariadb-admin flush-hosts'", "dependency db_connections"),
    Page("PostgreSQL 16, reserved slots", POSTGRES, FAILED, HTML,
         "<h1>OperationalError at /</h1><pre>connection failed: FATAL: remaining connection "
         "slots are reserved"
         " for roles with the SUPERUSER attribute</pre>", "db_connections", ("Server: gunicorn",)),
    Page("PostgreSQL, read-only after a failover", POSTGRES, FAILED, JSON,
         '{"error":"cannot execute INSERT in a read-only transaction"}', "dependency error"),
    Page("PostgreSQL, recovery", POSTGRES, SICK, JSON,
         '{"error":"pq: the database system is in recovery mode"}', "dependency"),
    Page("Redis, loading", REDIS, FAILED, TEXT,
         "redis.exceptions.BusyLoadingError: Redis is loading the dataset in memory", "dependency"),
    Page("Redis, its clients' limit", REDIS, FAILED, TEXT, "ERR max number of clients reached",
         "db_connections"),
    Page("WordPress, no database", WORDPRESS, FAILED, HTML,
         "<!DOCTYPE html><html><head><title>Database Error</title></head><body><h1>Error establishing a "
         "database connection</h1></body></html>", "dependency", ("Server: Apache", "X-Powered-By: PHP/8.2")),
    Page("WordPress, an update", WORDPRESS, SICK, HTML,
         "<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>Briefly unavailable for "
         "scheduled maintenance. Check back in a minute.</h1></body></html>", "deploy",
         ("Server: nginx", "Retry-After: 600")),
    Page("Laravel, down", LARAVEL, SICK, HTML,
         "<!DOCTYPE html><html lang='en'><head><title>Service Unavailable</title></head><body><div>503</div>"
         "<div>Service Unavailable</div></body></html>", "", APP_NGINX),
    Page("Laravel, an exception", LARAVEL, FAILED, HTML,
         "<!DOCTYPE html><html lang='en'><head><title>Server Error</title></head><body><div>500</div>"
         "<div>Server Error</div></body></html>", "error", APP_NGINX),
    Page("Nextcloud, an update", NEXTCLOUD, SICK, HTML,
         "<html><body><h2>Maintenance mode</h2><p>This Nextcloud instance is currently in maintenance mode, "
         "which may take a while.</p></body></html>", "deploy", ("Server: Apache", "Retry-After: 120")),
    Page("GitLab, a deploy", GITLAB, SICK, HTML,
         "<html><head><title>Deploy in progress</title></head><body><h1>503</h1><h3>Deploy in progress.</h3>"
         "<p>Please try again in a few minutes.</p></body></html>", "deploy", APP_NGINX),
    Page("GitLab, its application is gone", GITLAB, BAD, HTML,
         "<html><head><title>GitLab is not responding "
         "(502)</title></head><body><h1>502</h1><h3>Whoops, GitLab"
         " is taking too much time to respond.</h3></body></html>", "not_started stuck crash", APP_NGINX),
    Page("Passenger, it cannot start", PASSENGER, FAILED, HTML,
         "<html><head><title>We're sorry, but something went wrong "
         "(500)</title></head><body><h1>We're sorry, "
         "but something went wrong.</h1><p>The issue has been logged for investigation.</p><p>Web application"
         " could not be started by the Phusion Passenger(R) application server.</p></body></html>",
         "not_started", ("Server: nginx + Phusion Passenger(R) 6.0.20",)),
    Page("Passenger, its queue is full", PASSENGER, SICK, HTML,
         "<html><head><title>This website is under heavy load (503)</title></head><body><h1>This website is "
         "under heavy load (queue full)</h1><p>We're sorry, too many people are accessing this "
         "website at the "
         "same time.</p></body></html>", "overload", ("Server: nginx + Phusion Passenger(R) 6.0.20",)),
    Page("Puma, an error outside the application", PUMA, FAILED, TEXT,
         "An unhandled lowlevel error occurred. The application logs may have details.\n", "error"),
    Page("Puma, it is stopping", PUMA, SICK, TEXT, "", "", ()),
    Page("Rails, a static 500", PUMA, FAILED, HTML,
         "<html><head><title>We're sorry, but something went wrong "
         "(500)</title></head><body><h1>We're sorry, "
         "but something went wrong.</h1></body></html>", "error", APP_NGINX),
    Page("Django, a bare 500", DJANGO, FAILED, HTML,
         "<!doctype html><html lang='en'><head><title>Server Error "
         "(500)</title></head><body><h1>Server Error "
         "(500)</h1><p></p></body></html>", "error", ("Server: gunicorn",)),
    Page("PHP-FPM, its script is missing", PHP, "404 Not Found", HTML, "File not found.\n",
         "moved misconfigured",
         ("Server: nginx", "X-Powered-By: PHP/8.2")),
    Page("LiteSpeed, its backend is gone", LITESPEED, SICK, "text/html",
         "<!DOCTYPE html><html><head><title> 503 Service Unavailable</title></head><body><h1>503</h1><h2>"
         "Service Unavailable</h2><p>The server is temporarily busy, try again later!</p></body></html>",
         "not_started overload", ("Server: LiteSpeed",)),
    Page("IIS, ASP.NET cannot start", IIS, "500 Internal Server Error", "text/html",
         "<!DOCTYPE html><html><head><title>HTTP Error 500.30 - ASP.NET Core app failed to start</title>"
         "</head><body><h2>HTTP Error 500.30 - ASP.NET Core app failed to start</h2></body></html>",
         "not_started", ("Server: Microsoft-IIS/10.0",)),
    Page("IIS, 502.3", IIS, BAD, "text/html",
         "<html><head><title>IIS 10.0 Detailed Error - 502.3 - Bad "
         "Gateway</title></head><body><h3>HTTP Error "
         "502.3 - Bad Gateway</h3><h4>There was a connection error while trying to route the request.</h4>"
         "</body></html>", "not_started crash", ("Server: Microsoft-IIS/10.0",)),
    Page("IIS, in German", IIS, "503 Dienst nicht verfügbar", "text/html",
         "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\"><HTML><BODY><h2>Service Unavailable</h2><hr><p>"
         "HTTP Error 503. The service is unavailable.</p></BODY></HTML>", "not_started",
         ("Server: Microsoft-HTTPAPI/2.0",)),
    Page("IIS, app_offline", IIS, SICK, "text/html",
         "<html><body><h1>This site is being updated</h1><p>Please come back in a few minutes.</p></body>"
         "</html>", "deploy", ("Server: Microsoft-IIS/10.0",)),
    Page("Tomcat, the application is not deployed", TOMCAT, "404 ", HTML,
         _tomcat(404, "Not Found", "The requested resource [/shop] is not available"), "moved not_started"),
    Page("Tomcat, in French", TOMCAT, "503 ", HTML,
         _tomcat(503, "Service indisponible", "Cette application n&#39;est pas disponible actuellement",
              "État"),
         "not_started deploy"),
    Page("Spring, a bare JSON error", SPRING, FAILED, JSON,
         '{"timestamp":"2026-11-28T02:00:00.000+00:00","status":500,"error":"Internal Server Error",'
         '"path":"/orders"}', "error"),
    Page("Spring, out of service", SPRING, SICK, "application/vnd.spring-boot.actuator.v3+json",
         '{"status":"OUT_OF_SERVICE","components":{"readinessState":{"status":"OUT_OF_SERVICE"},"livenessState'
         '":{"status":"UP"}},"groups":["liveness","readiness"]}', "deploy unhealthy not_started"),
    Page("Spring, its circuit breaker", RESILIENCE, SICK, JSON,
         '{"error":"CircuitBreaker \'payments\' is OPEN and does not permit further calls"}', "dependency"),
    Page("a maintenance page in Spanish", APACHE, SICK, HTML,
         "<html><head><title>En mantenimiento</title></head><body><h1>Sitio en mantenimiento</h1><p>Volvemos "
         "en unos minutos.</p></body></html>", "deploy", ("Server: nginx", "Retry-After: 3600")),
    Page("a maintenance page in French", APACHE, SICK, HTML,
         "<html><head><title>Site en maintenance</title></head><body><h1>Maintenance en "
         "cours</h1><p>De retour "
         "bientôt.</p></body></html>", "deploy", APP_NGINX),
    Page("an overloaded site in German", APACHE, SICK, HTML,
         "<html><body><h1>Der Server ist zurzeit überlastet</h1><p>Zu viele Anfragen. Bitte versuchen Sie"
         " es später noch einmal.</p></body></html>", "overload", APP_NGINX),
    Page("a page that lists every excuse", APACHE, SICK, HTML,
         "<html><body><h1>Sorry</h1><p>We may be overloaded or down for maintenance. Please try again.</p>"
         "</body></html>", "", APP_NGINX),
    Page("Retry-After as a date", RFC_9110, SICK, TEXT, "", "",
         ("Retry-After: Sat, 28 Nov 2026 06:00:00 GMT",)),
    Page("Retry-After of a day", RFC_9110, SICK, TEXT, "", "", ("Retry-After: 86400", *APP_NGINX)),
    Page("Retry-After of nothing", RFC_9110, SICK, TEXT, "", "", ("Retry-After: 0",)),
    Page("Retry-After that is no number", RFC_9110, SICK, TEXT, "", "", ("Retry-After: soon, 12",)),
    Page("429 with a reset", RFC_9110, "429 Too Many Requests", PROBLEM,
         '{"title":"Too Many Requests","status":429}', "overload",
         ("RateLimit: limit=100, remaining=0, reset=30", "Retry-After: 30")),
    Page("Kubernetes, not ready", KUBERNETES, FAILED, TEXT,
         "[+]ping ok\n[-]etcd-readiness failed: reason withheld\n[+]informer-sync ok\nreadyz check failed\n",
         "dependency"),
    Page("Kubernetes, shutting down", KUBERNETES, FAILED, TEXT,
         "[+]ping ok\n[+]etcd ok\n[-]shutdown failed: reason withheld\nreadyz check failed\n", "deploy"),
    Page("Go, it shuts down", GO, SICK, TEXT, "server is shutting down\n", "deploy"),
    Page("Go, HTTP on an HTTPS port", GO, "400 Bad Request", TEXT,
         "Client sent an HTTP request to an HTTPS server.\n", "misconfigured"),
    Page("a health document with a number of parts", SPRING, SICK, JSON,
         json.dumps({"status": "unhealthy", "checks": {"postgres": "ok", "redis": "timeout", "s3": "ok"}}),
         "dependency"),
    Page("a GraphQL error with 200", RFC_9110, "200 OK", JSON,
         '{"errors":[{"message":"connect ECONNREFUSED 10.0.0.7:5432"}],"data":null}', "dependency content"),
    Page("an article about maintenance with 200", DJANGO, "200 OK", HTML,
         "<html><body><h1>How we plan maintenance work</h1><p>Scheduled maintenance is "
         "announced a week ahead."
         "</p></body></html>", "content"),
    Page("an article about too many connections with 404", DJANGO, "404 Not Found", HTML,
         "<html><body><h1>Page not found</h1><p>Popular: How to solve “too many connections” "
         "in PostgreSQL</p>"
         "</body></html>", "moved"),
    Page("an out of memory error", SPRING, FAILED, TEXT, "java.lang.OutOfMemoryError: Java heap space",
         "overload crash error"),
    Page("a full disk", DJANGO, FAILED, TEXT, "OSError: [Errno 28] No space left on device",
         "overload error"),
)  # fmt: skip
