"""Clouds, CDNs, gateways and firewalls, as they document their own answers."""

from tests.recordings.written import HTML, JSON, PROBLEM, TEXT, Page

KONG = "https://github.com/Kong/kong/blob/master/kong/error_handlers.lua"
ALB = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html"
GATEWAY = "https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html"
AWS_WAF = "https://docs.aws.amazon.com/waf/latest/developerguide/waf-captcha-how-it-works.html"
CLOUDFLARE = (
    "https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/"
)
FASTLY = "https://www.fastly.com/documentation/guides/debugging/common-503-errors-fastly/"
AKAMAI = "https://techdocs.akamai.com/property-mgr/docs/error-codes"
ENVOY = "https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage"
TRAEFIK = "https://github.com/traefik/traefik/blob/master/pkg/proxy/httputil/proxy.go"
AZURE = "https://learn.microsoft.com/en-us/azure/application-gateway/http-response-codes"
AZURE_HOST = "https://learn.microsoft.com/en-us/azure/app-service/troubleshoot-http-502-http-503"
CLOUD_RUN = "https://cloud.google.com/run/docs/troubleshooting"
SQUID = "https://www.squid-cache.org/Doc/config/error_directory/"
HEROKU = "https://devcenter.heroku.com/articles/error-codes"
VERCEL = "https://vercel.com/docs/errors"
F5 = "https://my.f5.com/manage/s/article/K7825"
IMPERVA = "https://docs.imperva.com/bundle/cloud-application-security/page/troubleshooting/error-codes.htm"
RFC_9457 = "https://www.rfc-editor.org/rfc/rfc9457"
DIGITAL_OCEAN = "https://docs.digitalocean.com/support/why-does-my-app-return-503/"

SICK, BAD, LATE = "503 Service Unavailable", "502 Bad Gateway", "504 Gateway Timeout"
ELB = ("Server: awselb/2.0", "Date: Sat, 28 Nov 2026 02:00:00 GMT")
FLARE = ("Server: cloudflare", "CF-RAY: 8c1f0a2b9c0d-FRA")
CACHE = ("Via: 1.1 varnish", "X-Served-By: cache-fra-eddf8230099-FRA", "X-Cache: MISS", "Retry-After: 0")
EDGE_BODY = "upstream connect error or disconnect/reset before headers. "


def _elb(words: str) -> str:
    return (
        f"<html>\r\n<head><title>{words}</title></head>\r\n<body>\r\n<center><h1>{words}</h1></center>\r\n"
        "</body>\r\n</html>\r\n"
    )


def _kong(words: str) -> str:
    return f'{{\n  "message":"{words}",\n  "request_id":"7a1d6c1d2e4f5a3b8e2d9c0f1a2b3c4d"\n}}'


def _akamai(title: str, words: str, reference: str) -> str:
    return (
        f"<HTML><HEAD>\n<TITLE>{title}</TITLE>\n</HEAD><BODY>\n<H1>{title}</H1>\n{words}<P>\n"
        f"Reference&#32;&#35;{reference}&#46;7e9a1cb8&#46;1700000000&#46;1a2b3c4d\n</BODY>\n</HTML>\n"
    )


def _flare(code: int, words: str) -> str:
    return (
        f"<!DOCTYPE html><html><head><title>shop.example | {code}: {words}</title></head><body><div "
        f'id="cf-wrapper"><h1><span>{words}</span> <span>Error code {code}</span></h1></div></body></html>'
    )


