"""What an answer says in words of its own: clauses, and families of words."""

import pytest

from components.diagnosis import Facts, diagnose, made_by
from components.diagnosis.prose import clauses

HTML, JSON, TEXT = "text/html; charset=utf-8", "application/json", "text/plain"


def _causes(excerpt, status=503, content_type=JSON, **facts):
    headers = {"content_type": content_type, "http_version": "1.1"} | facts.pop("headers", {})
    return diagnose(Facts(failure="status", status_code=status, excerpt=excerpt, headers=headers, **facts))


def _first(*args, **facts):
    causes = _causes(*args, **facts)
    return causes[0].kind if causes else ""


@pytest.mark.parametrize(
    ("excerpt", "content_type", "read"),
    [
        ('{"error":"ConnectionPoolTimeoutException"}', JSON, ("error : connection pool timeout exception",)),
        ('{"code":"STORAGE_UNAVAILABLE","ok":false}', JSON, ("code : storage unavailable", "ok :false")),
        ("<h1>Can&#39;t <b>reach</b> it</h1><p>Later</p>", HTML, ("can't reach it", "later")),
        ("<title>A</title><script>x = 'down'</script><p>Words</p><footer>Other</footer>", HTML, ("words",)),
        ('{"error":"it \\u0022fails\\u0022 at http://db.example/x/y"}', JSON, ("error : it fails at",)),
        ("", TEXT, ()),
    ],
)  # fmt: skip
def test_an_answer_is_read_in_clauses(excerpt, content_type, read):
    assert clauses(excerpt, content_type) == read


def test_letters_whose_case_changes_their_number_hide_no_script():
    assert clauses("<p>İşte</p><SCRIPT>database down</SCRIPT>", HTML) == ("işte",)


def test_what_is_escaped_cannot_put_unprintable_characters_into_reasons():
    causes = _causes('{"error":"ledger vault \\ud800\\u0000\\u202e unreachable"}')
    reasons = " ".join(causes[0].because)
    assert reasons.isprintable()
    assert reasons.encode()


def test_clauses_are_bounded():
    assert all(len(clause) <= 300 for clause in clauses("word " * 5_000))
    assert sum(len(clause) for clause in clauses("<p>" + "word " * 5_000, HTML)) <= 700


@pytest.mark.parametrize(
    ("words", "status", "kind"),
    [
        ("The flux pool is exhausted", 500, "db_connections"),
        ("Our ledger database cannot be reached", 500, "dependency"),
        ("ledger_database_unreachable", 503, "dependency"),
        ("No healthy replicas are left", 503, "unhealthy"),
        ("Worker slots are all full", 503, "overload"),
        ("Quota exceeded", 429, "overload"),
        ("Search index has not been loaded", 503, "not_started"),
        ("The engine is not initialized", 503, "not_started"),
        ("A new version is being deployed to the cluster", 503, "deploy"),
        ("The origin closed the connection before it replied", 502, "crash"),
        ("Origin did not respond in time", 504, "stuck"),
        ("LEDGER_URL is not configured", 503, "misconfigured"),
        ("Tokens service is unavailable", 503, "dependency"),
        ("Your request was flagged by the firewall of this site", 403, "blocked"),
        ("Certificate of the origin has expired", 502, "certificate"),
        ("Die Datenbank ist nicht erreichbar", 503, "dependency"),
        ("Служба не готова", 503, "not_started"),
        ("服务未配置", 503, "misconfigured"),
    ],
)
def test_a_thing_and_its_state_name_the_cause(words, status, kind):
    causes = _causes(f'{{"detail":"{words}"}}', status)
    assert causes[0].kind == kind
    assert not causes[0].is_confident or status == 429  # its code says the same
    assert any(words.split()[0].lower().split("_")[0] in reason.lower() for reason in causes[0].because)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("This may be due to an overloaded server", 503),
        ("The database might be down", 503),
        ("Temporary overloading or maintenance of the server", 503),
        ("Sorry, the service is currently unavailable", 503),
        ("Learn how to fix a database that is down", 503),
        ("KeyError: 'database'", 503),
        ("http://shop.example/maintenance/database-unavailable", 503),
    ],
)
def test_a_guess_an_apology_or_a_mention_names_nothing(words, status):
    assert _causes(f'{{"detail":"{words}"}}', status) == ()


