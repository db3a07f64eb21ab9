"""Answers as people reported them, and of products that no other collection has.

Labelled and measured before any rule was made for them: docs/probes.md has that figure.
"""

from tests.recordings.written import HTML, JSON, TEXT, Page

PAGES = (
    Page("DHIS2, no connection", "a public report", "503 Service Unavailable", JSON,
         '{"detail":"The server could not obtain a database connection. Please try again later"}',
         "db_connections"),
    Page("sqlx, its pool", "a public report", "500 Internal Server Error", JSON,
         '{"detail":"pool timed out while waiting for an open connection"}', "db_connections"),
    Page("Npgsql 4, its pool", "a public report", "500 Internal Server Error", JSON,
         '{"detail":"The connection pool has been exhausted, either raise MaxPoolSize (currently '
         '100) or Timeout (currently 15 seconds)"}', "db_connections"),
    Page("node-postgres, its pool", "a public report", "500 Internal Server Error", JSON,
         '{"detail":"timeout exceeded when trying to connect"}', "db_connections dependency"),
    Page("urllib3, refused", "a public report", "500 Internal Server Error", JSON,
         '{"detail":"HTTPConnection object: Failed to establish a new connection: [Errno 111] '
         'Connection refused"}', "dependency"),
    Page("Faraday, refused", "a public report", "500 Internal Server Error", JSON,
         '{"detail":"Faraday::ConnectionFailed: connection refused: localhost:9200"}', "dependency"),
    Page("PHP Redis, refused", "a public report", "500 Internal Server Error", JSON,
         '{"detail":"[RedisException] Connection refused"}', "dependency"),
    Page("An overloaded model", "a public report", "529 ", JSON, '{"detail":"Overloaded"}', "overload"),
    Page("A model behind an edge", "a public report", "429 Too Many Requests", JSON,
         '{"detail":"The service may be temporarily overloaded, please try again later"}', "overload"),
    Page("A server that says it is overloaded", "a public report", "503 Service Unavailable", JSON,
         '{"detail":"server_is_overloaded"}', "overload"),
    Page("Tengine, an invalid response", "a public report", "502 Bad Gateway", HTML,
         "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1><p>The "
         "proxy server received an invalid response from an upstream server.<hr>Powered by "
         "Tengine</body></html>", "crash not_started", ("Server: Tengine",)),
    Page("Google's look, an own proxy", "a public report", "502 Bad Gateway", HTML,
         "<p><b>502.</b> - Bad Gateway . That’s an error.<p>Looks like we have got an invalid "
         "response from the upstream server. That’s all we know.", "crash not_started"),
    Page("Concourse, its worker", "a public report", "503 Service Unavailable", JSON,
         '{"garden":{"healthy":false,"response_error":"timeout"},"baggageclaim":{"healthy"'
         ':true,"response_error":""}}', "dependency"),
    Page("Azul, Elasticsearch", "a public report", "503 Service Unavailable", JSON,
         '{"elasticsearch":{"up":false},"up":false}', "dependency"),
    Page("Liferay, only DOWN", "a public report", "503 Service Unavailable", JSON,
         '{"status":"DOWN","checks":[]}'),
    Page("PerimeterX at Fastly", "a public report", "403 Forbidden", HTML,
         "<title>Access to This Page Has Been Blocked</title><script "
         'src="https://www.google.com/recaptcha/api.js"></script>', "blocked",
         ("Server: Varnish", "X-Served-By: cache-lcy19276-LCY")),
    Page("A challenge in an API's place", "a public report", "403 Forbidden", HTML,
         "<title>Just a moment...</title><script>window._cf_chl_opt = {cType: 'managed'}</script>",
         "blocked", ("Server: cloudflare", "CF-RAY: 8e695a03eed4f9fd-SJC")),
    Page("A pool that rolls", "a public report", "500 Internal Server Error", HTML,
         "<title>Oops</title><h1>Internal Server Error</h1>", "error"),
    Page("YARP, no destination", "YARP source", "503 Service Unavailable", TEXT, ""),
    Page("Gloo, no cluster", "Envoy", "503 Service Unavailable", TEXT, "", "", ("server: envoy",)),
    Page("KrakenD, refused", "KrakenD docs", "500 Internal Server Error", TEXT, "", "error",
         ("X-Krakend: Version 2.6",)),
    Page("Gravitee, no endpoint", "Gravitee docs", "503 Service Unavailable", JSON,
         '{"message":"No endpoint available to serve the request","http_status_code":503}', "unhealthy"),
    Page("WSO2, refused", "WSO2 docs", "500 Internal Server Error", JSON,
         '{"fault":{"code":101503,"type":"Status report","message":"Runtime '
         'Error","description":"Error connecting to the back end"}}', "not_started network"),
    Page("WSO2, throttled", "WSO2 docs", "429 Too Many Requests", JSON,
         '{"fault":{"code":900802,"message":"Message throttled out","description":"You have '
         'exceeded your quota"}}', "overload"),
    Page("Apigee, no target", "Apigee docs", "503 Service Unavailable", JSON,
         '{"fault":{"faultstring":"The Service is temporarily '
         'unavailable","detail":{"errorcode":"messaging.adaptors.http.flow.NoActiveTargets"}}}',
         "unhealthy"),
    Page("Apigee, its target is slow", "Apigee docs", "504 Gateway Timeout", JSON,
         '{"fault":{"faultstring":"Gateway '
         'Timeout","detail":{"errorcode":"messaging.adaptors.http.flow.GatewayTimeout"}}}', "stuck"),
    Page("Apigee, quota", "Apigee docs", "429 Too Many Requests", JSON,
         '{"fault":{"faultstring":"Rate limit quota violation. Quota limit exceeded."}}', "overload"),
    Page("MuleSoft, unavailable", "MuleSoft docs", "503 Service Unavailable", TEXT,
         "The service is unavailable, application is stopped.", "not_started"),
    Page("HAProxy ingress, no backend", "HAProxy ingress", "503 Service Unavailable", HTML,
         "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this "
         "request.\n</body></html>\n", "unhealthy not_started"),
    Page("Skipper, refused", "Skipper source", "502 Bad Gateway", TEXT, "Bad Gateway\n", "not_started"),
    Page("Bunny, its origin", "bunny.net docs", "502 Bad Gateway", HTML,
         "<title>502 Bad Gateway</title><h1>502</h1><p>The origin server could not be reached.</p>",
         "not_started network", ("Server: BunnyCDN-DE1-1049",)),
    Page("KeyCDN, its origin's time-out", "KeyCDN docs", "504 Gateway Timeout", HTML,
         "<h1>504 Gateway Timeout</h1>", "stuck", ("Server: keycdn-engine",)),
    Page("GitLab Pages, unknown", "GitLab docs", "404 Not Found", HTML,
         "<title>The page you're looking for could not be found (404)</title>", "moved"),
    Page("Mastodon, its database", "Mastodon", "500 Internal Server Error", HTML,
         "<title>We're sorry, but something went wrong (500)</title>", "error"),
    Page("Odoo, its pool", "Odoo source", "500 Internal Server Error", TEXT,
         "psycopg2.pool.PoolError: The Connection Pool Is Full", "db_connections"),
    Page("Airflow, its scheduler", "Airflow docs", "200 OK", JSON,
         '{"metadatabase":{"status":"healthy"},"scheduler":{"status":"unhealthy"}}', "dependency content"),
    Page("Harbor, its registry", "Harbor docs", "500 Internal Server Error", JSON,
         '{"status":"unhealthy","components":[{"name":"registry","status":"unhealthy","err'
         'or":"refused"}]}', "dependency"),
    Page("Vault, sealed", "Vault docs", "503 Service Unavailable", JSON,
         '{"initialized":true,"sealed":true,"standby":true}', "not_started dependency"),
    Page("etcd, no leader", "etcd docs", "503 Service Unavailable", JSON,
         '{"health":"false","reason":"RAFT NO LEADER"}', "dependency"),
    Page("Nexus, it starts", "Sonatype docs", "503 Service Unavailable", HTML,
         "<title>Nexus Repository</title><p>Nexus Repository Manager is starting, please wait</p>",
         "not_started deploy"),
    Page("SonarQube, it starts", "SonarQube docs", "503 Service Unavailable", HTML,
         "<h1>SonarQube is under maintenance</h1>", "deploy"),
    Page("phpBB, disabled", "phpBB source", "503 Service Unavailable", HTML,
         "<p>Sorry but this board is currently unavailable.</p>"),
    Page("Moodle, upgrade", "Moodle source", "503 Service Unavailable", HTML,
         "<p>This site is undergoing maintenance and is currently not available</p>", "deploy"),
    Page("TYPO3, no database", "TYPO3 source", "503 Service Unavailable", HTML,
         "<h1>Service Unavailable (503)</h1><p>Database connection failed.</p>", "dependency"),
    Page("ColdFusion, a full queue", "Adobe docs", "503 Service Unavailable", TEXT,
         "Request timed out waiting for an available thread to run.", "overload"),
    Page("PHP-FPM, slow log", "nginx", "504 Gateway Time-out", HTML,
         "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n<center><h1>504 "
         "Gateway Time-out</h1></center>\r\n<hr><center>nginx/1.24.0</center>\r\n</body>\r\n"
         "</html>\r\n", "stuck", ("Server: nginx/1.24.0",)),
    Page("Reblaze, blocked", "Reblaze docs", "247 ", HTML, "<h1>Access denied</h1>", "blocked content"),
    Page("StackPath, blocked", "StackPath docs", "403 Forbidden", HTML,
         "<title>StackPath</title><h1>This website is using a security service to protect itself "
         "from online attacks.</h1>", "blocked"),
    Page("Akismet-like, an allow list", "a proxy", "403 Forbidden", TEXT, "Host not in allowlist",
         "blocked unauthorized"),
    Page("An expired subscription", "a shop", "402 Payment Required", JSON,
         '{"errors":"Unavailable Shop"}', "rejected unauthorized"),
)  # fmt: skip
