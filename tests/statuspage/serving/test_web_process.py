"""The whole web process over its own server: what it remembers of requests, and how it ends."""

import contextlib
import signal
import socket

import httpx
import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from components.models import Component, Page
from tests.answers import cut, heard
from tests.making import found, watched
from tests.web import Web
from tests.whole import wait_for

NAME = b"session"  # of a page without HTTPS, other than in the settings of tests
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def own_web(tmp_path, transactional_db):
    """A web process that a test may stop."""
    found(watched("Chat"), "up", timezone.now())
    made = Web(tmp_path)
    yield made
    made.stop()


def connect(web):
    return socket.create_connection(("127.0.0.1", web.port), timeout=30)


def answer(line, data):
    """The one answer to these bytes on a connection that stays open."""
    line.sendall(data)
    said = b""
    while True:
        said += line.recv(65536)
        with contextlib.suppress(AssertionError, ValueError):
            return cut(said)[0]


def test_the_same_bytes_get_the_page_as_it_is_now(web):
    """A request is remembered by its bytes; its answer is not."""
    probe = watched("Chat")
    found(probe, "up", timezone.now())
    Page.objects.bump_version()
    with connect(web) as line:
        wait_for(lambda: b"Chat" in answer(line, GET).body, 15)
        Component.objects.filter(name="Chat").update(name="Parcels")
        Page.objects.bump_version()
        wait_for(lambda: b"Parcels" in answer(line, GET).body, 15)
        assert b"Chat" not in answer(line, GET).body


def test_the_same_bytes_of_staff_are_answered_anew_after_the_login_has_ended(web):
    user = get_user_model().objects.create_superuser("ada", "ada@example.org", "a-long-password")
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value.encode()
    ask = b"GET /console/ HTTP/1.1\r\nHost: localhost\r\nCookie: %s=%s\r\n\r\n" % (NAME, cookie)
    with connect(web) as line:
        assert {answer(line, ask).status for _ in range(3)} == {200}
        client.logout()
        assert answer(line, ask).status == 302
    with connect(web) as other:  # nor does the staff's cookie change what all see
        public = answer(other, GET.replace(b"\r\n\r\n", b"\r\nCookie: %s=%s\r\n\r\n" % (NAME, cookie)))
        assert public.body == answer(other, GET).body


def test_at_a_stop_it_ends_streams_answers_uploads_and_exits_well(own_web):
    httpx.get(own_web.url)
    form = b"email=a%40example.org"
    head = b"POST /subscribe/email HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n" % len(form)
    head += b"Content-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\n\r\n"
    with connect(own_web) as stream, connect(own_web) as upload, connect(own_web) as idle:
        stream.sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in stream.recv(65536)
        assert answer(idle, GET).status == 200
        upload.sendall(head)
        assert b" 100 " in upload.recv(65536)  # the application waits for the form
        upload.sendall(form[:5])
        own_web.process.send_signal(signal.SIGTERM)
        assert heard(stream).endswith(b"0\r\n\r\n")
        assert heard(idle) == b""
        upload.sendall(form[5:])
        (got,) = cut(heard(upload))
    assert (got.status < 500, got.connection) == (True, "close")
    assert own_web.process.wait(20) == 0
