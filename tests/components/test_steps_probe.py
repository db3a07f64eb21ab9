"""Steps probes: log in, take a value, use it; what a secret may do, and what a mistake in the list says."""

import asyncio
import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from components import probers
from components import steps as ladder
from components.egress import Egress
from components.models import Probe
from components.outcomes import Failure
from components.probers import PROBERS, InvalidProbeError, steps_of
from statuspage.console.probe_detail import results
from statuspage.console.probe_detail.trials import _as_check
from tests.components.test_probers import OWN, look
from tests.making import watched
from tests.targets import Target

WORD, TOKEN = 'op"en & sesame', "tok-4711-abcdef"
SECRETS = f"password: {WORD}"


class Shop:
    """A site with a login: by JSON with a token, or by a form with a hidden field and a cookie."""

    def __init__(self):
        self.asked, self.moved = [], ""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                path, _, query = self.path.partition("?")
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                outer.asked.append((self.command, self.path, dict(self.headers), body))
                status, headers, text = outer.answer(path, query, self.headers, body)
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_POST = do_PUT = do_DELETE = do_GET

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, path, query, headers, body):
        if path == "/api/login":
            ok = json.loads(body) == {"user": "ada", "password": WORD}
            return (200, [], json.dumps({"token": TOKEN, "id": 7}).encode()) if ok else (401, [], body)
        if path == "/api/me":
            ok = headers["Authorization"] == f"Bearer {TOKEN}"
            return (
                (200, [], b'{"name": "Ada", "seen": "' + query.encode() + b'"}') if ok else (403, [], b"no")
            )
        if path == "/form":
            return 200, [("Set-Cookie", "sid=s1; Path=/; HttpOnly")], b'<input name="csrf" value="c&1=2">'
        if path == "/session":
            given = parse_qs(body.decode())
            ok = given == {"csrf": ["c&1=2"], "password": [WORD]} and headers["Cookie"] == "sid=s1"
            cookie = [("Set-Cookie", "auth=yes-1234567; Path=/"), ("Location", "/home")]
            return (303, cookie, b"") if ok else (400, [], b"")
        if path == "/home":
            return (
                (200, [], b"Hello Ada") if "auth=yes-1234567" in headers.get("Cookie", "") else (401, [], b"")
            )
        if path == "/away":
            return 307, [("Location", self.moved)], b""
        if path == "/echo":
            return 500, [], body + str(dict(headers)).encode()
        return 404, [("X-Next", "n1")], b"not here"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def shop():
    made = Shop()
    yield made
    made.close()


def run(shop, *steps, secrets=SECRETS, **more):
    return look("steps", shop.url, {"steps": json.dumps(steps), "secrets": secrets}, **more)


LOGIN = {
    "name": "Log in",
    "url": "/api/login",
    "json": {"user": "ada", "password": "{{secret.password}}"},
    "take": {"token": {"json": "$.token"}, "id": {"json": "$.id"}},
}
READ = {
    "name": "Read",
    "url": "/api/me?id={{id}}",
    "headers": {"Authorization": "Bearer {{token}}"},
    "json_path": "$.seen",
    "json_equals": "id={{id}}",
}


def test_what_one_step_takes_the_next_one_uses(shop):
    reading = run(shop, LOGIN, READ)
    assert (reading.failure, reading.detail) == (None, "")
    assert [(method, path) for method, path, _, _ in shop.asked] == [
        ("POST", "/api/login"),
        ("GET", "/api/me?id=7"),
    ]
    assert shop.asked[0][2]["Content-Type"] == "application/json"
    times = json.loads(reading.facts["steps"])
    assert [name for name, _ in times] == ["Log in", "Read"]
    assert all(took_ms is not None for _, took_ms in times)


def test_a_form_with_a_hidden_field_and_cookies_over_a_redirect(shop):
    reading = run(
        shop,
        {"name": "Form", "url": "/form", "take": {"csrf": {"regex": 'name="csrf" value="([^"]+)"'}}},
        {"name": "Session", "url": "/session", "expect_text": "Hello Ada",
         "form": {"csrf": "{{csrf}}", "password": "{{secret.password}}"}},
        {"name": "Home", "url": "/home", "expect_text": "Ada", "take": {"auth": {"cookie": "auth"}}},
        {"name": "Gone", "url": "/x?a={{auth}}", "expected_status": 404, "take": {"n": {"header": "X-Next"}}},
        {"name": "Last", "url": "/{{n}}", "expected_status": "404"},
    )  # fmt: skip
    assert (reading.failure, reading.detail) == (None, "")
    assert [path for _, path, _, _ in shop.asked][-2:] == ["/x?a=yes-1234567", "/n1"]


