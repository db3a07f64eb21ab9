"""Mail with a server that fails in every way: nothing is lost, nobody is told twice without need."""

import asyncio
import re
import stat
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from components.egress import Egress
from incidents.models import Incident
from subscribers.channels import email
from subscribers.channels.email import Step, judged
from subscribers.delivery import leases
from subscribers.delivery.envelope import End
from subscribers.models import Delivery, DeliveryState, State, Subscriber
from tests import certificates
from tests.making import component
from tests.subscribers.letters import envelope
from tests.subscribers.mailbox import Mailbox, secured
from tests.subscribers.making import mail as reader
from tests.whole import wait_for


@pytest.fixture
def box(settings):
    with Mailbox() as made:
        at(settings, made)
        yield made


def at(settings, box, *, login=("", ""), tls=False):
    settings.EMAIL_URL = "smtp://…"
    settings.EMAIL_HOST, settings.EMAIL_PORT = box.hostname, box.port
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = login
    settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = tls, False


def send(*names, egress=None):
    """These mails, one after the other in one loop: what came of each."""

    async def one_by_one():
        door = egress or Egress()
        return [await email.send(envelope(address=f"{name}@example.org"), door) for name in names]

    return run(one_by_one())


def run(work):
    """In a loop of its own, whose lines end with it."""

    async def tidy():
        result = await work
        lines = email._lines()
        for line in lines.idle:
            line.client.close()
        await asyncio.gather(*lines.farewells)
        await asyncio.sleep(0.02)  # a line that broke off is closed by the loop
        return result

    return asyncio.run(tidy())


def test_the_server_of_the_house_may_stand_on_a_private_network(box):
    (result,) = send("reader", egress=Egress())  # nothing is allowed here
    assert (result.end, result.answer) == (End.SENT, 250)
    (got,) = box.got
    assert (got.to, got.id) == ("reader@example.org", "<msg_0123456789abcdef01234567@status.tern.example>")


def test_many_mails_share_one_line(box):
    assert {one.end for one in send(*(f"reader{n}" for n in range(30)))} == {End.SENT}
    assert (len(box.got), box.lines) == (30, 1)


def test_a_line_is_changed_after_a_hundred_mails_and_four_are_open_at_most(box, monkeypatch):
    monkeypatch.setattr(email, "MAILS_A_LINE", 5)

    async def all_at_once():
        door = Egress()
        return await asyncio.gather(
            *(email.send(envelope(address=f"r{n}@example.org"), door) for n in range(40))
        )

    assert {one.end for one in run(all_at_once())} == {End.SENT}
    assert 8 <= box.lines <= 12
    assert max(Counter(one.line for one in box.got).values()) <= 5


def test_a_line_the_server_hung_up_on_costs_nothing(box, monkeypatch):
    async def with_a_pause():
        door = Egress()
        first = await email.send(envelope(address="a@example.org"), door)
        box.hang_up()
        return first, await email.send(envelope(address="b@example.org"), door)

    assert [one.end for one in run(with_a_pause())] == [End.SENT, End.SENT]
    assert [one.to for one in box.got] == ["a@example.org", "b@example.org"]


def test_an_idle_line_is_closed(box, monkeypatch):
    monkeypatch.setattr(email, "IDLE_S", 0.05)

    async def look():
        await email.send(envelope(), Egress())
        (line,) = email._lines().idle
        await asyncio.sleep(0.4)
        return line.client.is_connected, email._lines().idle

    assert run(look()) == (False, [])


@pytest.mark.parametrize(
    ("fault", "end", "answer"),
    [
        ("550 5.1.1 No such user", End.GONE, 550),
        ("550 No such user", End.GONE, 550),
        ("550 5.7.1 Your network is on a list", End.LATER, 550),
        ("552 5.2.2 Mailbox full", End.LATER, 552),
        ("450 4.2.0 Come back later", End.LATER, 450),
        ("data 554 5.7.1 Looks like spam", End.LATER, 554),
        ("data 451 Try again", End.LATER, 451),
        ("421 4.3.2 Closing", End.OURS, 421),
        ("rst in data", End.LATER, None),
        ("rst after data", End.LATER, None),
    ],
)
def test_what_is_said_of_a_receiver_is_its_own_and_the_next_mail_goes_out(box, fault, end, answer):
    box.faults["reader"] = [fault]
    result, other = send("reader", "other")
    assert (result.end, result.answer) == (end, answer)
    assert result.why
    assert other.end is End.SENT


