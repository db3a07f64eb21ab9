"""What Google, meshes, gateways, smaller platforms and firewalls answer, labelled in advance."""

from tests.recordings.written import HTML, JSON, TEXT, Page

PAGES = (
    Page("Cloud Run, rate exceeded", "Cloud Run docs", "429 Too Many Requests", TEXT, "Rate exceeded.",
         "overload", ("Server: Google Frontend",)),
    Page("Cloud Run, request time-out", "Cloud Run docs", "504 Gateway Timeout", TEXT,
         "upstream request timeout", "stuck", ("Server: Google Frontend",)),
    Page("Cloud Run, not public", "Cloud Run docs", "403 Forbidden", HTML,
         "<title>403 Forbidden</title><h1>Error: Forbidden</h1><h2>Your client does not have "
         "permission to get URL <code>/</code> from this server.</h2>", "unauthorized blocked",
         ("Server: Google Frontend",)),
    Page("App Engine, over quota", "App Engine docs", "503 Service Unavailable", HTML,
         "<title>Over Quota</title><h1>Over Quota</h1> This application is temporarily over its "
         "serving quota. Please try again later.", "overload", ("Server: Google Frontend",)),
    Page("Google's balancer, a temporary error", "Cloud Load Balancing docs", "502 Bad Gateway", HTML,
         "<title>502 Server Error</title><h1>Error: Server Error</h1><h2>The server encountered a "
         "temporary error and could not complete your request.<p>Please try again in 30 seconds.</h2>",
         "unhealthy not_started crash stuck", ("Via: 1.1 google",)),
    Page("IAP, signed out", "IAP docs", "401 Unauthorized", HTML, "Invalid IAP credentials: empty token",
         "unauthorized", ("Server: Google Frontend",)),
    Page("Envoy, protocol error", "Envoy source", "502 Bad Gateway", TEXT,
         "upstream connect error or disconnect/reset before headers. reset reason: protocol error",
         "crash misconfigured", ("server: envoy",)),
    Page("Envoy, TLS towards a plain port", "Envoy source", "503 Service Unavailable", TEXT,
         "upstream connect error or disconnect/reset before headers. retried and the latest reset "
         "reason: remote connection failure, transport failure reason: TLS_error:|268435703:SSL "
         "routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end",
         "misconfigured certificate not_started", ("server: envoy",)),
    Page("Envoy, stream duration", "Envoy source", "504 Gateway Timeout", TEXT,
         "upstream max stream duration reached", "stuck", ("server: envoy",)),
    Page("Envoy, a token is over", "Envoy source", "401 Unauthorized", TEXT, "Jwt is expired",
         "unauthorized", ("server: envoy",)),
    Page("Envoy, an injected fault", "Envoy source", "503 Service Unavailable", TEXT, "fault filter abort",
         "", ("server: envoy",)),
    Page("Envoy, a remote reset", "Envoy source", "503 Service Unavailable", TEXT,
         "upstream connect error or disconnect/reset before headers. reset reason: remote reset", "crash",
         ("server: envoy",)),
    Page("Envoy, too many requests wait", "Envoy source", "503 Service Unavailable", TEXT,
         "upstream connect error or disconnect/reset before headers. reset reason: overflow", "overload",
         ("server: envoy",)),
    Page("Linkerd, nothing said", "Linkerd docs", "503 Service Unavailable", TEXT, ""),
    Page("Knative, its queue is full", "Knative source", "503 Service Unavailable", TEXT,
         "pending request queue full", "overload"),
    Page("Knative, no pod in time", "Knative source", "504 Gateway Timeout", TEXT,
         "activator request timeout", "stuck"),
    Page("Kubernetes API, no endpoints", "Kubernetes source", "503 Service Unavailable", JSON,
         '{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no endpoints available '
         'for service \\"shop\\"","reason":"ServiceUnavailable","code":503}', "unhealthy not_started"),
    Page("Kubernetes API, refused", "Kubernetes source", "503 Service Unavailable", JSON,
         '{"kind":"Status","apiVersion":"v1","status":"Failure","message":"error trying to reach '
         "service: dial tcp 10.1.2.3:8080: connect: connection "
         'refused","reason":"ServiceUnavailable","code":503}', "not_started dependency"),
    Page("Kubernetes API, no route", "Kubernetes source", "503 Service Unavailable", JSON,
         '{"kind":"Status","apiVersion":"v1","status":"Failure","message":"error trying to reach '
         'service: dial tcp 10.1.2.3:8080: i/o timeout","reason":"ServiceUnavailable","code":503}',
         "network stuck dependency"),
    Page("ingress-nginx, default backend", "ingress-nginx source", "404 Not Found", TEXT,
         "default backend - 404", "moved misconfigured"),
    Page("ingress-nginx, no endpoints", "ingress-nginx docs", "503 Service Temporarily Unavailable", HTML,
         "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n"
         "<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n"
         "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n", "unhealthy overload deploy"),
    Page("Traefik, no router", "Traefik source", "404 Not Found", TEXT, "404 page not found\n",
         "moved misconfigured", ("X-Content-Type-Options: nosniff",)),
    Page("Traefik, its circuit breaker", "Traefik source", "503 Service Unavailable", TEXT,
         "Service Unavailable"),
    Page("Kong, no key", "Kong source", "401 Unauthorized", JSON,
         '{"message":"No API key found in request"}', "unauthorized", ("Server: kong/3.7.1",)),
    Page("Kong, no route", "Kong source", "404 Not Found", JSON,
         '{"message":"no Route matched with those values","request_id":"0f1e2d"}', "moved misconfigured",
         ("Server: kong/3.7.1",)),
    Page("APISIX, no node", "APISIX source", "503 Service Temporarily Unavailable", JSON,
         '{"error_msg":"no valid upstream node"}', "unhealthy misconfigured", ("Server: APISIX/3.9.1",)),
    Page("APISIX, refused", "APISIX source", "502 Bad Gateway", HTML,
         "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad "
         "Gateway</h1></center><hr><center>openresty</center></body></html>", "not_started crash",
         ("Server: APISIX/3.9.1",)),
    Page("OpenResty, silent", "OpenResty", "504 Gateway Time-out", HTML,
         "<html><head><title>504 Gateway Time-out</title></head><body><center><h1>504 Gateway "
         "Time-out</h1></center><hr><center>openresty</center></body></html>", "stuck",
         ("Server: openresty",)),
    Page("Tengine, refused", "Tengine source", "502 Bad Gateway", HTML,
         "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad "
         "Gateway</h1></center> Sorry for the inconvenience.<br/>Please report this message and "
         "include the following information to us.<hr/>Powered by Tengine</body></html>",
         "not_started crash", ("Server: Tengine",)),
    Page("Tyk, cannot proxy", "Tyk source", "500 Internal Server Error", JSON,
         '{\n    "error": "There was a problem proxying the request"\n}', "not_started crash network error"),
    Page("Spring Cloud Gateway, no instance", "Spring source", "503 Service Unavailable", JSON,
         '{"timestamp":"2026-11-01T08:00:00Z","path":"/","status":503,"error":"Service '
         'Unavailable","message":"Unable to find instance for shop-service","requestId":"1f2e"}',
         "unhealthy not_started"),
    Page("Spring Cloud Gateway, too slow", "Spring source", "504 Gateway Timeout", JSON,
         '{"path":"/","status":504,"error":"Gateway Timeout","message":"Response took longer than '
         'timeout: PT3S"}', "stuck"),
    Page("Zuul, no server", "Netflix source", "500 Internal Server Error", JSON,
         '{"status":500,"error":"Internal Server '
         'Error","message":"com.netflix.client.ClientException: Load balancer does not have '
         'available server for client: shop"}', "unhealthy dependency"),
    Page("OpenShift, not available", "OpenShift source", "503 Service Unavailable", HTML,
         "<h1>Application is not available</h1><p>The application is currently not serving requests "
         "at this endpoint. It may not have been started or is still starting.</p>",
         "unhealthy not_started", ("Cache-Control: private, max-age=0, no-cache, no-store",)),
    Page("Cloud Foundry, endpoint failure", "gorouter source", "502 Bad Gateway", TEXT,
         "502 Bad Gateway: Registered endpoint failed to handle the request.\n", "crash not_started",
         ("X-Cf-Routererror: endpoint_failure",)),
    Page("Cloud Foundry, no endpoints", "gorouter source", "503 Service Unavailable", TEXT,
         "503 Service Unavailable: Requested route ('shop.example') has no available endpoints.\n",
         "unhealthy", ("X-Cf-Routererror: no_endpoints",)),
    Page("Cloud Foundry, unknown route", "gorouter source", "404 Not Found", TEXT,
         "404 Not Found: Requested route ('shop.example') does not exist.\n", "moved not_started",
         ("X-Cf-Routererror: unknown_route",)),
    Page("WebLogic, no backend", "Oracle docs", "503 Service Unavailable", HTML,
         "<TITLE>Weblogic Bridge Message</TITLE><H2>Failure of Web Server bridge:</H2><P>No backend "
         "server available for connection: timed out after 10 seconds or idempotent set to OFF or "
         "method not idempotent.", "unhealthy not_started"),
    Page("SAP Web Dispatcher, partner not reached", "SAP docs", "503 Service Unavailable", HTML,
         "<title>Service Unavailable</title><h1>503 Service Unavailable</h1><p>No server available "
         "to handle your request</p><p>Error: -6</p>", "unhealthy not_started",
         ("Server: SAP Web Dispatcher",)),
    Page("NetScaler, its service is down", "Citrix docs", "503 Service Unavailable", HTML,
         "<html><body><b>Http/1.1 Service Unavailable</b></body> </html>", "unhealthy not_started"),
    Page("Traffic Server, refused", "ATS source", "502 Connection refused", HTML,
         "<TITLE>Could Not Connect</TITLE><H1>Could Not Connect</H1><B>Description: Could not "
         "connect to the server.</B>", "not_started network", ("Server: ATS/9.2.4",)),
    Page("Traffic Server, no such host", "ATS source", "502 Cannot find server.", HTML,
         "<TITLE>Unknown Host</TITLE><H1>Unknown Host</H1><B>Description: Unable to locate the "
         'server named "<EM>app.internal</EM>" --- the server does not have a DNS entry.</B>', "dns",
         ("Server: ATS/9.2.4",)),
    Page("Traffic Server, silent", "ATS source", "504 Connection Timed Out", HTML,
         "<TITLE>Inactivity Timeout</TITLE><H1>Inactivity Timeout</H1><B>Description: Too much time "
         "has passed without sending any data for document.</B>", "stuck", ("Server: ATS/9.2.4",)),
    Page("Squid, no such name", "Squid source", "503 Service Unavailable", HTML,
         "<title>ERROR: The requested URL could not be retrieved</title><p>Unable to determine IP "
         "address from host name <q>app.internal</q></p>", "dns",
         ("Server: squid/5.7", "Via: 1.1 proxy (squid/5.7)", "X-Squid-Error: ERR_DNS_FAIL 0")),
    Page("Squid, read time-out", "Squid source", "504 Gateway Timeout", HTML,
         "<title>ERROR: The requested URL could not be retrieved</title><p>The system returned: "
         "<i>[No Error]</i></p><p>A Timeout occurred while waiting to read data from the network.</p>",
         "stuck", ("Server: squid/5.7", "Via: 1.1 proxy (squid/5.7)", "X-Squid-Error: ERR_READ_TIMEOUT 0")),
    Page("Squid, access denied", "Squid source", "403 Forbidden", HTML,
         "<title>ERROR: The requested URL could not be retrieved</title><p><b>Access "
         "Denied.</b></p><p>Access control configuration prevents your request from being allowed "
         "at this time.</p>", "blocked unauthorized",
         ("Server: squid/5.7", "Via: 1.1 proxy (squid/5.7)", "X-Squid-Error: ERR_ACCESS_DENIED 0")),
    Page("Netlify, a function's answer", "Netlify docs", "502 Bad Gateway", TEXT,
         "error decoding lambda response: error decoding lambda response: unexpected end of JSON input",
         "error crash", ("Server: Netlify",)),
    Page("Netlify, a function is too slow", "Netlify docs", "502 Bad Gateway", JSON,
         '{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 0f1e Error: Task timed out '
         'after 10.00 seconds"}', "stuck", ("Server: Netlify",)),
    Page("Netlify, usage limits", "Netlify docs", "503 Service Unavailable", HTML,
         "<title>Site not available</title><h1>Site not available</h1><p>This site was paused as it "
         "reached its usage limits. Please contact the site owner for more information.</p>", "overload",
         ("Server: Netlify",)),
    Page("Vercel, no deployment", "Vercel docs", "404 Not Found", TEXT,
         "The deployment could not be found on Vercel.\n\nDEPLOYMENT_NOT_FOUND\n\n"
         "fra1::x8k2h-1730448000", "moved", ("Server: Vercel", "X-Vercel-Error: DEPLOYMENT_NOT_FOUND")),
    Page("Vercel, throttled", "Vercel docs", "503 Service Unavailable", TEXT,
         "An error occurred with your deployment\n\nFUNCTION_THROTTLED\n\nfra1::x8k2h-1730448000",
         "overload", ("Server: Vercel", "X-Vercel-Error: FUNCTION_THROTTLED")),
    Page("Vercel, middleware failed", "Vercel docs", "500 Internal Server Error", TEXT,
         "A server error has occurred\n\nMIDDLEWARE_INVOCATION_FAILED\n\nfra1::x8k2h-1730448000",
         "crash error", ("Server: Vercel", "X-Vercel-Error: MIDDLEWARE_INVOCATION_FAILED")),
    Page("Vercel, a private address", "Vercel docs", "404 Not Found", TEXT,
         "An error occurred with your deployment\n\nDNS_HOSTNAME_RESOLVED_PRIVATE", "dns misconfigured",
         ("Server: Vercel", "X-Vercel-Error: DNS_HOSTNAME_RESOLVED_PRIVATE")),
    Page("Fly, no healthy instance", "Fly docs", "503 Service Unavailable", TEXT,
         "no known healthy instances found for route tcp/443. (hint: is your app shut down? is "
         "there an ongoing deployment with a volume or are you using the 'immediate' strategy?)",
         "unhealthy not_started", ("Server: Fly/c3a1d2 (2026-10-20)", "Fly-Request-Id: 01JB-fra")),
    Page("Fly, no candidate", "Fly docs", "502 Bad Gateway", TEXT,
         "could not find a good candidate within 90 attempts at load balancing", "unhealthy not_started",
         ("Server: Fly/c3a1d2 (2026-10-20)", "Fly-Request-Id: 01JB-fra")),
    Page("GitHub, a slow page", "GitHub", "503 Service Unavailable", HTML,
         "<title>Unicorn! &middot; GitHub</title><p><strong>We had issues producing the response to "
         "your request.</strong></p><p>Sorry about that. This page is taking too long to load.</p>",
         "stuck overload"),
    Page("GitHub Pages, no site", "GitHub docs", "404 Not Found", HTML,
         "<title>Site not found &middot; GitHub Pages</title><p><strong>There isn't a GitHub Pages "
         "site here.</strong>", "moved", ("Server: GitHub.com",)),
    Page("ngrok, offline", "ngrok docs", "404 Not Found", HTML,
         "<p>The endpoint shop.ngrok.app is offline.</p><p>ERR_NGROK_3200</p>", "not_started moved",
         ("ngrok-error-code: ERR_NGROK_3200",)),
    Page("ngrok, refused", "ngrok docs", "502 Bad Gateway", HTML,
         "<p>Traffic was successfully tunneled to the ngrok agent, but the agent failed to "
         "establish a connection to the upstream web service at http://localhost:8080. The error "
         "encountered was: dial tcp [::1]:8080: connect: connection refused</p><p>ERR_NGROK_8012</p>",
         "not_started", ("ngrok-error-code: ERR_NGROK_8012",)),
    Page("Incapsula, incident", "Imperva docs", "403 Forbidden", HTML,
         '<iframe id="main-iframe" src="/_Incapsula_Resource?CWUDNSAI=1">Request unsuccessful. '
         "Incapsula incident ID: 8710-1234</iframe>", "blocked"),
    Page("Sucuri, denied", "Sucuri docs", "403 Forbidden", HTML,
         "<title>Sucuri WebSite Firewall - Access Denied</title><h1>Access Denied - Sucuri Website "
         "Firewall</h1>", "blocked", ("Server: Sucuri/Cloudproxy",)),
    Page("Sucuri, its backend is gone", "Sucuri docs", "502 Bad Gateway", HTML,
         "<title>Backend or gateway connection error</title><h1>Backend or gateway connection "
         "error</h1><p>Sucuri Website Firewall</p>", "not_started network crash",
         ("Server: Sucuri/Cloudproxy",)),
    Page("DataDome, captcha", "DataDome docs", "403 Forbidden", JSON,
         '{"url":"https://geo.captcha-delivery.com/captcha/?initialCid=AHr&cid=x&t=fe"}', "blocked",
         ("Server: DataDome",)),
    Page("PerimeterX, denied", "HUMAN docs", "403 Forbidden", HTML,
         "<title>Access to this page has been denied</title><p>Access to this page has been denied "
         "because we believe you are using automation tools to browse the website.</p>", "blocked"),
    Page("ModSecurity, 406", "ModSecurity", "406 Not Acceptable", HTML,
         "<title>Not Acceptable!</title><h1>Not Acceptable!</h1><p>An appropriate representation of "
         "the requested resource could not be found on this server. This error was generated by "
         "Mod_Security.</p>", "blocked", ("Server: Apache",)),
    Page("Wordfence, limited", "Wordfence docs", "503 Service Unavailable", HTML,
         "<title>Your access to this site has been limited</title><h1>Your access to this site has "
         "been limited by the site owner</h1><p>Generated by Wordfence</p>", "blocked", ("Server: nginx",)),
    Page("FortiGate, blocked", "Fortinet docs", "403 Forbidden", HTML,
         "<title>Web Page Blocked</title><h1>FortiGuard Intrusion Prevention - Access "
         "Blocked</h1><h2>Web Page Blocked!</h2>", "blocked"),
)  # fmt: skip