def test_the_failing_step_is_named_and_the_ladder_stops_there(shop):
    late = {"name": "Later", "url": "/home"}
    reading = run(shop, LOGIN, {**READ, "headers": {}}, late)
    assert reading.failure is Failure.STATUS
    assert reading.detail == "Step 2 (“Read”): Responded with 403, which is not expected."
    check = _as_check(reading, "down")
    walked = [(step.name, step.state) for step in ladder.walk(steps_of("steps"), check)]
    assert walked == [("Log in", "ok"), ("Read", "failed"), ("Later", "open")]
    shown = [(rung.name, rung.state) for rung in results.ladder(check, "steps")]
    assert shown == [*walked, ("As expected", "open")]
    public = [step.name for step in ladder.walk(steps_of("steps"), check, by_staff=False)]
    assert "Read" not in public


@pytest.mark.parametrize(
    ("take", "words"),
    [
        ({"v": {"json": "$.missing"}}, "“v” is not in the response (json: $.missing)"),
        ({"v": {"json": "$"}}, "“v” is not in the response"),
        ({"v": {"regex": "nothing(.)"}}, "“v” is not in the response (regex"),
        ({"v": {"header": "X-None"}}, "“v” is not in the response (header: X-None)"),
        ({"v": {"cookie": "none"}}, "“v” is not in the response (cookie: none)"),
    ],
)
def test_a_value_that_is_not_there_is_named(shop, take, words):
    reading = run(shop, {**LOGIN, "take": take})
    assert reading.failure is Failure.ASSERTION
    assert words in reading.detail


def test_a_secret_that_is_repeated_is_not_stored(shop):
    echo = {"name": "Echo", "url": "/echo", "json": {"p": "{{secret.password}}"},
            "headers": {"Authorization": "Bearer {{token}}", "X-Plain": "{{secret.password}}"}}  # fmt: skip
    reading = run(shop, LOGIN, echo)
    assert reading.failure is Failure.STATUS
    stored = f"{reading.detail} {reading.excerpt} {reading.facts}"
    assert "•••" in stored
    for word in (WORD, json.dumps(WORD)[1:-1], TOKEN):
        assert word not in stored
    wrong = run(shop, {**LOGIN, "json": {"password": "{{secret.password}}"}})
    assert json.dumps(WORD)[1:-1] not in wrong.excerpt


def test_a_secret_that_comes_back_as_a_form_or_an_address_is_not_stored(shop):
    for word, seen in ((WORD, "op%22en"), ("open/sesame", "open%2Fsesame")):
        echo = {"name": "Echo", "url": "/echo", "form": {"p": "{{secret.password}}"}}
        reading = run(shop, echo, secrets=f"password: {word}")
        assert reading.excerpt.startswith("p=•••")
        assert seen not in reading.excerpt


def test_a_redirect_takes_no_secret_to_another_origin(shop):
    with Target() as other:
        shop.moved = f"{other.url}trap"
        away = {"name": "Away", "url": "/away", "headers": {"Authorization": "{{secret.password}}"}}
        plain = run(shop, away)
        (asked,) = other.asked
        with_body = run(shop, {**away, "json": {"p": "{{secret.password}}"}})
    assert plain.failure is None
    assert "Authorization" not in asked[2]
    assert (with_body.failure, len(other.asked)) == (Failure.REDIRECT, 1)
    assert with_body.detail.startswith("Step 1 (“Away”): Redirected to 127.0.0.1")


def test_cookies_stay_with_their_host(shop):
    with Target() as other:
        run(
            shop,
            {"name": "Form", "url": "/form"},
            {"name": "Other", "url": other.url.replace("127.0.0.1", "localhost")},
            {"name": "Same", "url": "/home", "expected_status": 401},
        )
    ((_, _, headers, _),) = other.asked
    assert "Cookie" not in headers
    assert shop.asked[-1][2]["Cookie"] == "sid=s1"


def test_a_redirect_to_a_private_network_is_refused_by_the_door(shop):
    shop.moved = "http://10.0.0.1/"
    reading = run(shop, {"name": "Away", "url": "/away"})
    assert reading.failure is Failure.DENIED
    assert reading.detail.startswith("Step 1 (“Away”): Redirected to 10.0.0.1")


def test_a_step_that_does_not_answer_in_time_is_named(target):
    target.waits_s = 3
    steps = json.dumps([{"name": "Slow", "url": "/"}])
    reading = look("steps", target.url, {"steps": steps}, deadline_s=0.6)
    assert reading.failure is Failure.TIMEOUT_FIRST_BYTE
    assert reading.detail.startswith("Step 1 (“Slow”): Timed out after 0.6 s")


