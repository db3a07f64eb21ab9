"""The addresses of remote regions: what they give to whoever has the key, and to nobody else."""

import json
from datetime import timedelta

import pytest
from django.test import Client

from components import region_signature
from components.models import Check, Flip, Heartbeat, Probe, RegionRequest, RemoteRegion
from components.region_signature import new_id, sign, verified
from components.regions.messages import RESULTS_PATH, WORK_PATH, request_of
from incidents import sight
from incidents.models import Incident
from statuspage.api import region_views
from tests.certificates import make
from tests.making import watched
from tests.statuspage.api.far_region import Region, far_probe, now, result


def test_it_gets_the_due_checks_of_its_own_region_once(far):
    probe = far_probe(options={"headers": {"Authorization": "Bearer tok"}})
    watched("Near", kind="http")
    Region("other")
    (order,) = far.orders()
    assert order["claim"] == [probe.pk, Probe.objects.get(pk=probe.pk).claimed_slot, 1]
    assert (order["kind"], order["target"], order["timeout_s"]) == ("http", probe.target, 5)
    assert order["options"] == {"headers": {"Authorization": "Bearer tok"}}
    assert far.orders() == []
    assert Probe.objects.get(pk=probe.pk).attempts == 0


def test_answers_are_signed_for_this_request_alone(far):
    response = far.work()
    assert verified(response.headers, f"200 {WORK_PATH}", response.content, [far.key]).message_id == far.id
    for subject in (f"POST {WORK_PATH}", f"200 {RESULTS_PATH}", f"409 {WORK_PATH}"):
        with pytest.raises(region_signature.SignatureError):
            verified(response.headers, subject, response.content, [far.key])
    refused = far.post(WORK_PATH, b"[]")
    assert refused.status_code == 400
    assert verified(refused.headers, f"400 {WORK_PATH}", refused.content, [far.key]).message_id == far.id


def test_results_are_settled_and_the_same_again_changes_nothing(far):
    probe = far_probe()
    row = result(far.orders()[0])
    assert far.results(row).json()["settled"] == 1
    again = far.results(row).json()
    assert (again["settled"], Check.objects.count()) == (0, 1)
    check = Check.objects.get()
    assert (check.region, check.outcome, check.total_ms, check.status_code) == ("far", "up", 12, 200)
    probe.refresh_from_db()
    assert (probe.claimed_slot, probe.heard_s is not None) == (None, True)


def test_a_late_result_is_no_verdict_but_is_kept(far):
    probe = far_probe()
    far.results(result(far.orders()[0]))
    Check.objects.all().delete()  # a slot of the grid may be the second of the first one
    Probe.objects.update(next_slot=1)
    order = far.orders()[0]
    # hours later: nobody else has taken the slot, so the token is still the same
    Probe.objects.update(lease_until=int(now().timestamp()) - 1)
    heard = Probe.objects.get().heard_s
    said = far.results(result(order, failure="refused")).json()
    assert (said["settled"], said["kept"]) == (0, 1)
    probe.refresh_from_db()
    assert (probe.outcome, probe.run, probe.heard_s) == ("up", [], heard)
    assert Check.objects.filter(outcome="down", slot=order["claim"][1]).count() == 1
    # and where the slot has a result already, that one stays
    far.results(result(order))
    assert Check.objects.filter(slot=order["claim"][1]).get().outcome == "down"


def test_a_result_of_another_target_is_dropped(far):
    probe = far_probe()
    row = result(far.orders()[0])
    probe.refresh_from_db()
    probe.target = "http://127.0.0.1:10/"
    probe.save()
    said = far.results(row).json()
    assert (said["settled"], said["kept"], said["dropped"]) == (0, 0, 1)
    assert not Check.objects.exists()


def test_two_failures_are_an_outage_and_one_of_another_region_is_refused(far):
    probe = far_probe()
    near = watched("Near", kind="http", region="near")
    other = Region("near")
    for failure in (None, "refused", "refused"):
        Probe.objects.filter(pk=probe.pk).update(next_slot=1)
        far.results(result(far.orders()[0], failure=failure))
    assert Flip.objects.filter(probe=probe, new="down").count() == 1
    assert Incident.objects.count() == 1
    order = other.orders()[0]
    assert far.results(result(order)).json()["dropped"] == 1
    near.refresh_from_db()
    assert near.claimed_slot is not None


def test_a_repeated_request_is_refused(far):
    far_probe()
    message_id = new_id()
    assert far.post(WORK_PATH, {"run": "a"}, message_id=message_id).status_code == 200
    again = far.post(WORK_PATH, {"run": "a"}, message_id=message_id)
    assert (again.status_code, again.json()["error"]) == (409, region_views.REPEATED)


def test_ids_are_forgotten_only_when_they_are_too_old_to_be_valid(far):
    far.work()
    RegionRequest.objects.update(at=now() - timedelta(seconds=650))
    far.work()
    assert RegionRequest.objects.count() == 2
    RegionRequest.objects.filter(message_id=far.id).update(at=now() - timedelta(seconds=700))
    far.work()
    assert RegionRequest.objects.count() == 2


