"""A fourth sample of what unknown applications say, and a few gateways, that no rule was made with.

The figure in docs/probes.md for answers that no rule has seen is this one's. To keep it so, draw another
sample before mending a rule from this.
"""

from tests.recordings.written import HTML, Page
from tests.recordings.written_again import ERROR, GATEWAY, SLOW, UNAVAILABLE, page

Body = dict[str, object] | str


def _nest(text: str, status: int, error: str) -> Body:
    return {"message": text, "error": error, "statusCode": status}


def _bad_gateway(text: str) -> Body:
    return _nest(text, 502, "Bad Gateway")


def _late(text: str) -> Body:
    return _nest(text, 504, "Gateway Timeout")


def _failed(text: str) -> Body:
    return _nest(text, 500, "Internal Server Error")


SAID: tuple[tuple[str, str, str, Body], ...] = (
    ("Koa", UNAVAILABLE, "deploy misconfigured not_started",
     {"code": 503, "message": "errors.siteSuspended", "data": None}),
    ("Koa", UNAVAILABLE, "dependency error", {"success": False, "text": "Server failure. Try later?"}),
    ("Koa", UNAVAILABLE, "overload dependency", "暂时无法拉取到数据，请稍后再试。uid: 1"),
    ("Koa", UNAVAILABLE, "", {"success": False}),
    ("Koa", UNAVAILABLE, "error dependency", {"error": "Unable to queue job updateAllCardsLegacy: {}"}),
    ("Koa", UNAVAILABLE, "misconfigured", {"error": "metrics 未启用（未配置对应 token）"}),
    ("Python", UNAVAILABLE, "dependency not_started",
     {"error": "/rtabmap/set_mode is not available (is RTAB-Map running?)"}),
    ("Python", UNAVAILABLE, "dependency error crash", {"error": "Backend service returned 500"}),
    ("Python", UNAVAILABLE, "overload",
     {"detail": "지금 검색 요청이 몰려 있어요. 잠시 후 다시 시도해 주세요.",
      "code": "live_part_lookup_busy"}),
    ("Python", UNAVAILABLE, "dependency not_started",
     {"detail": "The service you are trying to connect to is not available"}),
    ("Python", UNAVAILABLE, "misconfigured", {"detail": "IRN API not configured"}),
    ("Python", UNAVAILABLE, "dependency", {"detail": "Neo4j connection to bolt://db:7687 failed."}),
    ("Python", UNAVAILABLE, "misconfigured",
     {"detail": "control-plane bootstrap credential is not configured"}),
    ("NestJS", GATEWAY, "dependency", _bad_gateway("Unable to fetch order")),
    ("NestJS", GATEWAY, "dependency", _bad_gateway("answer-service unreachable")),
    ("NestJS", GATEWAY, "dependency", _bad_gateway("Cognito token exchange failed")),
    ("NestJS", GATEWAY, "error rejected", _bad_gateway("INVALID_QUERY")),
    ("NestJS", GATEWAY, "", {"message": "Bad Gateway", "statusCode": 502}),
    ("NestJS", SLOW, "stuck dependency", _late("Transcription timed out")),
    ("NestJS", SLOW, "dependency stuck", _late("Google Sheets webhook timed out after 8000ms")),
    ("NestJS", SLOW, "stuck dependency", _late("Catalog service response timeout")),
    ("NestJS", SLOW, "dependency stuck network", _late("Failed to communicate with OneToOne")),
    ("NestJS", SLOW, "stuck dependency", _late("Upstream service timed out")),
    ("NestJS", SLOW, "stuck dependency",
     {"code": "OCR_TIMEOUT", "message": "Document OCR timed out. Please retry."}),
    ("NestJS", ERROR, "dependency", _failed("Error uploading object to S3")),
    ("NestJS", ERROR, "error", _failed("Failed to update username. Please try again later.")),
    ("NestJS", ERROR, "error", _failed("Unexpected error, check server logs")),
    ("NestJS", ERROR, "error", _failed("Error while find by email")),
    ("NestJS", ERROR, "error", _failed("Something terrible happen!!")),
    ("NestJS", ERROR, "error", _failed("Project created but cannot be loaded")),
    ("NestJS", ERROR, "misconfigured error", _failed("OpenAI API key was not provided.")),
    ("NestJS", ERROR, "error", _failed("Erro ao criar usuário")),
    ("NestJS", ERROR, "misconfigured", _failed("Image storage is not configured")),
    ("NestJS", ERROR, "error unauthorized rejected", _failed("Incorrect password!")),
    ("Go", UNAVAILABLE, "", "Service not available"),
    ("Actix", UNAVAILABLE, "dependency",
     {"success": False, "data": None, "message": "❌ Проблемы с подключением к БД"}),
    ("Actix", UNAVAILABLE, "", {"error": "Temporarily unavailable", "retryable": True}),
    ("Actix", UNAVAILABLE, "misconfigured deploy", {"error": "Slot blue disabled", "error_code": 503}),
    ("Actix", UNAVAILABLE, "dependency", "Connection refused (os error 111)"),
    ("Actix", UNAVAILABLE, "not_started", {"error": "service_not_ready"}),
    ("Actix", UNAVAILABLE, "overload",
     {"error": "rate_limited", "message": "The hub is limiting requests."}),
    ("Django", UNAVAILABLE, "deploy",
     {"code": "APP_MAINTENANCE", "message": "Aplicación en mantenimiento", "maintenance_end": None}),
    ("aiohttp", UNAVAILABLE, "misconfigured", {"error": "ingest secret not configured"}),
    ("Django", UNAVAILABLE, "misconfigured", {"error": "bot not configured"}),
    ("Python", UNAVAILABLE, "dependency",
     {"detail": "Place search is temporarily unavailable. Choose on the map or try again."}),
    ("aiohttp", UNAVAILABLE, "not_started", "Initializing data..."),
)  # fmt: skip
GATEWAYS = (
    Page("Kong, no route again", "Kong source", "404 Not Found", "application/json",
         '{"message":"no Route matched with those values"}', "misconfigured moved"),
    Page("Tyk, a lookup", "Tyk source", ERROR, "application/json",
         '{"error":"Upstream host lookup failed"}', "dns"),
    Page("KrakenD, its deadline", "KrakenD docs", ERROR, "text/plain", "context deadline exceeded",
         "stuck"),
    Page("oauth2-proxy, its upstream", "oauth2-proxy source", GATEWAY, HTML,
         "<title>502 Bad Gateway</title><h1>Bad Gateway</h1><p>There was a problem connecting to the "
         "upstream server.</p>", "not_started dependency network"),
    Page("authentik, it starts", "authentik source", UNAVAILABLE, HTML,
         "<title>authentik</title><h1>Failed to connect to authentik backend: authentik starting</h1>",
         "not_started"),
    Page("Plex, it starts", "a public report", UNAVAILABLE, "text/xml",
         '<?xml version="1.0"?><Response code="503" title="Maintenance" status="Plex Media Server is '
         'currently running startup maintenance tasks."/>', "not_started deploy"),
)  # fmt: skip
PAGES = (*(page(200 + place, *row) for place, row in enumerate(SAID, 1)), *GATEWAYS)
