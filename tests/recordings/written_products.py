"""What application servers, frameworks and finished products answer, labelled in advance."""

from tests.recordings.written import HTML, JSON, TEXT, Page

PAGES = (
    Page("IIS, concurrent requests", "IIS docs", "503 Service Unavailable", HTML,
         "<title>IIS 10.0 Detailed Error - 503.2 - Service Unavailable</title><h3>HTTP Error 503.2 "
         "- Service Unavailable</h3><h4>The serverRuntime@appConcurrentRequestLimit setting is "
         "being exceeded.</h4>", "overload", ("Server: Microsoft-IIS/10.0", "X-Powered-By: ASP.NET")),
    Page("IIS, a broken configuration", "IIS docs", "500 Internal Server Error", HTML,
         "<title>IIS 10.0 Detailed Error - 500.19 - Internal Server Error</title><h4>The requested "
         "page cannot be accessed because the related configuration data for the page is invalid.</h4>",
         "misconfigured error", ("Server: Microsoft-IIS/10.0", "X-Powered-By: ASP.NET")),
    Page("IIS, the process failed", "IIS docs", "502 Bad Gateway", HTML,
         "<title>502.5 ANCM Out-Of-Process Startup Failure</title><h2>HTTP Error 502.5 - ANCM "
         "Out-Of-Process Startup Failure</h2>", "not_started crash",
         ("Server: Microsoft-IIS/10.0", "X-Powered-By: ASP.NET")),
    Page("IIS, its backend is too slow", "IIS docs", "502 Bad Gateway", HTML,
         "<title>IIS 10.0 Detailed Error - 502.3 - Bad Gateway</title><h4>There was a connection "
         "error while trying to route the request.</h4><p>Error Code 0x80072ee2</p><p>The operation "
         "timed out</p>", "stuck network", ("Server: Microsoft-IIS/10.0", "X-Powered-By: ASP.NET")),
    Page("IIS, not authorized", "IIS docs", "401 Unauthorized", HTML,
         "<title>401 - Unauthorized: Access is denied due to invalid credentials.</title>", "unauthorized",
         ("Server: Microsoft-IIS/10.0", "X-Powered-By: ASP.NET")),
    Page("Tomcat, overload or maintenance", "Tomcat source", "503 Service Unavailable", HTML,
         '<!doctype html><html lang="en"><head><title>HTTP Status 503 – Service '
         "Unavailable</title></head><body><h1>HTTP Status 503 – Service "
         "Unavailable</h1><p><b>Type</b> Status Report</p><p><b>Description</b> The server is "
         "currently unable to handle the request due to a temporary overload or scheduled "
         "maintenance, which will likely be alleviated after some delay.</p></body></html>",
         "not_started deploy overload"),
    Page("Tomcat, a search server is away", "Tomcat", "500 Internal Server Error", HTML,
         "<h1>HTTP Status 500 – Internal Server Error</h1><p><b>Root "
         "Cause</b></p><pre>java.net.ConnectException: Connection refused\n\t"
         "org.elasticsearch.client.RestClient.extractAndWrapCause(RestClient.java:918)</pre>",
         "dependency error"),
    Page("Tomcat, an exception", "Tomcat", "500 Internal Server Error", HTML,
         "<h1>HTTP Status 500 – Internal Server "
         "Error</h1><p><b>Exception</b></p><pre>java.lang.NullPointerException: Cannot invoke "
         '"String.length()"</pre>', "error"),
    Page("Jetty, unavailable", "Jetty source", "503 Service Unavailable", HTML,
         "<title>Error 503 Service Unavailable</title><h2>HTTP ERROR 503 Service "
         "Unavailable</h2><table><tr><th>URI:</th><td>/</td></tr></table><hr/><a "
         'href="https://jetty.org/">Powered by Jetty:// 12.0.9</a>', "not_started deploy overload",
         ("Server: Jetty(12.0.9)",)),
    Page("Unit, bare", "Unit source", "503 Service Unavailable", HTML,
         "<!DOCTYPE html><title>Error 503</title><p>Error 503.\r\n", "", ("Server: Unit/1.32.1",)),
    Page("Kestrel, bare", "ASP.NET docs", "503 Service Unavailable", TEXT, "", "", ("Server: Kestrel",)),
    Page("ASP.NET health, only a word", "ASP.NET docs", "503 Service Unavailable", TEXT, "Unhealthy"),
    Page("Rack::Timeout", "rack-timeout source", "500 Internal Server Error", TEXT,
         "Rack::Timeout::RequestTimeoutException: Request ran for longer than 15000ms", "stuck error"),
    Page("Rails, blocked host", "Rails source", "403 Forbidden", HTML,
         "<title>Action Controller: Exception caught</title><h1>Blocked hosts: "
         "shop.example</h1><p>To allow requests to these hosts, make sure they are valid hostnames</p>",
         "misconfigured blocked rejected unauthorized"),
    Page("Rails, maintenance", "capistrano-maintenance", "503 Service Unavailable", HTML,
         "<title>Maintenance</title><h1>Maintenance</h1><p>The system is down for maintenance as of "
         "08:00. It'll be back shortly.</p>", "deploy"),
    Page("Django, a host that is not allowed", "Django source", "400 Bad Request", HTML,
         '<!doctype html><html lang="en"><head><title>Bad Request (400)</title></head><body><h1>Bad '
         "Request (400)</h1>", "rejected misconfigured"),
    Page("Django, its database's name", "Django", "500 Internal Server Error", HTML,
         "<title>OperationalError at /</title><h1>OperationalError at /</h1><pre "
         'class="exception_value">could not translate host name &quot;db&quot; to address: Name or '
         "service not known</pre>", "dependency dns"),
    Page("Django, its database refuses", "Django", "500 Internal Server Error", HTML,
         "<title>OperationalError at /</title><h1>OperationalError at /</h1><pre "
         'class="exception_value">connection to server at &quot;10.0.0.5&quot;, port 5432 failed: '
         "Connection refused\n\tIs the server running on that host and accepting TCP/IP "
         "connections?</pre>", "dependency"),
    Page("Flask, an exception", "Werkzeug source", "500 Internal Server Error", HTML,
         "<!doctype html>\n<html lang=en>\n<title>500 Internal Server Error</title>\n<h1>Internal "
         "Server Error</h1>\n<p>The server encountered an internal error and was unable to complete "
         "your request. Either the server is overloaded or there is an error in the application.</p>",
         "error", ("Server: Werkzeug/3.0.3 Python/3.11.9",)),
    Page("Express, an exception", "finalhandler source", "500 Internal Server Error", HTML,
         "<pre>TypeError: Cannot read properties of undefined (reading &#39;id&#39;)<br> &nbsp; "
         "&nbsp;at process.processTicksAndRejections (node:internal/process/task_queues:95:5)</pre>",
         "error", ("X-Powered-By: Express",)),
    Page("Express, its database refuses", "finalhandler", "500 Internal Server Error", HTML,
         "<pre>Error: connect ECONNREFUSED 10.0.0.5:5432<br> &nbsp; &nbsp;at "
         "process.processTicksAndRejections (node:internal/process/task_queues:95:5)</pre>",
         "dependency error", ("X-Powered-By: Express",)),
    Page("Next.js, an exception", "Next.js source", "500 Internal Server Error", HTML,
         '<title>500: Internal Server Error</title><h1 class="next-error-h1">500</h1><h2>Internal '
         "Server Error.</h2>", "error", ("X-Powered-By: Next.js",)),
    Page("PHP, out of memory", "PHP source", "500 Internal Server Error", HTML,
         "<b>Fatal error</b>: Allowed memory size of 134217728 bytes exhausted (tried to allocate "
         "20480 bytes) in /srv/app/index.php on line 12", "overload error crash",
         ("X-Powered-By: PHP/8.3.6",)),
    Page("PHP, execution time", "PHP source", "500 Internal Server Error", HTML,
         "<b>Fatal error</b>: Maximum execution time of 30 seconds exceeded in /srv/app/index.php "
         "on line 12", "stuck error", ("X-Powered-By: PHP/8.3.6",)),
    Page("PHP, an exception", "PHP source", "500 Internal Server Error", HTML,
         "<b>Fatal error</b>: Uncaught Error: Call to a member function id() on null in "
         "/srv/app/index.php:12", "error", ("X-Powered-By: PHP/8.3.6",)),
    Page("PDO, its database refuses", "PHP source", "500 Internal Server Error", HTML,
         "<b>Fatal error</b>: Uncaught PDOException: SQLSTATE[HY000] [2002] Connection refused in "
         "/srv/app/db.php:8", "dependency", ("X-Powered-By: PHP/8.3.6",)),
    Page("WordPress, a critical error", "WordPress source", "500 Internal Server Error", HTML,
         "<title>WordPress &rsaquo; Error</title><p>There has been a critical error on this "
         "website.</p>", "error"),
    Page("Drupal, an error", "Drupal source", "500 Internal Server Error", TEXT,
         "The website encountered an unexpected error. Try again later.", "error"),
    Page("Drupal, maintenance", "Drupal source", "503 Service Unavailable", HTML,
         "<title>Site under maintenance</title><p>Shop is currently under maintenance. We should be "
         "back shortly. Thank you for your patience.</p>", "deploy"),
    Page("Magento, maintenance", "Magento source", "503 Service Unavailable", HTML,
         "<title>Service Temporarily Unavailable</title><h1>Service Temporarily "
         "Unavailable</h1><p>The server is temporarily unable to service your request due to "
         "maintenance downtime or capacity problems. Please try again later.</p>",
         "deploy overload not_started"),
    Page("Symfony, an error", "Symfony source", "500 Internal Server Error", HTML,
         "<title>An Error Occurred: Internal Server Error</title><h1>Oops! An Error "
         'Occurred</h1><h2>The server returned a "500 Internal Server Error".</h2>', "error"),
    Page("Joomla, offline", "Joomla source", "503 Service Unavailable", HTML,
         "<p>This site is down for maintenance.<br>Please check back again soon.</p>", "deploy"),
    Page("Confluence, it starts", "Atlassian docs", "503 Service Unavailable", HTML,
         "<title>Confluence is starting up</title><h1>Confluence is starting up</h1>", "not_started deploy"),
    Page("Jenkins, it starts", "Jenkins source", "503 Service Unavailable", HTML,
         "<title>Starting Jenkins</title><h1>Please wait while Jenkins is getting ready to "
         "work</h1><p>Your browser will reload automatically when Jenkins is ready.</p>",
         "not_started deploy"),
    Page("Keycloak, it starts", "Quarkus", "503 Service Unavailable", JSON,
         '{"status":"DOWN","checks":[{"name":"Keycloak database connections async health '
         'check","status":"DOWN"}]}', "dependency"),
    Page("Grafana, its database", "Grafana source", "503 Service Unavailable", JSON,
         '{"commit":"5b85c4c2fc","database":"failing","version":"11.0.0"}', "dependency"),
    Page("Elasticsearch, not recovered", "Elasticsearch source", "503 Service Unavailable", JSON,
         '{"error":{"type":"cluster_block_exception","reason":"blocked by: '
         '[SERVICE_UNAVAILABLE/1/state not recovered / initialized];"},"status":503}',
         "dependency not_started"),
    Page("Elasticsearch, circuit breaker", "Elasticsearch source", "429 Too Many Requests", JSON,
         '{"error":{"type":"circuit_breaking_exception","reason":"[parent] Data too large, data for '
         '[<http_request>] would be larger than the limit"},"status":429}', "overload"),
    Page("Elasticsearch, no master", "Elasticsearch source", "503 Service Unavailable", JSON,
         '{"error":{"type":"master_not_discovered_exception","reason":null},"status":503}', "dependency"),
    Page("Consul, no leader", "Consul source", "500 Internal Server Error", TEXT, "No cluster leader",
         "dependency error"),
    Page("MinIO, read quorum", "MinIO source", "503 Service Unavailable", "application/xml",
         "<Error><Code>XMinioServerNotInitialized</Code><Message>Server not initialized yet, please "
         "try again.</Message></Error>", "not_started dependency deploy"),
    Page("Solr, its core starts", "Solr source", "503 Service Unavailable", JSON,
         '{"error":{"msg":"SolrCore is loading","code":503}}', "not_started dependency deploy"),
    Page("Hystrix, short-circuited", "Hystrix source", "500 Internal Server Error", JSON,
         '{"status":500,"message":"getStock short-circuited and fallback failed."}', "dependency"),
    Page("Resilience4j, bulkhead", "Resilience4j source", "503 Service Unavailable", JSON,
         "{\"status\":503,\"message\":\"Bulkhead 'orders' is full and does not permit further calls\"}",
         "overload"),
    Page("Polly, circuit", "Polly source", "503 Service Unavailable", JSON,
         '{"message":"Polly.CircuitBreaker.BrokenCircuitException: The circuit is now open and is '
         'not allowing calls."}', "dependency"),
    Page("gRPC, unavailable behind a gateway", "grpc-gateway source", "503 Service Unavailable", JSON,
         '{"code":14,"message":"connection error: desc = \\"transport: Error while dialing: dial '
         'tcp 10.0.0.7:50051: connect: connection refused\\"","details":[]}', "dependency not_started"),
    Page("gRPC, deadline behind a gateway", "grpc-gateway source", "504 Gateway Timeout", JSON,
         '{"code":4,"message":"context deadline exceeded","details":[]}', "stuck"),
    Page("gRPC, exhausted behind a gateway", "grpc-gateway source", "429 Too Many Requests", JSON,
         '{"code":8,"message":"resource exhausted","details":[]}', "overload"),
)  # fmt: skip