@pytest.mark.parametrize(("ahead_s", "word"), [(-400, "behind"), (400, "ahead of")])
def test_a_clock_that_is_far_off_is_refused_with_a_sentence_the_agent_can_trust(far, ahead_s, word):
    response = far.post(WORK_PATH, {"run": "a"}, at=now() + timedelta(seconds=ahead_s))
    assert response.status_code == 401
    assert word in response.json()["error"]
    verified(response.headers, f"401 {WORK_PATH}", response.content, [far.key])


@pytest.mark.parametrize("ahead_s", [-250, 0, 250])
def test_a_clock_that_is_off_is_measured(far, ahead_s):
    assert far.post(WORK_PATH, {"run": "a"}, at=now() + timedelta(seconds=ahead_s)).status_code == 200
    assert RemoteRegion.objects.get().skew_s == pytest.approx(ahead_s, abs=5)


def test_when_a_check_began_is_never_outside_its_lease(far):
    far_probe()
    order = far.orders()[0]
    far.results(result(order, at=now() + timedelta(days=3)))
    lag_ms = Check.objects.get().lag_ms
    assert 0 <= lag_ms < 60_000


@pytest.mark.parametrize(
    "change",
    [
        {"key": "whsec_" + "A" * 43 + "="},
        {"name": "nowhere"},
        {"name": ""},
        {"name": "x" * 5000},
        {"subject": f"POST {RESULTS_PATH}"},
        {"subject": f"GET {WORK_PATH}"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,é"},
        {"webhook-timestamp": "1e9"},
        {"webhook-timestamp": "9" * 40},
        {"webhook-id": "short"},
    ],
)
def test_nobody_else_learns_or_changes_anything(far, change):
    far_probe()
    response = far.post(WORK_PATH, {"run": "a"}, **change)
    assert (response.status_code, response.json()) == (401, {"error": region_views.UNKNOWN})
    assert "webhook-signature" not in response.headers
    assert Probe.objects.get().claimed_slot is None
    assert not RegionRequest.objects.exists()


def test_a_changed_body_is_refused(far):
    body = json.dumps({"run": "a"}).encode()
    headers = sign(new_id(), int(now().timestamp()), f"POST {WORK_PATH}", body, [far.key])
    response = far.client.post(
        WORK_PATH, body + b" ", content_type="application/json",
        headers={**headers, "statuspage-region": "far"},
    )  # fmt: skip
    assert response.status_code == 401


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{", b'{"room": NaN}', b'{"room": "9", "run": "a"}', b'{"room": true, "run": "a"}',
     b'{"run": ""}', b'{"run": 5}', b"[" * 50_000, b"\xff"],
)  # fmt: skip
def test_what_is_no_request_for_work_is_refused_with_a_sentence(far, body):
    response = far.post(WORK_PATH, body)
    assert response.status_code == 400
    assert response.json()["error"].endswith(".")


def odd_rows(order):
    good = result(order)
    yield from (None, 5, [], {}, {**good, "claim": [1, 2]}, {**good, "claim": ["1", 2, 3]})
    yield {**good, "claim": [2**80, 1, 1]}
    yield {**good, "started_at": "now"}
    yield {**good, "reading": {"total_ms": "12"}}
    yield {**good, "reading": {"total_ms": 1, "failure": "bored"}}
    yield {**good, "reading": {"total_ms": 1, "detail": 5}}
    yield {**good, "reading": {"total_ms": 10**400}}
    yield {**good, "reading": {"total_ms": 1, "facts": []}}


def test_an_odd_result_is_dropped_and_the_others_taken(far):
    far_probe()
    order = far.orders()[0]
    rows = list(odd_rows(order))
    said = far.results(*rows, result(order)).json()
    assert (said["settled"], said["dropped"]) == (1, len(rows))
    assert said["reason"]


def test_letters_and_numbers_that_no_column_takes_are_made_to_fit(far):
    far_probe()
    order = far.orders()[0]
    odd = "a\0b\ud800" + "é" * 5000
    row = result(order, failure="status", detail=odd, excerpt=odd, address=odd, total_ms=1e300,
                 status_code=10**12, family=10**9, facts={odd: odd, "list": [odd, 1]})  # fmt: skip
    assert far.results(row).json()["settled"] == 1
    check = Check.objects.get()
    assert check.outcome == "down"
    assert "\0" not in check.excerpt


def test_too_many_results_and_too_large_a_body_are_refused(far):
    assert far.post(RESULTS_PATH, {"results": [{}] * 500}).status_code == 400
    assert far.post(RESULTS_PATH, {"results": {}}).status_code == 400


def test_a_rotated_key_is_valid_for_a_day(far):
    region = RemoteRegion.objects.get()
    new = region.rotate(now())
    assert far.work().status_code == 200
    answer = Region("far", new).work()
    assert answer.status_code == 200
    region.old_key_until = now() - timedelta(seconds=1)
    region.save()
    assert far.work().status_code == 401
    newest = region.rotate(now(), at_once=True)
    assert Region("far", new).work().status_code == 401
    assert Region("far", newest).work().status_code == 200