@pytest.mark.parametrize("status", [200, 302, 404])
def test_an_ordinary_page_is_not_read(status):
    page = "<title>Blog</title><p>On Monday our database was unreachable and the queue was full.</p>"
    assert _first(page, status, HTML) in ("", "moved")


@pytest.mark.parametrize(
    "words",
    [
        "the connection pool was exhausted",
        "MySQL said: Too many connections",
        "it could not connect to the database",
    ],
)
def test_an_article_about_a_database_is_no_sure_sign(words):
    page = f"<title>Blog</title><article>On Monday {words}, and our database was slow.</article>"
    facts = Facts(failure="assertion", status_code=200, excerpt=page, headers={"content_type": HTML})
    assert not any(cause.is_confident for cause in diagnose(facts))


def test_links_and_footers_do_not_speak_for_the_page():
    page = "<h1>Oops</h1><footer>scheduled maintenance</footer><a href='/x'>server overloaded</a>"
    assert _causes(page, 503, HTML) == ()


ARTICLES = (
    "On Monday our database ran out of connections because a deploy had doubled the number of workers, "
    "and every request that needed one waited for thirty seconds before it was answered with an error.",
    "Set max_connections to what the machine can hold. A connection pool that is exhausted makes "
    "requests wait, and a balancer then finds no healthy backend, though each of them is up and only "
    "slow.",
    "Scheduled maintenance is announced a week ahead. If the upstream refuses connections, a bot "
    "protection may answer in its place, and the certificate of the origin is not looked at, even if it "
    "has expired.",
    "When Redis is loading its data, clients are told to try again later; a queue that is full sheds "
    "load, and a worker that was killed leaves the request without an answer after the time limit has "
    "passed.",
)


@pytest.mark.parametrize("status", [200, 404, 500, 503])
@pytest.mark.parametrize("article", ARTICLES, ids=["a postmortem", "a manual", "a policy", "a lesson"])
def test_prose_about_outages_names_nothing_for_sure(article, status):
    causes = _causes(f"<title>Notes</title><article><p>{article}</p></article>", status, HTML)
    assert not any(cause.is_confident for cause in causes)


def test_what_is_read_by_families_is_never_very_likely():
    causes = _causes('{"error":"ledger vault unreachable","detail":"cannot connect to the ledger vault"}')
    assert causes[0].kind == "dependency"
    assert not causes[0].is_confident


def test_overload_in_one_sentence_and_maintenance_in_another_name_nothing():
    assert _causes("<p>There is peak demand.</p><p>Planned upkeep of the site.</p>", 503, HTML) == ()


def test_words_are_not_quoted_for_who_may_not_read_them():
    causes = _causes('{"detail":"LEDGER_URL is not configured"}', may_quote=False)
    assert causes[0].kind == "misconfigured"
    assert "ledger" not in " ".join(causes[0].because).lower()


@pytest.mark.parametrize(
    ("status", "kind"),
    [(421, "misconfigured"), (451, "blocked"), (507, "overload"), (521, "not_started"), (524, "stuck"),
     (526, "certificate"), (529, "overload"), (561, "unauthorized")],
)  # fmt: skip
def test_codes_that_say_why_by_themselves(status, kind):
    causes = _causes("", status)
    assert causes[0].kind == kind
    assert not causes[0].is_confident


@pytest.mark.parametrize("name", ["ratelimit_remaining", "x_ratelimit_remaining"])
def test_no_allowance_left_is_a_limit(name):
    assert _first("", 503, headers={name: "0"}) == "overload"
    assert _first("", 503, headers={name: "12"}) == ""


def test_a_failure_at_a_round_time_waited_for_something():
    assert _first("", 503, first_byte_ms=30_004.0) == "stuck"
    assert _first("", 503, first_byte_ms=27_300.0) == ""


def test_a_grpc_message_is_read():
    assert _first("", 503, headers={"grpc_message": "ledger%20database%20unreachable"}) == "dependency"


def test_a_refusal_behind_datadome_is_a_block():
    assert _first("", 403, headers={"x_datadome": "protected"}) == "blocked"
    assert _first("", 403) == "unauthorized"


@pytest.mark.parametrize(("header", "maker"), [("x_iinfo", "Imperva"), ("x_sucuri_id", "Sucuri")])
def test_firewalls_are_known_by_the_headers_they_add(header, maker):
    facts = Facts(failure="status", status_code=502, headers={header: "present"})
    assert made_by(facts).name == maker