def test_a_value_with_a_line_break_is_not_sent_in_a_header(target):
    target.paths["/a"] = (200, {}, b'{"v": "x\\r\\nX-Evil: 1"}')
    steps = [{"name": "A", "url": "/a", "take": {"v": {"json": "$.v"}}},
             {"name": "B", "url": "/b", "headers": {"X-V": "{{v}}"}}]  # fmt: skip
    reading = look("steps", target.url, {"steps": json.dumps(steps)})
    assert (reading.failure, "cannot be sent" in reading.detail) == (Failure.PROTOCOL, True)
    assert len(target.asked) == 1


A = {"name": "A", "url": "/"}


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ("", "Write a list of steps"),
        ("[", "not valid JSON: Expecting value in line 1, column 2"),
        ("{}", "Write a list of steps"),
        ("[]", "Write a list of steps"),
        ("[" * 100_000, "nested too deeply"),
        ([{**A, "json": json.loads("[" * 400 + "]" * 400)}], "Step 1: A value in it is nested too deeply."),
        ([7], "Step 1: Write it in braces"),
        ([{"name": "A"}], "Step 1 (“A”), “url”: Enter an address"),
        ([{**A, "expext_text": "x"}], "Step 1 (“A”), “expext_text”: There is no such field."),
        ([{**A, "name": "x" * 50}], "“name”: Enter a name of at most 40"),
        ([A, A], "Step 2 (“A”), “name”: Two steps have this name"),
        ([{**A, "url": "ftp://x/"}], "Step 1 (“A”), “url”: "),
        ([{**A, "url": "http://{{secret.password}}.example/"}], "“url”: Values can stand in the path"),
        ([{**A, "url": "{{secret.password}}"}], "“url”: Values can stand in the path"),
        ([{**A, "url": "/{{token}}"}], "“url”: No earlier step takes “token”."),
        ([{**A, "headers": {"X": "{{secret.nope}}"}}], "There is no secret “nope”: add it under Secrets."),
        ([{**A, "headers": {"X": 1}}], "“headers”: Write names and texts"),
        ([{**A, "headers": {"a b": "x"}}], "“headers”: “a b” is not a valid header name."),
        ([{**A, "expected_status": "2xx"}], "“expected_status”: Write codes and ranges"),
        ([{**A, "expect_regex": "("}], "“expect_regex”: This does not compile"),
        ([{**A, "json_path": "$["}], "“json_path”: This is not a valid JSON path"),
        ([{**A, "body": {}}], "“body”: Write a text"),
        ([{**A, "form": "x"}], "“form”: Write names and values"),
        ([{**A, "form": {}, "json": {}}], "“form”: There is “json” already"),
        ([{**A, "method": "BREW"}], "“method”: Choose one of"),
        ([{**A, "take": []}], "“take”: Write it as"),
        ([{**A, "take": {"a b": {"json": "$"}}}], "“take”: “a b” is not a name"),
        ([{**A, "take": {"a": "$.x"}}], "“take”: Write for “a” one of json, header, regex, cookie"),
        ([{**A, "take": {"a": {"json": ""}}}], "“take”: Write for “a” where it is"),
        ([{**A, "take": {"a": {"regex": "("}}}], "“take”: “(” does not compile"),
        ([{**A, "take": {"a": {"json": "$["}}}], "“take”: This is not a valid JSON path"),
        ([{**A, "json_equals": {"a": 1}}], "“json_equals”: Write a text or a number"),
        ([{"name": f"S{n}", "url": "/"} for n in range(11)], "Use at most 10 steps."),
    ],
)  # fmt: skip
def test_a_mistake_in_the_list_names_step_and_field(steps, words):
    text = steps if isinstance(steps, str) else json.dumps(steps)
    with pytest.raises(InvalidProbeError) as refused:
        PROBERS["steps"].parse("https://app.example.org/", {"steps": text, "secrets": SECRETS})
    assert refused.value.field == "steps"
    assert words in refused.value.sentence


def test_secrets_stay_with_the_origins_they_were_set_for(db):
    options = {"steps": json.dumps([LOGIN]), "secrets": SECRETS}
    probe = watched(kind="steps", target="https://app.example.org/", options=options)
    assert WORD not in json.dumps(Probe.objects.values_list("options", flat=True).get())
    assert Probe.objects.get().order().named_secrets == {"password": WORD}
    probe = Probe.objects.get()
    more = [LOGIN, {"name": "Evil", "url": "https://evil.example/", "body": "{{secret.password}}"}]
    probe.options["steps"] = json.dumps(more)
    probe.save()
    with pytest.raises(InvalidProbeError, match=r"was set for https://app\.example\.org:443"):
        Probe.objects.get().order()
    probe.options["steps"] = json.dumps([LOGIN, READ])
    probe.save()
    assert len(Probe.objects.get().order().steps) == 2