def test_a_region_that_is_off_or_removed_gets_nothing_and_its_probes_are_claimed_here(far):
    probe = far_probe()
    assert Probe.objects.claim_due(int(now().timestamp())) == []
    RemoteRegion.objects.update(is_active=False)
    assert far.work().status_code == 401
    assert [claim.probe_id for claim in Probe.objects.claim_due(int(now().timestamp()))] == [probe.pk]


def test_a_key_that_cannot_be_decrypted_any_more_says_so(far, settings):
    settings.SECRET_KEY = "another" * 10
    assert far.work().json()["error"] == region_views.UNREADABLE


def test_without_tls_only_this_machine_is_served(far):
    far.client = Client(REMOTE_ADDR="192.0.2.7")
    assert far.work().json()["error"] == region_views.INSECURE
    far.client = Client(REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="192.0.2.7")
    assert far.work().status_code == 403


def test_someone_who_tries_keys_is_slowed_down_and_a_region_that_asks_too_often_as_well(
    far, monkeypatch, settings
):
    settings.TRUSTED_PROXIES, settings.SECURE_PROXY_SSL_HEADER = 1, ("HTTP_X_FORWARDED_PROTO", "https")
    far.client = Client(HTTP_X_FORWARDED_FOR="93.184.216.34", HTTP_X_FORWARDED_PROTO="https")
    codes = [far.post(WORK_PATH, {}, name="x").status_code for _ in range(40)]
    assert codes[:5] == [401] * 5
    assert codes[-1] == 429
    far.client = Client(HTTP_X_FORWARDED_FOR="93.184.216.35", HTTP_X_FORWARDED_PROTO="https")
    monkeypatch.setattr(region_views, "REQUESTS", region_views.Rate(3, 0))
    assert [far.work().status_code for _ in range(5)] == [200] * 3 + [429] * 2


def test_room_is_what_it_gets_at_most_and_the_rest_comes_next(far):
    for number in range(5):
        far_probe(name=f"n{number}")
    assert len(far.orders(room=2)) == 2
    assert far.orders(room=0) == []
    assert far.orders(room=-5) == []
    assert len(far.orders(room=10**9)) == 3


def test_an_agent_that_dies_of_a_check_three_times_lets_it_rest(far):
    probe = far_probe()
    far.work(run="start-0")
    for number in range(1, 4):
        Probe.objects.update(lease_until=int(now().timestamp()) + 20)
        far.work(run=f"start-{number}")
        far.work(run=f"start-{number}")
    probe.refresh_from_db()
    assert probe.attempts == 3
    Probe.objects.update(lease_until=int(now().timestamp()) - 1)
    assert far.orders() == []


def test_a_client_certificate_goes_with_its_order_alone(far, tmp_path):
    from components import client_certificates
    from components.probers import PROBERS

    key, chain = make(tmp_path, "127.0.0.1")
    probe = far_probe(target="https://127.0.0.1:9443/")
    plain = far_probe(name="plain")
    pair = client_certificates.of(chain.read_text(), key.read_text())
    probe.keep_certificate(pair, PROBERS["http"].parse(probe.target, {}))
    probe.save()
    orders = {order["claim"][0]: order for order in far.orders()}
    assert orders[probe.pk]["certificate"] == [pair.chain, pair.key]
    assert "certificate" not in orders[plain.pk]


def test_a_probe_that_cannot_be_run_is_unknown_and_no_order(far):
    probe = far_probe(options={"nonsense": "1"})
    assert far.orders() == []
    check = Check.objects.get(probe=probe)
    assert (check.outcome, check.failure) == ("unknown", "own_fault")


def test_blindness_and_life_of_a_region_are_written_down(far):
    far.work(is_blind=True, waiting=7, lost=2)
    assert sight.blind_regions(now()) == ["far"]
    assert Heartbeat.objects.filter(role="region", name="far").exists()
    row = RemoteRegion.objects.get()
    assert (row.waiting, row.lost) == (7, 2)
    far.work(is_blind=False)
    assert sight.blind_regions(now()) == []


def test_a_password_is_opened_for_the_region_of_its_probe_alone(far):
    probe = far_probe()
    Probe.objects.filter(pk=probe.pk).delete()
    redis = watched(
        "Store", region="far", kind="redis", interval_s=30, timeout_s=5, target="127.0.0.1:6379",
        options={"password": "hunter22"},
    )  # fmt: skip
    assert "hunter22" not in json.dumps(Probe.objects.get().options)
    (order,) = far.orders()
    assert (order["claim"][0], order["options"]["password"]) == (redis.pk, "hunter22")
    request = request_of(order, "far")
    assert request.kind == "redis"
    assert far.results(result(order)).json()["settled"] == 1


def test_what_was_reported_is_judged_by_the_server(far):
    beat = watched("Backup", region="far", kind="heartbeat", interval_s=30, target="10 min")
    assert far.orders() == []
    beat.refresh_from_db()
    assert beat.claimed_slot is None
    assert Check.objects.get().outcome == "unknown"  # nothing was reported yet
