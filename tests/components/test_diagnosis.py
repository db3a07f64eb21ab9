"""What facts point to: the 503 night as a table, and answers that must not fool the rules."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.diagnosis import Facts, diagnose, made_by, proxy_status, reasons, timing
from components.diagnosis.documents import failing_parts
from components.diagnosis.timing import Pace
from components.outcomes import Failure

SLOWER = {"median_ms": 84.0, "last_ms": 1412.0}
WHOLE = {"http_version": "HTTP/1.1"}
NGINX_502 = "<html>\n<center><h1>502 Bad Gateway</h1></center>\n<hr><center>nginx/1.22.1</center>\n</html>"
HAPROXY_503 = "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n"
VARNISH = {"server": "Varnish", "x_varnish": "7", "reason": "Backend fetch failed", "retry_after": "5"}


@pytest.mark.parametrize(
    ("facts", "kinds"),
    [
        (Facts("status", 503), []),  # a bare 503 says nothing of why
        (Facts("status", 503, headers={"retry_after": "30"}), []),  # who sends it is not known
        (Facts("status", 503, headers={"retry_after": "30", "server": "gunicorn"}), ["overload"]),
        (Facts("status", 503, headers={"retry_after": "²", "server": "gunicorn"}), ["overload"]),
        (Facts("status", 503, headers={"retry_after": "9" * 99, "server": "gunicorn"}), []),
        (Facts("status", 503, **SLOWER), ["overload"]),
        (Facts("status", 503, excerpt="QueuePool limit of size 5 reached, database"), ["db_connections"]),
        (Facts("status", 500, excerpt="FATAL: remaining connection slots are reserved"), ["db_connections"]),
        (Facts("status", 503, excerpt='{"status": "fail", "redis": "down", "search": "ok"}'), ["dependency"]),
        (Facts("status", 503, excerpt='{"checks": {"cache": {"took": 3, "status": "error"}}}'),
         ["dependency"]),
        (Facts("refused"), ["not_started"]),
        (Facts("refused", deployed_s=1e9), ["not_started"]),
        (Facts("dns"), ["dns"]),
        (Facts("timeout_first_byte", **SLOWER), ["stuck", "overload"]),
        (Facts("assertion", 200, "The JSON path finds “fail”."), ["content"]),
        (Facts("tls", detail="The certificate has expired."), ["certificate"]),
        (Facts("reported", 200, "It reports that it is down: db.", headers={"failing": "db"}),
         ["dependency", "content"]),
        (Facts("limit", 200, "connections is 99, the limit is 90."), ["overload"]),
        (Facts("status", 503, excerpt="ok", failing_needs=("Database",)), ["dependency"]),
        (Facts("own_fault", detail="No resolver answers."), ["own_fault"]),
        (Facts("status", 401), ["unauthorized"]),
        (Facts("status", 404), ["moved"]),
        (Facts("status", 418), ["rejected"]),
        (Facts("status", 500), ["error"]),
        (Facts("status", 502, excerpt="Bad Gateway"), []),
        (Facts("status", 200), []),
        (Facts(""), []),
        (Facts("", is_maintained=True), ["deploy"]),
    ],
)  # fmt: skip
def test_facts_point_to_causes_best_first(facts, kinds):
    assert [cause.kind for cause in diagnose(facts)] == kinds


@pytest.mark.parametrize(
    ("took_ms", "kind"),
    [(2.0, "unhealthy"), (1003.0, "overload"), (3004.0, "not_started"), (612.0, "overload")],
)
def test_one_503_of_haproxy_is_told_apart_by_time(took_ms, kind):
    facts = Facts("status", 503, excerpt=HAPROXY_503, headers=WHOLE, first_byte_ms=took_ms, connect_ms=0.2)
    first, *_ = diagnose(facts)
    assert first.kind == kind
    assert not first.is_confident


@pytest.mark.parametrize(("took_ms", "kind"), [(3.0, "not_started"), (640.0, "crash")])
def test_one_502_of_nginx_is_told_apart_by_time(took_ms, kind):
    headers = WHOLE | {"server": "nginx/1.22.1", "reason": "Bad Gateway"}
    facts = Facts("status", 502, excerpt=NGINX_502, headers=headers, first_byte_ms=took_ms, connect_ms=0.2)
    first, *_ = diagnose(facts)
    assert first.kind == kind
    assert "nginx" in first.name


def test_a_slow_link_does_not_turn_at_once_into_later():
    """A far server: one round trip is in every first byte."""
    assert timing.pace(310.0, 280.0) is Pace.QUICK
    assert timing.pace(310.0, 1.0) is Pace.OTHER
    assert timing.limit_s(30_290.0, 280.0) == 30
    assert timing.limit_s(29_700.0, 1.0) is None
    assert timing.pace(None) is Pace.UNKNOWN


def test_retry_after_of_varnish_is_no_overload():
    facts = Facts("status", 503, excerpt="Guru Meditation", headers=WHOLE | VARNISH, first_byte_ms=608.0)
    assert diagnose(facts)[0].kind == "crash"


def test_a_proxys_own_word_ranks_over_every_fingerprint():
    headers = WHOLE | {"server": "nginx", "proxy_status": "edge; error=dns_error"}
    facts = Facts("status", 502, excerpt=NGINX_502, headers=headers, first_byte_ms=2.0)
    first, *_ = diagnose(facts)
    assert (first.kind, first.is_confident) == ("dns", True)
    assert "Proxy-Status" in first.because[0]


@pytest.mark.parametrize(
    ("text", "hops"),
    [
        ("cdn; error=connection_refused", [("cdn", "connection_refused", None)]),
        ('"a b, c";error=dns_error;details="x, y; z" , edge; received-status=503',
         [("a b, c", "dns_error", None), ("edge", "", 503)]),
        ("edge; next-hop=origin; http-request-denied", [("edge", "", None)]),
        ("edge; received-status=x", [("edge", "", None)]),
        ("", []), (";;;", []), ("a,,b", [("a", "", None)]), ('"open', []),
    ],
)  # fmt: skip
def test_proxy_status_is_read_as_structured_fields(text, hops):
    assert [(hop.name, hop.error, hop.received_status) for hop in proxy_status.parse(text)] == hops


@pytest.mark.parametrize(
    ("facts", "spelled"),
    [
        (Facts("status", 503), "unknown"),
        (Facts("status", 502, excerpt=NGINX_502, headers={"server": "nginx"}), "nginx"),
        (Facts("status", 503, excerpt="busy", headers={"server": "nginx"}), "an application behind nginx"),
        # nginx' page with the words of the origin: another nginx behind it
        (Facts("status", 503, excerpt=NGINX_502.replace("502", "503"),
               headers={"server": "nginx", "reason": "Service Unavailable"}), "an application behind nginx"),
        (Facts("status", 503, excerpt="busy", headers={"server": "uvicorn"}), "uvicorn"),
        (Facts("status", 503, headers={"x_varnish": "1"}), "an application behind Varnish"),
        (Facts("status", 503, headers={"server": "cloudflare", "cf_ray": "1"}),
         "an application behind Cloudflare"),
        (Facts("status", 522, headers={"server": "cloudflare", "cf_ray": "1"}), "Cloudflare"),
    ],
)  # fmt: skip
def test_who_made_the_answer(facts, spelled):
    assert made_by(facts).spelled == spelled


def test_a_deploy_is_named_by_a_marker_only_while_it_can_matter():
    fresh = Facts("status", 503, deployed_s=30.0, deploy="v41")
    assert [cause.kind for cause in diagnose(fresh)] == ["deploy"]
    assert "v41" in diagnose(fresh)[0].because[0]
    assert diagnose(Facts("status", 503, deployed_s=86_400.0)) == ()
    other = Facts("status", 503, headers={"app_version": "2"}, last_version="1")
    assert [cause.kind for cause in diagnose(other)] == ["deploy"]
    assert diagnose(Facts("status", 503, headers={"app_version": "2"}, last_version="2")) == ()


def test_checks_that_pass_in_between_point_to_a_limit_not_to_maintenance():
    page = NGINX_502.replace("502 Bad Gateway", "503 Service Temporarily Unavailable")
    headers = WHOLE | {"server": "nginx", "reason": "Service Temporarily Unavailable"}
    mixed = Facts("status", 503, excerpt=page, headers=headers, first_byte_ms=1.0, recent="++-+--+-")
    assert diagnose(mixed)[0].kind == "overload"
    whole = Facts(
        "status", 503, excerpt=page, headers=headers, first_byte_ms=1.0, same_host_failing=("Shop",)
    )
    assert diagnose(whole)[0].kind == "deploy"


def test_the_dependency_that_fails_is_named():
    (cause,) = diagnose(Facts("status", 503, excerpt='{"redis": "down", "status": "fail"}'))
    assert cause.name == "A dependency is failing: redis"
    assert cause.look_next == "Check redis before the service that reports it."


NOT_SURE = [
    # words that mean one thing on one page and another on the next
    (503, "We're experiencing high traffic. Please check back shortly.", "text/html"),
    (503, "We'll be back. Too much traffic right now.", "text/html"),
    (503, "Too many connections from your address.", "text/plain"),
    (503, "<h1>Sorry</h1><script src='https://example/recaptcha/api.js'></script>", "text/html"),
    (503, "The server is temporarily unable to service your request due to maintenance downtime or capacity"
          " problems.", "text/html"),
    (403, "Access denied", "text/plain"),
    (500, '{"response": {"status": "error", "message": "busy"}, "status": "error"}', "application/json"),
    (503, '{"error": {"code": 503, "status": "UNAVAILABLE", "message": "try later"}}', "application/json"),
    (422, '{"login": "failed", "status": "error"}', "application/json"),
    (500, "connect ECONNREFUSED 10.0.0.7:3000", "text/plain"),
    (500, "<title>max load and connection pooling explained</title>", "text/html"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "excerpt", "content_type"), NOT_SURE)
def test_words_that_could_mean_two_things_are_never_sure(status, excerpt, content_type):
    facts = Facts("status", status, excerpt=excerpt, headers=WHOLE | {"content_type": content_type})
    assert [(cause.kind, cause.sure) for cause in diagnose(facts) if cause.is_confident] == []


@pytest.mark.parametrize(
    ("document", "parts"),
    [
        ('{"status":"DOWN","components":{"db":{"status":"DOWN","components":{"a":{"status":"UP"},'
         '"b":{"status":"DOWN"}}}}}', ("db.b",)),
        ('{"status":"error","details":{"mongo":{"status":"down"}},"error":{"mongo":{"status":"down"}}}',
         ("mongo",)),
        ('{"checks":{"postgres:time":[{"status":"fail"}],"cpu":[{"status":"pass"}]}}', ("postgres:time",)),
        ('{"status":"DOWN","checks":[{"name":"kafka","status":"DOWN"}]}', ("kafka",)),
        ("[+]ping ok\n[-]etcd failed: reason withheld\nhealthz check failed", ("etcd",)),
        ('{"Database(alias=\'x\')":"gone","Cache()":"OK"}', ("Database(alias='x')",)),
        ('{"database": "down", "login": "failed", "status": "fail"}', ("database",)),
        ('{"status":"DOWN"}', ()), ('{"error":"down"}', ()), ('{"debug": false}', ()),
        ("<html>database: down</html>", ()), ("error: failed", ()), ("", ()),
    ],
)  # fmt: skip
def test_health_documents_name_what_fails(document, parts):
    assert failing_parts(document, "", 503) == parts


def test_every_cause_says_why_and_where_to_look():
    for failure in ("refused", "dns", "tls", "assertion"):
        (cause,) = diagnose(Facts(failure))
        assert cause.because
        assert cause.look_next.startswith("Check ")


def test_the_facts_are_told_whatever_they_point_to():
    told = dict(reasons(Facts("refused", answering=("Posts", "Sign-in"), failing=("Files",), **SLOWER)))
    assert told == {
        "Refused, not timed out.": "The host is up, but nothing accepts connections on this port.",
        "Others in this group respond:": "Posts, Sign-in.",
        "Others in this group also fail:": "Files.",
        "Slow just before:": "response time rose from 84 to 1,412 ms.",
    }


HOSTILE = ('"' * 1000, '{"a": {' * 140, "connection " * 90, '"a" : ' * 160, "<h1>" * 250, "[" * 1000,
           "access denied " * 70, "a" * 1000, "xhtml 1.0 transitional<h1>500 " * 30)  # fmt: skip


@pytest.mark.parametrize("excerpt", HOSTILE, ids=range(len(HOSTILE)))
def test_long_hostile_text_is_read_in_no_time(excerpt):
    headers = dict.fromkeys(("proxy_status", "server", "via", "reason", "retry_after"), excerpt[:200])
    assert all(
        not cause.is_confident for cause in diagnose(Facts("status", 503, excerpt=excerpt, headers=headers))
    )


SAID = [
    "nginx", "HAProxy", "Varnish", "cdn; error=dns_error", "1.1 varnish", "cache-fra", "true", "0", "503",
    "no healthy upstream", "<center><h1>502 Bad Gateway</h1></center><hr><center>nginx", "Guru Meditation",
    "maintenance mode", "captcha", "too many connections", '{"status":"DOWN","components":{"db":{"status":',
]  # fmt: skip
HEADERS = [
    "server", "via", "reason", "proxy_status", "retry_after", "x_varnish", "x_served_by", "cf_mitigated",
    "x_vercel_error", "x_render_routing", "body_length", "content_type", "failing_parts", "app_version",
]  # fmt: skip
TEXTS = st.one_of(st.text(max_size=200), st.sampled_from(SAID))
NUMBERS = st.one_of(st.none(), st.floats(0, 1e9))
ANY_FACTS = st.builds(
    Facts,
    failure=st.sampled_from([*map(str, Failure), "", "unheard of"]),
    status_code=st.one_of(st.none(), st.integers(-1, 999)),
    detail=TEXTS,
    excerpt=TEXTS,
    headers=st.dictionaries(st.sampled_from(HEADERS), TEXTS, max_size=6),
    first_byte_ms=NUMBERS,
    connect_ms=NUMBERS,
    median_ms=NUMBERS,
    last_ms=NUMBERS,
    deployed_s=NUMBERS,
    recent=st.text("+-?", max_size=30),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANY_FACTS)
def test_whatever_was_seen_is_answered_in_order_and_with_reasons(facts):
    causes = diagnose(facts)
    assert [cause.sure for cause in causes] == sorted((cause.sure for cause in causes), reverse=True)
    assert len({cause.kind for cause in causes}) == len(causes) <= 4
    assert all(cause.because and cause.name and 40 <= cause.sure <= 97 for cause in causes)
    assert reasons(facts)
    assert made_by(facts).spelled
