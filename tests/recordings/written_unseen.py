"""Products that no other collection has, by memory of their source, documentation and reports; and decoys.

Decoys mention what rules look for, and say nothing of why they failed: an article, a footer, a login page, an
exception about something else. Written before any rule was tried on them: docs/probes.md has that figure.
"""

from tests.recordings.written import HTML, JSON, TEXT, Page

UNAVAILABLE, ERROR, GATEWAY = "503 Service Unavailable", "500 Internal Server Error", "502 Bad Gateway"
XML = "application/xml"

PAGES = (
    Page("PostgREST, no schema", "a public report", UNAVAILABLE, JSON,
         '{"code":"PGRST002","details":null,"hint":null,"message":"Could not query the database for the '
         'schema cache. Retrying."}', "dependency"),
    Page("llama.cpp, it loads", "a public report", UNAVAILABLE, JSON,
         '{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}', "not_started"),
    Page("Hugging Face, it loads", "a public report", UNAVAILABLE, JSON,
         '{"error":"Model meta-llama/Llama-2-13b-chat is currently loading","estimated_time":20.0}',
         "not_started"),
    Page("Docker registry, its health check", "a public report", UNAVAILABLE, JSON,
         '{"errors":[{"code":"UNAVAILABLE","message":"service unavailable","detail":"health check failed: '
         'please see /debug/health"}]}', "dependency unhealthy"),
    Page("MinIO, slow down", "a public report", UNAVAILABLE, XML,
         '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SlowDown</Code><Message>Please reduce your '
         "request</Message><BucketName>b01</BucketName></Error>", "overload",
         ("Server: MinIO", "Retry-After: 120")),
    Page("MinIO, it starts", "a public report", UNAVAILABLE, XML,
         '<?xml version="1.0" '
         'encoding="UTF-8"?>\n<Error><Code>XMinioServerNotInitialized</Code><Message>Server '
         "not initialized, please try again.</Message></Error>", "not_started",
         ("Server: MinIO", "Retry-After: 120")),
    Page("Nextcloud's WebDAV", "a public report", UNAVAILABLE, "application/xml; charset=utf-8",
         '<?xml version="1.0" encoding="utf-8"?>\n<d:error '
         'xmlns:d="DAV:"><s:exception>Sabre\\DAV\\Exception\\'
         "ServiceUnavailable</s:exception><s:message>System in maintenance mode.</s:message></d:error>",
         "deploy"),
    Page("Loki, its ingester", "Loki source", UNAVAILABLE, TEXT,
         "Ingester not ready: waiting for 15s after being ready\n", "not_started"),
    Page("Vault, sealed errors", "Vault docs", UNAVAILABLE, JSON, '{"errors":["Vault is sealed"]}',
         "not_started dependency"),
    Page("CouchDB, too slow", "CouchDB docs", ERROR, JSON,
         '{"error":"timeout","reason":"The request could not be processed in a reasonable amount of time."}',
         "stuck dependency"),
    Page("CockroachDB, it drains", "CockroachDB source", UNAVAILABLE, JSON,
         '{"error":"node is shutting down","code":14,"message":"node is shutting down"}', "deploy"),
    Page("InfluxDB, its cache", "InfluxDB docs", UNAVAILABLE, JSON,
         '{"code":"unavailable","message":"engine: cache-max-memory-size exceeded: (1073741824/1073741824)"}',
         "overload"),
    Page("Solr, a core loads", "Solr source", UNAVAILABLE, JSON,
         '{"error":{"msg":"SolrCore is loading","code":503}}', "not_started"),
    Page("ClickHouse, queries", "ClickHouse source", UNAVAILABLE, TEXT,
         "Code: 202. DB::Exception: Too many simultaneous queries. Maximum: 100. "
         "(TOO_MANY_SIMULTANEOUS_QUERIES) (version 24.3)\n", "overload"),
    Page("Trino, it starts", "Trino source", UNAVAILABLE, TEXT, "Trino server is still initializing",
         "not_started"),
    Page("Reddit's CDN", "a public page", UNAVAILABLE, HTML,
         "<title>Ow! -- reddit.com</title><h1>Our CDN was unable to reach our servers</h1>",
         "network not_started"),
    Page("OpenAI, overloaded", "OpenAI docs", UNAVAILABLE, JSON,
         '{"error":{"message":"The engine is currently overloaded, please try again later","type":'
         '"server_error"}}', "overload"),
    Page("Gemini, overloaded", "Google docs", UNAVAILABLE, JSON,
         '{"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":'
         '"UNAVAILABLE"}}', "overload"),
    Page("Google's API, unavailable", "Google docs", UNAVAILABLE, JSON,
         '{"error":{"code":503,"message":"The service is currently unavailable.","status":"UNAVAILABLE"}}'),
    Page("Supabase storage, its pool", "Supabase source", "544 ", JSON,
         '{"statusCode":"544","error":"DatabaseTimeout","message":"The connection to the database '
         'timed out"}',
         "db_connections dependency"),
    Page("Supabase, paused", "Supabase docs", "540 ", JSON, '{"message":"Project paused"}',
         "not_started deploy"),
    Page("Hugging Face, a Space sleeps", "a public page", UNAVAILABLE, HTML,
         "<title>Hugging Face</title><p>This Space is sleeping due to inactivity.</p>", "not_started"),
    Page("A serverless function", "Vercel docs", ERROR, TEXT,
         "A server error has occurred\n\nFUNCTION_INVOCATION_FAILED\n\nfra1::abc\n", "crash error"),
    Page("Netlify, its usage", "Netlify docs", UNAVAILABLE, HTML,
         "<title>Site not available</title><p>This site was paused as it reached its usage limits.</p>",
         "overload"),
    Page("PythonAnywhere", "PythonAnywhere help", GATEWAY, HTML,
         "<h1>Something went wrong :-(</h1><p>There was an error loading your PythonAnywhere-hosted "
         "site. There "
         "may be a bug in your code.</p>", "crash error not_started"),
    Page("CloudLinux, processes", "CloudLinux docs", "508 Loop Detected", HTML,
         "<title>508 Resource Limit Is Reached</title><h1>Resource Limit Is Reached</h1><p>The website is "
         "temporarily unable to service your request as it exceeded resource limit. Please try again later.",
         "overload"),
    Page("Joomla, no database", "Joomla source", ERROR, HTML,
         "<h1>Error</h1><p>Error displaying the error page: Could not connect to MySQL.</p>", "dependency"),
    Page("vBulletin, its database", "vBulletin", UNAVAILABLE, HTML,
         "<title>Database Error</title><p>The database has encountered a problem.</p>", "dependency"),
    Page("MediaWiki, no database", "MediaWiki source", ERROR, HTML,
         "<h1>Sorry! This site is experiencing technical difficulties.</h1><p>Try waiting a few minutes and "
         "reloading.</p><p><small>(Cannot access the database)</small></p>", "dependency"),
    Page("SAP, no server", "SAP notes", UNAVAILABLE, HTML,
         "<title>503 Service Unavailable</title><h1>Service cannot be reached</h1><p>Application server not "
         "running. Dispatcher running but no server connected!</p>", "not_started unhealthy"),
    Page("WebSphere, no virtual host", "IBM docs", "404 Not Found", HTML,
         "SRVE0255E: A WebGroup/Virtual Host to handle /shop has not been defined.", "misconfigured moved"),
    Page("Zscaler, blocked", "Zscaler docs", "403 Forbidden", HTML,
         "<title>Internet Security by Zscaler</title><p>Sorry, you don't have permission to visit "
         "this site.</p>"
         "<p>Not allowed to browse Online Shopping category. You see this page because of your "
         "organization's "
         "security policy.</p>", "blocked"),
    Page("Imunify360", "Imunify360 docs", "403 Forbidden", JSON,
         '{"message":"Access denied by Imunify360 bot-protection. IPs used for automation should be '
         'whitelisted"}', "blocked"),
    Page("Radware", "Radware docs", "403 Forbidden", HTML,
         "<title>Unauthorized Request Blocked</title><h1>Unauthorized Activity Has Been Detected</h1><p>Case "
         "Number: 12345</p>", "blocked"),
    Page("A country that is refused", "a shop", "403 Forbidden", HTML,
         "<h1>403</h1><p>This content is not available in your country.</p>", "blocked"),
    Page("Zoraxy, offline", "a public report", "521 ", HTML,
         "<title>521 - Web server is down</title><h1>Host is offline</h1>", "not_started"),
    Page("Jellyfin, it starts", "Jellyfin source", UNAVAILABLE, HTML,
         "<p>The server is currently starting or is temporarily not available.</p>", "not_started"),
    Page("Synapse, limited", "Matrix", "429 Too Many Requests", JSON,
         '{"errcode":"M_LIMIT_EXCEEDED","error":"Too Many Requests","retry_after_ms":2000}', "overload"),
    Page("Let's Encrypt, busy", "Boulder source", UNAVAILABLE, "application/problem+json",
         '{"type":"urn:ietf:params:acme:error:rateLimited","detail":"Service busy; retry '
         'later.","status":503}',
         "overload"),
    Page("ORDS, its pool", "Oracle docs", UNAVAILABLE, HTML,
         "<h1>503 Service Unavailable</h1><p>The connection pool named: |default|lo| is not correctly "
         "configured, due to the following error(s): Exception occurred while getting connection: "
         "Listener refused the connection</p>", "dependency db_connections misconfigured"),
    Page("decoy: a footer about maintenance", "a shop", ERROR, HTML,
         "<title>Error</title><h1>Oops, something went wrong</h1><p>Our team has been "
         "notified.</p><footer>Tips: "
         "car maintenance, pool cleaning, connection guide</footer>", "error"),
    Page("decoy: a login page", "a shop", "200 OK", HTML,
         "<title>Log in</title><form><label>Email<input></label></form><p>Protected by reCAPTCHA. Scheduled "
         "maintenance is every Sunday.</p>", "content"),
    Page("decoy: an article about a database", "a blog", "200 OK", HTML,
         "<title>How we survived when our database ran out of connections</title><p>On Monday our "
         "database was "
         "down and everyone was overloaded.</p>", "content"),
    Page("decoy: an article that is gone", "a blog", "404 Not Found", HTML,
         "<title>Not found</title><p>Popular: Why is my server overloaded? Fix: could not connect to the "
         "database.</p>", "moved"),
    Page("decoy: a unique constraint", "Django", ERROR, TEXT,
         "django.db.utils.IntegrityError: UNIQUE constraint failed: shop_order.number", "error"),
    Page("decoy: a missing column", "psycopg", ERROR, TEXT,
         'psycopg.errors.UndefinedColumn: column "price" of relation "orders" does not exist', "error"),
    Page("decoy: a key error", "Python", ERROR, TEXT, "KeyError: 'database'", "error"),
    Page("decoy: undefined connections", "Node", ERROR, TEXT,
         "TypeError: Cannot read properties of undefined (reading 'connections')", "error"),
    Page("decoy: nil in Ruby", "Rails", ERROR, TEXT,
         "NoMethodError: undefined method `connection' for nil:NilClass", "error"),
    Page("decoy: a limit in a query", "an API", "400 Bad Request", JSON,
         '{"error":"Invalid value for limit: maximum of 100 exceeded"}', "rejected"),
    Page("decoy: a queue's name", "an API", "422 Unprocessable Content", JSON,
         '{"detail":"queue must be one of: mail, search, cache"}', "rejected"),
    Page("decoy: an expired token", "an API", "401 Unauthorized", JSON,
         '{"error":"The token has expired. Connect again."}', "unauthorized"),
    Page("decoy: API Gateway, no token", "AWS docs", "403 Forbidden", JSON,
         '{"message":"Missing Authentication Token"}', "unauthorized moved"),
    Page("decoy: an apology for anything", "a shop", UNAVAILABLE, HTML,
         "<title>Sorry</title><h1>We're having trouble</h1><p>It may be planned maintenance, or too many "
         "visitors, or our database. See our status page.</p>"),
    Page("decoy: nothing but sorry", "a shop", UNAVAILABLE, HTML,
         "<title>Sorry</title><h1>This page isn't working right now</h1><p>We know about it.</p>"),
    Page("decoy: all is well but this", "a shop", ERROR, HTML,
         "<h1>Something went wrong</h1><p>Your cart and sessions are safe. Our other servers are up and "
         "running.</p>", "error"),
    Page("decoy: a word in a path", "an API", ERROR, JSON,
         '{"timestamp":"2026-11-01","status":500,"error":"Internal Server Error","path":"/api/maintenance/'
         'database/connections"}', "error"),
    Page("decoy: not found, default backend", "an API", "404 Not Found", JSON, '{"detail":"Not Found"}',
         "moved"),
    Page("decoy: bad input to a pool", "an API", ERROR, JSON,
         '{"error":"ValueError: swimming pool depth must be a number"}', "error"),
    Page("decoy: a list of bots", "an API", "403 Forbidden", JSON,
         '{"error":"You need the role editor to rename robots"}', "unauthorized"),
)  # fmt: skip
