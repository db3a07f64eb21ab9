"""What applications that nobody here knows say when they fail: a sample, not a choice.

The messages are what public source code answers with, in the order a search for each framework's way to
answer 502, 503, 504 or 429 gave them; the cause is the one that the code answers for. Written and labelled
before any rule was tried on them: docs/probes.md has that figure.
"""

import json

from tests.recordings.written import HTML, JSON, TEXT, Page

UNAVAILABLE, GATEWAY, SLOW = "503 Service Unavailable", "502 Bad Gateway", "504 Gateway Timeout"
FASTAPI, EXPRESS, NEST, SPRING = "a FastAPI application", "an Express application", "NestJS", "Spring"


def _json(place: str, source: str, status: str, truth: str, /, **body: object) -> Page:
    """A page named after its words."""
    text = str(body.get("detail") or body.get("message") or body.get("error") or body.get("code") or place)
    return Page(f"{place} {text[:60]}", source, status, JSON, json.dumps(body), truth)


def _nest(text: str, truth: str) -> Page:
    return _json("a NestJS answer:", NEST, UNAVAILABLE, truth, message=text, error="Service Unavailable",
                 statusCode=503)  # fmt: skip


def _flask(text: str, truth: str) -> Page:
    body = (
        f"<!doctype html>\n<title>503 Service Unavailable</title>\n<h1>Service "
        f"Unavailable</h1>\n<p>{text}</p>"
    )
    return Page(f"a Flask answer: {text[:60]}", "Flask", UNAVAILABLE, HTML, body, truth)


def _text(text: str, status: str, truth: str) -> Page:
    return Page(f"plain text, {status[:3]}: {text[:60]}", "a server", status, TEXT, text + "\n", truth)


def _fastapi(status: str, truth: str, text: str) -> Page:
    return _json(f"a FastAPI answer, {status[:3]}:", FASTAPI, status, truth, detail=text)


def _express(truth: str, /, **body: object) -> Page:
    return _json("an Express answer:", EXPRESS, UNAVAILABLE, truth, **body)


def _spring(truth: str, /, **body: object) -> Page:
    return _json("a Spring answer:", SPRING, UNAVAILABLE, truth, **body)


