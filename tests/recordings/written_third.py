"""A third sample of what unknown applications say, by searches that the first two did not make, and decoys.

Written and labelled after the rules had been mended from the second sample, and before any rule was tried on
it: docs/probes.md has that figure.
"""

from tests.recordings.written import HTML, Page
from tests.recordings.written_again import ERROR, GATEWAY, SLOW, UNAVAILABLE, page

Body = dict[str, object] | str


def _nuxt(text: str) -> Body:
    return {"error": True, "url": "http://shop.example/api", "statusCode": 503, "statusMessage": text,
            "message": text}  # fmt: skip


def _spring(text: str) -> Body:
    return {"timestamp": "2026-11-28T10:00:00.000+00:00", "status": 503, "error": "Service Unavailable",
            "message": text, "path": "/api/orders"}  # fmt: skip


def _problem(title: str, status: int = 503, **more: object) -> Body:
    return {"type": "https://tools.ietf.org/html/rfc9110#section-15.6.4", "title": title, "status": status,
            **more}  # fmt: skip


SAID: tuple[tuple[str, str, str, Body], ...] = (
    ("Servlet", UNAVAILABLE, "deploy not_started crash", _spring("Request interrupted")),
    ("Servlet", UNAVAILABLE, "misconfigured", _spring("Write auth secret is not configured")),
    ("Servlet", UNAVAILABLE, "misconfigured", "Unlicensed"),
    ("Servlet", UNAVAILABLE, "not_started", _spring("console services not initialised")),
    ("Servlet", UNAVAILABLE, "dependency", _spring("Authentication unavailable")),
    ("Servlet", UNAVAILABLE, "", _spring("SERVICE TEMPORARILY UNAVAILABLE")),
    ("Servlet", UNAVAILABLE, "dependency", _spring("Authenticate service is not available")),
    ("FastAPI", UNAVAILABLE, "dependency", {"detail": "Knowledge base temporarily unavailable"}),
    ("FastAPI", UNAVAILABLE, "dependency", {"detail": "Redis is not available"}),
    ("Nuxt", UNAVAILABLE, "error dependency", _nuxt("apf_due_candidate_invalid")),
    ("Nuxt", UNAVAILABLE, "dependency", _nuxt("Database not available")),
    ("Nuxt", UNAVAILABLE, "dependency", _nuxt("Unable to verify purchase access.")),
    ("Nuxt", UNAVAILABLE, "dependency", _nuxt("Sitemap temporarily unavailable")),
    ("Nuxt", UNAVAILABLE, "misconfigured", _nuxt("Protokoll-lagring er ikke konfigurert")),
    ("Nuxt", UNAVAILABLE, "misconfigured", _nuxt("Discord sign-in is not configured on this server.")),
    ("Nuxt", UNAVAILABLE, "misconfigured", _nuxt("Calendar token encryption is not configured")),
    ("Nuxt", UNAVAILABLE, "dependency", _nuxt("Walking routes are unavailable right now")),
    ("Nuxt", UNAVAILABLE, "dependency", _nuxt("星盘计算服务不可用：fetch failed")),
    ("Node", GATEWAY, "dependency dns",
     {"ok": False, "error": "Connection failed: getaddrinfo ENOTFOUND shop.atlassian.example"}),
    ("Node", GATEWAY, "dependency crash not_started",
     {"error": "Bad Gateway", "message": "Proxy bypass failed"}),
    ("Node", GATEWAY, "not_started dependency",
     {"error": "notes: connect ECONNREFUSED 127.0.0.1:4102", "code": "module_unreachable"}),
    ("Node", GATEWAY, "not_started dependency network",
     {"jsonrpc": "2.0", "error": {"code": -32001, "message": "upstream unreachable"}}),
    ("Node", GATEWAY, "dependency not_started", "Preview API unavailable"),
    ("Node", GATEWAY, "dependency", "Image unavailable: HTTP 404"),
    ("Node", GATEWAY, "dependency", {"error": "Log forwarding failed"}),
    ("Node", GATEWAY, "dependency", {"error": "Email send failed"}),
    ("Fastify", UNAVAILABLE, "misconfigured",
     {"error": "Outbound calls not configured", "detail": "Twilio credentials not set"}),
    ("Express", UNAVAILABLE, "not_started", "Browser not initialized."),
    ("Fastify", UNAVAILABLE, "misconfigured", {"error": "Service not configured"}),
    ("n8n", UNAVAILABLE, "", {"status": "error"}),
    ("n8n", UNAVAILABLE, "not_started", "n8n is starting up. Please wait"),
    ("Express", UNAVAILABLE, "dependency", "Ingen kontakt med databasen. Är Docker startad?"),
    ("Fastify", UNAVAILABLE, "error deploy dependency", {"error": "The local update failed."}),
    ("Express", UNAVAILABLE, "overload", "Crypto queue saturated. Retry-After: 1"),
    ("aiohttp", UNAVAILABLE, "misconfigured dependency", {"error": "capability_unavailable"}),
    ("aiohttp", "503 Greeter is not running", "not_started", "503: Greeter is not running"),
    ("aiohttp", "503 Demo fleet unavailable", "not_started dependency", "503: Demo fleet unavailable"),
    ("aiohttp", UNAVAILABLE, "misconfigured not_started",
     "503: No catalog loaded; start dscensor with --catalog /path/to/catalog.json"),
    ("Pyramid", UNAVAILABLE, "deploy",
     "Assembl is down for maintenance. We'll be back in a few minutes."),
    ("aiohttp", UNAVAILABLE, "misconfigured dependency", "payments are unavailable"),
    ("Falcon", UNAVAILABLE, "",
     {"title": "Service Outage", "description": "Aliens have attacked our base! We will be back as soon as "
      "we fight them off. We appreciate your patience."}),
    ("Express", GATEWAY, "dependency", {"error": "Fandom API error"}),
    ("Express", GATEWAY, "dependency", {"error": "Could not verify OTP"}),
    ("Express", GATEWAY, "dependency not_started", {"error": "N8N_UNREACHABLE", "detail": "fetch failed"}),
    ("Express", GATEWAY, "dependency", {"success": False, "error": "storage 503"}),
    ("Express", GATEWAY, "dependency", {"error": "Fiber search failed"}),
    ("Express", GATEWAY, "dependency",
     {"success": False, "error": "PROVIDER_ERROR", "message": "Insufficient balance"}),
    ("Express", GATEWAY, "dependency", {"error": "Could not send your message. Please try again."}),
    ("Express", GATEWAY, "dependency", {"error": "لم تصل نتيجة من الذكاء الاصطناعي."}),
    ("Express", GATEWAY, "dependency",
     {"error": "MySQL sync failed: connect ETIMEDOUT. Status tetap PENDING."}),
    ("Express", GATEWAY, "dependency", {"error": "Groq API error", "detail": '{"error":{"code":"x"}}'}),
    ("Express", SLOW, "stuck dependency", {"error": "Тайм-аут синтеза речи"}),
    ("Express", UNAVAILABLE, "dependency", {"error": "Ошибка синтеза речи", "details": "socket hang up"}),
    ("Express", SLOW, "stuck dependency", {"message": "Queue request timeout"}),
    ("Express", SLOW, "stuck dependency", {"error": "Try-on processing timed out. Please try again."}),
    ("Express", SLOW, "stuck", {"error": "Timeout na requisição"}),
    ("Express", GATEWAY, "dependency not_started", {"message": "Gagal terhubung ke upstream"}),
    ("Express", SLOW, "stuck dependency",
     {"error": "The AI is taking too long to research and write. Please try a shorter word count."}),
    ("Express", SLOW, "dependency stuck",
     {"error": "Gateway Timeout", "message": "No response received from AlphaVantage API"}),
    ("ASP.NET", UNAVAILABLE, "dependency", _problem("The GraphRAG roadmap service is unavailable.")),
    ("ASP.NET", GATEWAY, "dependency crash",
     _problem("The GraphRAG roadmap service returned an invalid response.", 502)),
    ("ASP.NET", UNAVAILABLE, "", {"status": "unavailable", "healthy": False, "staleAfterMinutes": 15}),
    ("ASP.NET", UNAVAILABLE, "dependency",
     {"status": "not_ready", "environment": "production", "reason": "database_unavailable"}),
    ("ASP.NET", UNAVAILABLE, "dependency not_started",
     _problem("Dịch vụ chưa sẵn sàng.",
              detail="API đang hoạt động nhưng chưa kết nối được SQL Server.")),
    ("ASP.NET", UNAVAILABLE, "dependency", _problem("Unable to load robotics news.", detail="Refused")),
    ("ASP.NET", UNAVAILABLE, "misconfigured",
     _problem("Azure AD 未設定", detail="請於 appsettings.json 裡填入 AzureAd:TenantId。")),
    ("Plug", UNAVAILABLE, "not_started dependency", "not ready"),
    ("Plug", UNAVAILABLE, "dependency", "Attachment storage temporarily unavailable"),
    ("Plug", UNAVAILABLE, "not_started", "loading"),
    ("Plug", UNAVAILABLE, "dependency not_started", "not ready\nrepo: :econnrefused"),
    ("Plug", UNAVAILABLE, "overload",
     "Sorry! We are encountering overload on our services. :( Come back later!"),
    ("decoy", ERROR, "error", {"error": "Email is already connected to another account"}),
    ("decoy", ERROR, "error", 'Error: invalid input syntax for type uuid: "maintenance"'),
    ("decoy", "400 Bad Request", "rejected unauthorized", {"error": "API key missing"}),
    ("decoy", "404 Not Found", "moved", {"error": "Model not found"}),
    ("decoy", ERROR, "error",
     "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ("decoy", ERROR, "error", "sqlite3.IntegrityError: NOT NULL constraint failed: users.email"),
    ("decoy", ERROR, "error", "AttributeError: 'NoneType' object has no attribute 'connect'"),
    ("decoy", ERROR, "error", "ValueError: time data '2026-13-01' does not match format '%Y-%m-%d'"),
    ("decoy", ERROR, "error",
     {"error": "Failed to load resource: the server responded with a status of 404"}),
)  # fmt: skip
DECOYS = (
    Page("decoy of the third: closed", "a shop", UNAVAILABLE, HTML,
         "<h1>Temporarily closed</h1><p>Our shop opens on Monday.</p>"),
    Page("decoy of the third: no money taken", "a shop", ERROR, HTML,
         "<h1>Server error</h1><p>We've logged this and will fix it as soon as we can. If you were paying, "
         "don't worry: no money has been taken.</p>", "error"),
    Page("decoy of the third: a status page", "a shop", "200 OK", HTML,
         "<title>Status</title><p>All systems operational. Past: the database outage of Monday is "
         "resolved.</p>", "content"),
)  # fmt: skip
PAGES = (*(page(100 + place, *row) for place, row in enumerate(SAID, 1)), *DECOYS)