def test_a_tarpit_costs_one_mail_its_deadline(box, monkeypatch):
    monkeypatch.setattr(email, "DEADLINE_S", 0.6)
    box.faults["reader"] = ["tarpit"]
    result, other = send("reader", "other")
    assert (result.end, result.why) == (End.LATER, "The mail server did not respond within 0.6 s.")
    assert other.end is End.SENT


@pytest.mark.parametrize("greeting", ["421 Too busy", "554 Not you", "nonsense"])
def test_a_server_that_does_not_let_us_in_is_our_trouble(settings, greeting):
    with Mailbox(greeting=greeting) as box:
        at(settings, box)
        (result,) = send("reader")
    assert result.end is End.OURS
    assert result.why.startswith(("The mail server replied", "Our mail server"))


def test_a_server_that_is_away_is_our_trouble(settings, free_port):
    settings.EMAIL_URL, settings.EMAIL_HOST, settings.EMAIL_PORT = "smtp://…", "127.0.0.1", free_port
    (result,) = send("reader")
    assert (result.end, result.answer) == (End.OURS, None)
    assert result.why == f"Our mail server: Nothing is listening on port {free_port}: connection refused."


def test_nothing_is_said_without_the_tls_that_was_asked_for(settings, tmp_path):
    files = certificates.make(tmp_path, "127.0.0.1")
    with Mailbox() as plain:
        at(settings, plain, tls=True)
        (not_offered,) = send("reader")
    with Mailbox(tls=secured(*files)) as box:
        at(settings, box, tls=True)
        (refused,) = send("reader")
        (fine,) = send("reader", egress=Egress(ca_file=str(files[1])))
    assert [one.end for one in (not_offered, refused, fine)] == [End.OURS, End.OURS, End.SENT]
    assert "certificate verify failed" in refused.why
    assert (len(plain.got), len(box.got)) == (0, 1)


def test_a_password_that_is_refused_is_our_trouble(settings):
    with Mailbox(login=("us", "secret")) as box:
        at(settings, box, login=("us", "wrong"))
        (refused,) = send("reader")
        at(settings, box, login=("us", "secret"))
        (fine,) = send("reader")
    assert (refused.end, refused.answer, fine.end) == (End.OURS, 535, End.SENT)
    assert "wrong" not in refused.why


@pytest.mark.parametrize(
    ("step", "code", "text", "end"),
    [
        (Step.SENDER, 550, "5.1.8 Sender unknown", End.OURS),
        (Step.SENDER, 553, "You may not write as this", End.OURS),
        (Step.RECEIVER, 551, "Moved away", End.GONE),
        (Step.RECEIVER, 550, "5.4.1 Recipient address rejected: Access denied", End.GONE),
        (Step.RECEIVER, 550, "5.1.7 Bad sender", End.OURS),
        (Step.RECEIVER, 554, "No", End.LATER),
        (Step.TEXT, 554, "No", End.LATER),
        (Step.TEXT, 552, "Too large", End.LATER),
        (Step.RECEIVER, 530, "Log in first", End.OURS),
    ],
)
def test_a_refusal_is_told_apart_by_whose_it_is(step, code, text, end):
    assert judged(step, code, text).end is end


@pytest.mark.parametrize("address", ["", "nobody", "a\r\nBcc: x@y.z@example.org", "käse@example.org", "@"])
def test_what_is_no_address_is_written_to_nobody(box, address):
    result = run(email.send(envelope(address=address), Egress()))
    assert (result.end, box.got, box.lines) == (End.GONE, [], 0)