PAGES = (
    _fastapi(UNAVAILABLE, "deploy misconfigured dependency",
             "Leaderboard settings aren't available yet — run migration 004."),
    _fastapi(UNAVAILABLE, "not_started", "模型未就绪"),
    _fastapi(UNAVAILABLE, "not_started", "QA Agent not initialized"),
    _fastapi(UNAVAILABLE, "dependency", "Could not connect to Redis."),
    _fastapi(UNAVAILABLE, "misconfigured moved deploy", "This endpoint has been disabled"),
    _fastapi(UNAVAILABLE, "not_started", "Service not initialized"),
    _fastapi(UNAVAILABLE, "misconfigured moved deploy", "AI Coach disabled"),
    _fastapi(UNAVAILABLE, "not_started", "Model is not loaded"),
    _fastapi(UNAVAILABLE, "misconfigured", "Emergency endpoint not configured"),
    _fastapi(UNAVAILABLE, "not_started", "Hybrid model not loaded. Check backend logs."),
    _express("misconfigured", error="MVPM_OWNER_TOKEN no configurada."),
    _express("dependency", message="Database not available",
             error="Cannot connect to database. Please check MongoDB connection."),
    _express("misconfigured dependency",
             error="Email signup service is currently unavailable. Supabase not configured."),
    _express("misconfigured moved deploy", error="Marketplace disabled"),
    _express("not_started", error="Model loading, please wait 20-30 seconds and try again."),
    _express("misconfigured", error="Cron access is not configured."),
    _express("dependency", error="Network status is temporarily unavailable"),
    _express("dependency", status="degraded", error="database_unavailable"),
    _express("misconfigured dependency not_started", success=False,
             message="Service RAG indisponible - dépendances manquantes", data=None),
    _text("Server not ready", UNAVAILABLE, "not_started"),
    _text("database unavailable", UNAVAILABLE, "dependency"),
    _text("unavailable", UNAVAILABLE, ""),
    _text("glyph module cannot be read: shop", UNAVAILABLE, "error misconfigured"),
    _json("Go, its runner:", "a Go server", UNAVAILABLE, "dependency not_started", status="connecting",
          connected=False),
    _json("Rust:", "an axum server", UNAVAILABLE, "not_started dependency",
          error="backtest manager unavailable"),
    _json("Rust, a health check:", "an axum server", UNAVAILABLE, "dependency", status="unhealthy",
          db="disconnected"),
    _json("Rust:", "an axum server", UNAVAILABLE, "misconfigured error", code="unsupported_capability",
          message="the host of blue cannot serve its engine log (too old); upgrade the host"),
    _json("Rust:", "an axum server", UNAVAILABLE, "misconfigured", error="Kiro API provider not configured"),
    _json("Rust:", "an axum server", UNAVAILABLE, "misconfigured",
          detail="ISSUANCE_API_KEY not configured on server"),
    _json("Rust:", "an axum server", UNAVAILABLE, "dependency", status="error",
          error="official_db_unavailable"),
    _json("Rust:", "an axum server", UNAVAILABLE, "crash not_started dependency unhealthy",
          error="GPU worker unavailable"),
    _flask("Receiver token is not configured", "misconfigured"),
    _flask("Samsung Wallet is not configured on this server.", "misconfigured"),
    _flask("Tabel pendaftaran belum tersedia. Jalankan: php artisan migrate --force",
           "deploy misconfigured dependency"),
    _flask("AI service not configured.", "misconfigured"),
    _json("Flask, it stops:", "Flask", UNAVAILABLE, "deploy not_started", message="The API is offline."),
    _nest("Agent not initialized", "not_started"),
    _nest("AI worker unavailable. Start Services/ai-assistant on port 8107 (local model, no API key). "
          "fetch failed", "dependency not_started"),
    _nest("BOSTA_TOKEN is not configured", "misconfigured"),
    _nest("Cannot access openweather service.", "dependency"),
    _nest("OIDC provider is disabled in development-headers mode", "misconfigured"),
    _nest("Mongo에 연결되지 않았습니다 (사내망 확인)", "dependency"),
    _json("NestJS:", NEST, UNAVAILABLE, "dependency", code="EVOLUTION_PROVIDER_UNAVAILABLE",
          message="Evolution temporariamente indisponivel para remover a instancia."),
    _nest("Worker task URL is not configured", "misconfigured"),
    _nest("Онлайн-оплата временно недоступна", "misconfigured dependency"),
    _nest("Service Unavailable Exception", ""),
    _fastapi(GATEWAY, "dependency network", "Coinbase request failed: <urlopen error timed out>"),
    _fastapi(GATEWAY, "dependency network", "Network error while fetching page: HTTPSConnectionPool("
             "host='shop.example', port=443): Max retries exceeded with url: /"),
    _fastapi(GATEWAY, "dependency", "Failed to verify access token with Supabase"),
    _fastapi(GATEWAY, "dependency", "poster fetch failed"),
    _fastapi(GATEWAY, "dependency", "AI risk engine unavailable, please retry"),
    _fastapi(GATEWAY, "dependency overload", "GraphHopper error (429): Minutely API limit reached"),
    _fastapi(GATEWAY, "dependency stuck", "AI 生成失败：timed out"),
    _fastapi(GATEWAY, "dependency overload", "Erreur MinIO : S3 operation failed; code: SlowDown"),
    _fastapi(GATEWAY, "dependency", "OANDA candles error: 503 Service Unavailable"),
    _fastapi(SLOW, "stuck dependency", "Backend service timeout"),
    _fastapi(GATEWAY, "dependency not_started", "Backend service unavailable"),
    _fastapi(SLOW, "stuck dependency", "The AI took too long to respond. Try a shorter question."),
    _fastapi(SLOW, "dependency stuck", "La API del Senado no respondió a tiempo"),
    _fastapi(SLOW, "stuck dependency", "Service timeout"),
    _fastapi(SLOW, "stuck", "Pipeline timeout (>10min)"),
    _fastapi(SLOW, "stuck dependency", "git pull timed out"),
    _fastapi(SLOW, "stuck", "응답 시간 초과"),
    _fastapi(SLOW, "dependency stuck", "Ollama timed out (read limit 120s). Increase "
             "JOBINBOX_OLLAMA_TIMEOUT_S or reduce email body size."),
    _spring("misconfigured", status=503, error="Service Unavailable", message="Webhook not configured"),
    _spring("misconfigured", status=503, error="Service Unavailable", message="Nenhum modelo de IA ativo"),
    _spring("dependency", message="No live jobs available from any source right now."),
    _spring("dependency", success=False, code="UPLOAD_STORAGE_UNAVAILABLE"),
    _spring("overload", code="SIGNUP_FULL", message="Sign-up is temporarily closed"),
    _spring("dependency", message="No se pudo conectar a la base de datos. Revisa la configuracion DB_* "
            "en el .env"),
    _text("Media server is busy", UNAVAILABLE, "overload"),
    _text("Can not connect to the database. Please try again later.", UNAVAILABLE, "dependency"),
    _text("Your application folder path does not appear to be set correctly. Please open the following "
          "file and correct this: index.php", "503 Service Unavailable.", "misconfigured"),
    _text("Service at port 8081 is unreachable.", GATEWAY, "not_started network"),
    _text("Proxy error: connect ECONNREFUSED", GATEWAY, "not_started dependency"),
    _text("502 Bad Gateway: No healthy backends available.", GATEWAY, "unhealthy"),
    Page("a forum's time-out", "a Go server", UNAVAILABLE, HTML,
         "<html>\n<head>\n<title>503 タイムアウトしました</title>\n</head>\n<body>\n"
         "<h1>タイムアウトしました。</h1>\n"
         "<p>プログラムのバグ、もしくはアクセス過多、もしくはサーバがぶっ壊れています。</p></body></html>",
         "stuck overload error"),
    Page("a hospital's page", "a Laravel application", UNAVAILABLE, HTML,
         "<!DOCTYPE html>\n<html lang=\"id\">\n<head>\n<title>503 - Sedang Dalam Pemeliharaan | "
         "RSUD</title>\n"
         "<style>*{margin:0}</style></head><body><h1>Situs Sedang Dalam Pemeliharaan</h1></body></html>",
         "deploy dependency"),
    Page("webmachine, overload or maintenance", "webmachine", UNAVAILABLE, HTML,
         "<html><head><title>503 Service Unavailable</title></head><body><h1>Service Unavailable</h1>The "
         "server is currently unable to handle the request due to a temporary overloading or maintenance of "
         "the server.<br><P><HR><ADDRESS>mochiweb+webmachine web server</ADDRESS></body></html>",
         "overload deploy"),
    Page("a university's page", "a template", UNAVAILABLE, HTML,
         "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<title>503 - Under Maintenance | Kingsford University"
         "</title>\n<script>x = 1</script></head><body><h1>We are improving things</h1></body></html>",
         "deploy"),
    Page("an own page of Laravel", "a Laravel application", UNAVAILABLE, HTML,
         "<!DOCTYPE html><html lang=\"en\"><head><title>503 - Service Unavailable</title></head><body><main>"
         "<h1>Error 503</h1><h2>Service Temporarily Unavailable</h2><p>Our systems are currently undergoing "
         "scheduled maintenance. Please check back shortly.</p></main></body></html>", "deploy"),
    Page("a WebDAV front end", "a WSGI application", "503 Backend problem", HTML,
         "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML "
         "2.0//EN\">\n<html><head>\n<title>503</title>\n</head><body>"
         "\n<h1>Backend problem</h1>\n<p>Backend connection failed.</p>\n</body></html>",
         "not_started dependency network"),
    _json("an envelope:", "an API's docs", UNAVAILABLE, "dependency", statusCode=503,
          message="A required dependency (Horizon/RPC/database) is unavailable; no write was applied.",
          errorCode="DEPENDENCY_UNAVAILABLE"),
    _json("Lambda:", "a Lambda function", UNAVAILABLE, "misconfigured not_started error",
          error="modèle introuvable : [Errno 2] No such file or directory: 'model.joblib'"),
    _json("Lambda:", "a Lambda function", UNAVAILABLE, "misconfigured not_started error dependency",
          error="model_unavailable", detail="No module named 'torch'"),
    _json("an agent's server:", "an API's docs", UNAVAILABLE, "not_started dependency",
          message="Failed to reach agent: No connection could be made because the target machine actively "
          "refused it"),
    _json("an envelope:", "an API's docs", UNAVAILABLE, "misconfigured", error="Assessment failed",
          message="Pronunciation assessment service chưa được cấu hình. Vui lòng kiểm tra biến môi trường."),
    _json("429:", EXPRESS, "429 Too Many Requests", "overload blocked", errors=["Limitation error"]),
    _json("429:", EXPRESS, "429 Too Many Requests", "overload", error="Demasiadas peticiones", retryAfter=30),
    _express("dependency misconfigured", error="D1 database not available"),
    _express("not_started misconfigured", error="Firebase Admin no está inicializado"),
    _express("misconfigured", error="ANTHROPIC_API_KEY is not configured"),
    _express("dependency", error="Database not available — check Postgres connection"),
    _express("misconfigured", error="Product image storage is not configured."),
    _express("dependency", error="TIGERweb returned HTML instead of JSON.", reason="resolution_unavailable"),
    _express("dependency", error="Cannot retrieve patient info since the DAL is unavailable"),
)  # fmt: skip