PAGES = (
    Page("ALB, the target closed the connection", ALB, BAD, "text/html", _elb(BAD), "crash not_started", ELB),
    Page("ALB, the target did not respond", ALB, "504 Gateway Time-out", "text/html",
         _elb("504 Gateway Time-out"), "stuck", ELB, 2.0),
    Page("ALB, its firewall denies", ALB, "403 Forbidden", "text/html", _elb("403 Forbidden"), "blocked",
         ELB),
    Page("AWS WAF, captcha", AWS_WAF, "405 Method Not Allowed", HTML,
         "<!DOCTYPE html><html><head><title>Human Verification</title></head><body></body></html>", "blocked",
         (*ELB, "x-amzn-waf-action: captcha")),
    Page("AWS WAF, challenge", AWS_WAF, "202 Accepted", HTML, "", "blocked",
         (*ELB, "x-amzn-waf-action: challenge")),
    Page("API Gateway, its integration failed", GATEWAY, BAD, JSON, '{"message": "Internal server error"}',
         "error crash", ("x-amzn-ErrorType: InternalServerErrorException", "x-amzn-RequestId: 6d1d2e")),
    Page("API Gateway, its integration timed out", GATEWAY, LATE, JSON,
         '{"message": "Endpoint request timed out"}', "stuck", ("x-amzn-RequestId: 6d1d2e",), 2.9),
    Page("API Gateway, throttled", GATEWAY, "429 Too Many Requests", JSON, '{"message":"Too Many Requests"}',
         "overload", ("x-amzn-ErrorType: TooManyRequestsException",)),
    Page("Kong, no peer", KONG, "503 Service Temporarily Unavailable", JSON,
         _kong("failure to get a peer from the ring-balancer"), "unhealthy", ("Server: kong/3.4.2",)),
    Page("Kong, invalid response", KONG, BAD, JSON,
         _kong("An invalid response was received from the upstream server"), "not_started crash",
         ("Server: kong/3.4.2", "X-Kong-Proxy-Latency: 3", "X-Kong-Upstream-Latency: 1")),
    Page("Kong, time-out", KONG, "504 Gateway Time-out", JSON, _kong("The upstream server is timing out"),
         "stuck", ("Server: kong/3.4.2", "X-Kong-Upstream-Latency: 2001"), 2.0),
    Page("Kong, no such name", KONG, "503 Service Temporarily Unavailable", JSON,
         _kong("name resolution failed"), "dns", ("Server: kong/3.4.2",)),
    Page("Kong, rate limit", KONG, "429 Too Many Requests", JSON, _kong("API rate limit exceeded"),
         "overload",
         ("Server: kong/3.4.2", "RateLimit-Remaining: 0", "Retry-After: 12")),
    Page("Cloudflare 520", CLOUDFLARE, "520 ", HTML, _flare(520, "Web server is returning an unknown error"),
         "crash", FLARE),
    Page("Cloudflare 523", CLOUDFLARE, "523 ", HTML, _flare(523, "Origin is unreachable"), "network dns",
         FLARE),
    Page("Cloudflare 524", CLOUDFLARE, "524 ", HTML, _flare(524, "A timeout occurred"), "stuck", FLARE, 1.0),
    Page("Cloudflare 1016", CLOUDFLARE, "530 ", HTML, "error code: 1016", "dns", FLARE),
    Page("Cloudflare 1020", CLOUDFLARE, "403 Forbidden", HTML, "error code: 1020", "blocked", FLARE),
    Page("Cloudflare 1015", CLOUDFLARE, "429 Too Many Requests", HTML, "error code: 1015", "overload blocked",
         (*FLARE, "Retry-After: 60")),
    Page("Cloudflare passes an origin's bare 503", CLOUDFLARE, SICK, HTML, "", "",
         (*FLARE, "cf-cache-status: DYNAMIC")),
    Page("Fastly, backend read error", FASTLY, "503 backend read error", HTML,
         "<h1>Error 503 backend read error</h1><p>Guru Mediation:</p>", "crash stuck", CACHE),
    Page("Fastly, all backends failed", FASTLY, "503 All backends failed or unhealthy", HTML,
         "<h1>Error 503 All backends failed or unhealthy</h1>", "unhealthy", CACHE),
    Page("Fastly, max_conn", FASTLY, "503 backend.max_conn reached", HTML,
         "<h1>Error 503 backend.max_conn reached</h1>", "overload", CACHE),
    Page("Akamai, zero size object", AKAMAI, SICK, "text/html",
         _akamai("Service Unavailable - Zero size object", "The server is temporarily unable to service your "
                 "request. Please try again later.", "15"), "crash", ("Server: AkamaiGHost",)),
    Page("Akamai, DNS failure", AKAMAI, SICK, "text/html",
         _akamai("Service Unavailable - DNS failure", "The server is temporarily unable to service your "
                 "request. Please try again later.", "11"), "dns", ("Server: AkamaiGHost",)),
    Page("Akamai, gateway time-out", AKAMAI, "504 Gateway Time-out", "text/html",
         _akamai("Gateway Timeout", "The proxy server did not receive a timely response from the upstream "
                 "server.", "1"), "stuck", ("Server: AkamaiGHost",), 2.0),
    Page("Envoy, connection timeout", ENVOY, SICK, "text/plain",
         f"{EDGE_BODY}reset reason: connection timeout", "network", ("server: envoy",), 1.0),
    Page("Envoy, a certificate is refused", ENVOY, SICK, "text/plain",
         f"{EDGE_BODY}retried and the latest reset reason: remote connection failure, transport failure "
         "reason: TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:TLS_error_end",
         "certificate", ("server: istio-envoy",)),
    Page("Envoy, rate limit", ENVOY, "429 Too Many Requests", "text/plain", "local_rate_limited", "overload",
         ("x-envoy-ratelimited: true", "server: envoy")),
    Page("Envoy, access policy", ENVOY, "403 Forbidden", "text/plain", "RBAC: access denied",
         "blocked unauthorized", ("server: istio-envoy",)),
    Page("Envoy, time-out", ENVOY, LATE, "text/plain", "upstream request timeout", "stuck",
         ("server: istio-envoy",), 2.0),
    Page("Envoy passes a bare 503", ENVOY, SICK, TEXT, "Service Unavailable", "",
         ("server: envoy", "x-envoy-upstream-service-time: 3")),
    Page("Traefik, refused", TRAEFIK, BAD, TEXT, "Bad Gateway", "not_started"),
    Page("Traefik, time-out", TRAEFIK, LATE, TEXT, "Gateway Timeout", "stuck", (), 2.0),
    Page("Traefik, rate limit", TRAEFIK, "429 Too Many Requests", TEXT, "Too Many Requests", "overload",
         ("Retry-After: 1", "X-Retry-In: 1s")),
    Page("Azure Application Gateway, no healthy backend", AZURE, BAD, "text/html",
         "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway"
         "</h1></center>\r\n<hr><center>Microsoft-Azure-Application-Gateway/v2</center>\r\n</body>\r\n</html>",
         "unhealthy not_started crash", ("Server: Microsoft-Azure-Application-Gateway/v2",)),
    Page("Azure App Service, stopped", AZURE_HOST, "403 Site Disabled", "text/html",
         "<!DOCTYPE html><html><head><title>Web App - Unavailable</title></head><body><h1 id=\"unavailable\">"
         "Error 403 - This web app is stopped.</h1></body></html>", "not_started deploy",
         ("x-azure-ref: 0abc",)),
    Page("Azure Functions, not running", AZURE_HOST, SICK, TEXT, "Function host is not running.",
         "not_started", ("Request-Context: appId=cid-v1:1",)),
    Page("Azure Front Door, its origins", AZURE_HOST, SICK, "text/html",
         "<h2>Our services aren't available right now</h2><p>We're working to restore all "
         "services as soon as "
         "possible. Please check back soon.</p>", "", ("X-Azure-Ref: 0abc",)),
    Page("Cloud Run, no instance", CLOUD_RUN, "429 Too Many Requests", "text/html", "Rate exceeded.",
         "overload", ("Server: Google Frontend",)),
    Page("Cloud Run, malformed", CLOUD_RUN, SICK, TEXT,
         "The request failed because either the HTTP response was malformed or connection to "
         "the instance had "
         "an error.", "crash", ("Server: Google Frontend",)),
    Page("Google, no healthy backend", CLOUD_RUN, SICK, "text/plain", "no healthy upstream", "unhealthy",
         ("via: 1.1 google",)),
    Page("DigitalOcean, refused", DIGITAL_OCEAN, SICK, "text/plain",
         "upstream_reset_before_response_started{connection_failure,delayed_connect_error:_111}",
         "not_started", ("Server: cloudflare", "CF-RAY: 8c1f0a2b9c0d-FRA")),
    Page("Squid, refused", SQUID, SICK, HTML,
         "<!DOCTYPE html><html><head><title>ERROR: The requested URL could not be retrieved</title></head>"
         "<body><h1>ERROR</h1><h2>The requested URL could not be "
         "retrieved</h2><blockquote><p><b>Connection to"
         " 10.0.0.7 failed.</b></p></blockquote><p>The system returned: <i>(111) Connection refused</i></p>"
         "</body></html>", "not_started",
         ("Server: squid/6.6", "X-Squid-Error: ERR_CONNECT_FAIL 111", "Via: 1.1 edge (squid/6.6)")),
    Page("Squid, zero sized reply", SQUID, BAD, HTML,
         "<!DOCTYPE html><html><head><title>ERROR: The requested URL could not be retrieved</title></head>"
         "<body><p><b>Zero Sized Reply</b></p><p>Squid did not receive any data for this request.</p></body>"
         "</html>", "crash", ("Server: squid/6.6", "X-Squid-Error: ERR_ZERO_SIZE_OBJECT 0")),
    Page("Heroku, nothing listens", HEROKU, SICK, HTML,
         '<iframe src="//www.herokucdn.com/error-pages/application-error.html">', "not_started crash",
         ("Server: Cowboy", "Via: 1.1 vegur")),
    Page("Heroku, no such app", HEROKU, "404 Not Found", HTML,
         '<iframe src="//www.herokucdn.com/error-pages/no-such-app.html">', "moved", ("Server: Heroku",)),
    Page("Vercel, invocation failed", VERCEL, "500 Internal Server Error", TEXT,
         "A server error has "
         "occurred\n\nFUNCTION_INVOCATION_FAILED\n\nfra1::abcde-1700000000000-1a2b", "crash",
         ("Server: Vercel", "x-vercel-error: FUNCTION_INVOCATION_FAILED")),
    Page("Vercel, security checkpoint", VERCEL, "429 Too Many Requests", HTML,
         "<title>Vercel Security Checkpoint</title><p>We're verifying your browser</p>", "blocked",
         ("Server: Vercel", "x-vercel-mitigated: challenge")),
    Page("BIG-IP, rejected", F5, "200 OK", HTML,
         "<html><head><title>Request Rejected</title></head><body>The requested URL was rejected. Please "
         "consult with your administrator.<br><br>Your support ID is: "
         "7325982368923</body></html>", "blocked"),
    Page("Imperva, cannot connect", IMPERVA, SICK, "text/html",
         '<html><body><iframe src="/_Incapsula_Resource?CWUDNSAI=9&xinfo=9-1-0%200NNN%20RT(1)%20q(0%20-1%20-1'
         '%20-1)%20r(0%20-1)&incident_id=1&edet=8&cinfo=ffffffff">Request unsuccessful. Incapsula incident '
         "ID: 1-2</iframe></body></html>", "network blocked", ("X-Iinfo: 9-1-0 0NNN RT(1) q(0 -1 -1 -1)",)),
    Page("a problem document about connections", RFC_9457, SICK, PROBLEM,
         '{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"All database '
         'connections are in use."}', "db_connections"),
    Page("a problem document about a dependency", RFC_9457, SICK, PROBLEM,
         '{"type":"https://shop.example/errors/payment","title":"Payment provider is unreachable",'
         '"status":503,"detail":"connect ECONNREFUSED 10.0.0.7:443"}', "dependency"),
    Page("a problem document without a reason", RFC_9457, SICK, PROBLEM,
         '{"type":"about:blank","title":"Service Unavailable","status":503}', ""),
    Page("a problem document about load", RFC_9457, SICK, PROBLEM,
         '{"type":"about:blank","title":"Server is overloaded","status":503,"detail":"Load shedding is '
         'active; retry later."}', "overload", ("Retry-After: 5",)),
)  # fmt: skip

# A proxy's page with a time at which nothing round ends
PAGES += (
    Page("ALB, the target broke off after a while", ALB, BAD, "text/html", _elb(BAD), "crash", ELB, 0.6),
)