def test_without_a_server_mails_are_files_for_the_operator_alone(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(email, "MAX_FILES", 3)
    settings.VAR_DIR, settings.EMAIL_URL = tmp_path, ""
    assert {one.end for one in send(*"abcde")} == {End.SENT}
    files = sorted((tmp_path / "mail").iterdir())
    assert len(files) == 3
    assert all(stat.S_IMODE(one.stat().st_mode) == 0o600 and one.suffix == ".eml" for one in files)
    assert [re.search(rb"To: (.)@", one.read_bytes())[1] for one in files] == [b"c", b"d", b"e"]


def test_a_folder_that_cannot_be_written_loses_no_mail(settings, tmp_path):
    (tmp_path / "mail").write_text("in the way")
    settings.VAR_DIR, settings.EMAIL_URL = tmp_path, ""
    (result,) = send("reader")
    assert (result.end, result.why.startswith("Mail cannot be written to")) == (End.OURS, True)


def test_under_all_faults_at_once_nobody_is_forgotten(box, post, monkeypatch):
    """Check 32 of the list: lost none, twice only those whose 250 was lost, gone those who are gone."""
    monkeypatch.setattr(email, "DEADLINE_S", 2.5)
    monkeypatch.setattr("subscribers.delivery.backoff.WAITS", (timedelta(seconds=0.2),))
    monkeypatch.setattr("subscribers.delivery.results.OURS_AGAIN", timedelta(seconds=0.2))
    monkeypatch.setattr("subscribers.models.host.REST", timedelta(seconds=0.2))
    box.faults = {
        "gone": ["550 5.1.1 No such user"] * 9,
        "grey": ["450 4.2.0 Later", "450 4.2.0 Later"],
        "pit": ["tarpit"],
        "in": ["rst in data", "rst in data"],
        "after": ["rst after data"],
        "closing": ["421 4.3.2 Closing"],
    }
    for name in [*box.faults, *(f"well{n}" for n in range(20))]:
        reader(f"{name}@{name}.example")
    chat = component("Chat")
    now = timezone.now()
    Incident.objects.open("Down", "We look.", now=now, components=[chat], statuses={chat: "major_outage"})
    post.deliver()
    owed = Delivery.objects.filter(state=DeliveryState.OWED)
    wait_for(lambda: post.postman.wake() or not owed.exists(), 20, 0.05)
    got = Counter(one.to.split("@")[0] for one in box.got)
    assert set(got) == {*box.faults, *(f"well{n}" for n in range(20))} - {"gone"}
    assert {name: number for name, number in got.items() if number > 1} == {"after": 2}
    assert len({one.id for one in box.got if one.to.startswith("after@")}) == 1
    assert len(box.faults["gone"]) == 8  # one refusal was enough
    gone = Subscriber.objects.get(shown__startswith="gone@")
    assert gone.state == State.QUARANTINED
    assert gone.note == "The mail server replied 550 5.1.1 No such user"
    assert Subscriber.objects.filter(state=State.ACTIVE).count() == 25
    assert leases.MAILS_AT_ONCE >= email.MAX_LINES


def test_readers_whom_our_relay_refused_are_all_told_once_it_is_mended(box, post, monkeypatch):
    """The relay lost its login: Exim words it like this, at every reader, without an enhanced code."""
    monkeypatch.setattr("subscribers.delivery.results.OURS_AGAIN", timedelta(seconds=0.2))
    monkeypatch.setattr("subscribers.models.host.REST", timedelta(seconds=0.2))
    names = [f"reader{number}" for number in range(20)]
    box.faults = {name: ["550 relay not permitted"] for name in names}
    for name in names:
        reader(f"{name}@{name}.example")
    chat = component("Chat")
    now = timezone.now()
    Incident.objects.open("Down", "We look.", now=now, components=[chat], statuses={chat: "major_outage"})
    post.deliver()
    owed = Delivery.objects.filter(state=DeliveryState.OWED)
    wait_for(lambda: post.postman.wake() or not owed.exists(), 20, 0.05)
    assert Counter(one.to.split("@")[0] for one in box.got) == dict.fromkeys(names, 1)
    assert Subscriber.objects.filter(state=State.ACTIVE).count() == 20