@pytest.mark.parametrize("place", ["url", "headers", "json", "form", "body", "expect_text"])
def test_half_a_letter_that_was_taken_is_not_sent(shop, place, caplog):
    """JSON can say it, and nothing can carry it: that is what the target said, and no error of ours."""
    value = {"url": "/x?q={{v}}", "headers": {"X": "{{v}}"}, "json": {"a": "{{v}}"}, "form": {"a": "{{v}}"},
             "body": "{{v}}", "expect_text": "{{v}}"}[place]  # fmt: skip
    with Target() as odd:
        odd.says = b'{"v": "a\\ud800b"}'
        first = {"name": "First", "url": odd.url, "take": {"v": {"json": "$.v"}}}
        reading = run(shop, first, {"name": "Then", "url": "/home", place: value})
    assert reading.failure in (Failure.PROTOCOL, Failure.STATUS, Failure.ASSERTION)
    assert reading.detail.startswith("Step 2")
    assert "unexpected error" not in caplog.text


def test_a_small_number_that_is_a_secret_leaves_the_times_of_the_steps(shop):
    reading = run(shop, {"name": "Wait 123", "url": "/home", "expected_status": 401}, secrets="pin: 123")
    assert json.loads(reading.facts["steps"])[0][0] == "Wait 123"


def test_a_token_that_comes_back_in_another_spelling_is_not_stored(shop):
    with Target() as odd:
        odd.json({"v": 'tok/4711+"abc'})
        odd.paths["/echo"] = (500, {}, b'tok%2F4711%2B%22abc tok/4711+&quot;abc tok/4711+\\"abc')
        first = {"name": "First", "url": odd.url, "take": {"v": {"json": "$.v"}}}
        reading = run(shop, first, {"name": "Then", "url": f"{odd.url}echo"})
    assert reading.excerpt == "••• ••• •••"


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ('[{"url": "/", "json": ' + "9" * 5_000 + "}]", "too long"),
        (r'[{"url": "/", "body": "\ud800"}]', "Step 1: Half of a character"),
        (r'[{"url": "/", "form": {"\udfff": "a"}}]', "Step 1: Half of a character"),
        (r'[{"url": "/", "\ud83d": 1}]', "Step 1: Half of a character"),
    ],
    ids=["digits", "body", "form", "field"],
)
def test_what_json_can_spell_and_nobody_can_send_is_refused(steps, words):
    with pytest.raises(InvalidProbeError, match=words) as refused:
        PROBERS["steps"].parse("http://127.0.0.1/", {"steps": steps})
    refused.value.sentence.encode()


class Unlucky:
    """A part of our own that fails and shows what it was working on, as libraries do."""

    groups = 0

    def search(self, text):
        try:
            raise KeyError(text)
        except KeyError as error:
            raise RuntimeError(f"cannot read {text!r}") from error


def test_an_error_of_our_own_shows_no_token_in_the_log_or_the_reading(shop, caplog):
    """What was taken before, the cookies and the secrets: in a traceback, a cause of it, a fact."""
    with Target() as echo:
        echo.json({"v": TOKEN})
        echo.paths["/back"] = (200, {"Set-Cookie": "sid=cookie-4711-secret"}, b"")
        echo.paths["/show"] = (200, {}, f"{TOKEN} cookie-4711-secret {WORD}".encode())
        steps = [{"name": "First", "url": echo.url, "take": {"v": {"json": "$.v"}}},
                 {"name": "Back", "url": f"{echo.url}back"},
                 {"name": "Show", "url": f"{echo.url}show", "take": {"w": {"regex": "x"}}}]  # fmt: skip
        order = PROBERS["steps"].parse(shop.url, {"steps": json.dumps(steps), "secrets": SECRETS})
        broken = replace(order.steps[2].takes[0], how=Unlucky())
        order = replace(order, steps=(*order.steps[:2], replace(order.steps[2], takes=(broken,))))
        check = probers.check("steps", order, deadline_s=3, egress=Egress(OWN))
        reading = asyncio.run(check)
    assert (reading.failure, reading.detail) == (Failure.PROTOCOL, "The response was not valid while "
                                                 "reading the response.")  # fmt: skip
    assert "RuntimeError: cannot read" in caplog.text
    assert "in search" in caplog.text  # the lines of code are there
    for secret in (TOKEN, "cookie-4711-secret", WORD):
        assert secret not in caplog.text + repr(reading)
