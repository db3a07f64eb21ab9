"""Checks of days that are over: packed, dropped or deleted, and read as if nothing had happened."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from components import packing, partitions
from components.models import Check, CheckPack, Probe
from components.packed_checks import COLUMNS
from components.partitions import DAY_S
from components.tasks import prune_checks
from incidents import probe_facts
from incidents.availability_series import curve
from statuspage.console.probe_detail.facts import with_last
from tests.making import watched

NOW = datetime(2026, 11, 12, 8, 0, tzinfo=UTC)
TODAY = int(NOW.timestamp()) // DAY_S
LONG_AGO = TODAY - 5

pytestmark = pytest.mark.usefixtures("db")


def checks(probe, day, count=20, **more):
    """A check every 10 minutes from the day's first second on; each third one failed."""
    rows = []
    for number in range(count):
        is_bad = number % 3 == 0
        rows.append(
            Check(
                probe=probe, slot=day * DAY_S + 600 * number, region="local",
                outcome="down" if is_bad else "up", total_ms=20 + number, connect_ms=4, status_code=None,
                failure="refused" if is_bad else "", detail="No one listens." if is_bad else "",
                facts={"reason": "x"} if is_bad else None, **more,
            )
        )  # fmt: skip
    Check.objects.write(rows)
    if connection.vendor == "postgresql":
        with (
            connection.cursor() as cursor
        ):  # a test is one transaction, a table with keys to look at is in use
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    return rows


def everything(probe):
    return Check.objects.between([probe.pk], 0, TODAY * DAY_S + 2 * DAY_S, COLUMNS)


def test_days_that_are_over_for_a_day_are_packed_and_read_the_same():
    probe, other = watched(), watched("Chat")
    for day in (LONG_AGO, TODAY - 2, TODAY - 1, TODAY):
        checks(probe, day)
    checks(other, LONG_AGO, 3)
    before = everything(probe)
    newest, bad = Check.objects.newest(probe, 70), probe_facts.newest_bad(probe)
    good = probe_facts.good_before(probe, LONG_AGO * DAY_S + 9000)
    backwards = list(Check.objects.backwards(probe, LONG_AGO * DAY_S + 700, ("total_ms",)))
    packing.pack_days(NOW)
    packing.pack_days(NOW)
    assert set(CheckPack.objects.values_list("probe", "day")) == {
        (probe.pk, LONG_AGO), (probe.pk, TODAY - 2), (other.pk, LONG_AGO)
    }  # fmt: skip
    assert Check.objects.count() == 40
    assert everything(probe) == before
    again = Check.objects.newest(probe, 70)
    assert [vars(check) for check in again] == [vars(check) | {"_state": a._state}
            for check, a in zip(newest, again, strict=True)]  # fmt: skip
    assert probe_facts.newest_bad(probe).slot == bad.slot
    assert probe_facts.good_before(probe, LONG_AGO * DAY_S + 9000) == good != []
    assert list(Check.objects.backwards(probe, LONG_AGO * DAY_S + 700, ("total_ms",))) == backwards
    pack = CheckPack.objects.get(probe=probe, day=LONG_AGO)
    assert (pack.count, pack.by_outcome) == (20, {"up": 13, "down": 7, "degraded": 0, "unknown": 0})


def test_a_probe_that_is_checked_no_more_is_shown_with_what_is_packed():
    probe = watched()
    checks(probe, LONG_AGO)
    packing.pack_days(NOW)
    assert not Check.objects.exists()
    assert [check.slot for check in Check.objects.newest(probe, 2)] == [
        LONG_AGO * DAY_S + 600 * 19, LONG_AGO * DAY_S + 600 * 18
    ]  # fmt: skip
    assert probe_facts.newest_bad(probe).slot == LONG_AGO * DAY_S + 600 * 18
    assert with_last(Probe.objects.all()).get().last_ms == 39


def test_a_curve_is_the_same_before_and_after_and_in_between():
    probe = watched()
    probe.component.shows_evidence = True
    probe.component.save()
    for day in (LONG_AGO, LONG_AGO + 1, TODAY):
        checks(probe, day)
    ends = (datetime.fromtimestamp(LONG_AGO * DAY_S + 1300, UTC), NOW)
    of = Probe.objects.values("component")
    before = curve(of, *ends)
    rows = list(Check.objects.all())
    packing.pack_days(NOW)
    assert curve(of, *ends) == before
    Check.objects.write([row for row in rows if row.slot < TODAY * DAY_S])
    assert curve(of, *ends) == before


def test_a_result_that_comes_late_joins_its_day_and_what_was_there_first_stays():
    probe = watched()
    checks(probe, LONG_AGO)
    packing.pack_days(NOW)
    first = LONG_AGO * DAY_S
    late = {"probe": probe, "region": "local", "outcome": "up", "total_ms": 99}
    Check.objects.write([Check(slot=first, **late), Check(slot=first + 300, **late)])
    seen = [
        (slot, total_ms)
        for _, slot, _, total_ms in Check.objects.between([probe.pk], first, first + 601, ("total_ms",))
    ]
    assert seen == [(first, 20), (first + 300, 99), (first + 600, 21)]
    packing.pack_days(NOW)
    assert not Check.objects.exists()
    assert [
        (slot, ms) for _, slot, _, ms in Check.objects.between([probe.pk], first, first + 601, ("total_ms",))
    ] == seen


def test_a_slot_that_ran_twice_keeps_its_first_result_and_loses_no_other():
    probe = watched()
    checks(probe, TODAY, 2)
    checks(probe, TODAY, 4)
    assert list(Check.objects.order_by("slot").values_list("total_ms", flat=True)) == [20, 21, 22, 23]


def test_a_run_that_is_cut_off_goes_on_with_the_next():
    probes = [watched(f"API {number}") for number in range(3)]
    for probe in probes:
        checks(probe, LONG_AGO)
    before = [everything(probe) for probe in probes]
    packing.pack_days(NOW, max_s=0)
    assert not CheckPack.objects.exists()
    packing._pack(probes[1].pk, LONG_AGO, deletes=False)  # as if it had been killed before it deleted
    assert [everything(probe) for probe in probes] == before
    packing.pack_days(NOW)
    assert not Check.objects.exists()
    assert [everything(probe) for probe in probes] == before


def test_a_pack_that_cannot_be_read_holds_nothing_and_harms_no_other():
    probe = watched()
    checks(probe, LONG_AGO)
    checks(probe, LONG_AGO + 1)
    packing.pack_days(NOW)
    CheckPack.objects.filter(day=LONG_AGO).update(data=b"\x09broken")
    assert {slot // DAY_S for _, slot, *_ in everything(probe)} == {LONG_AGO + 1}


def test_a_pack_that_cannot_be_read_is_not_replaced_by_what_comes_late():
    """It may be of a later version, from before a downgrade."""
    probes = [watched("API"), watched("Chat")]
    for probe in probes:
        checks(probe, LONG_AGO)
    packing.pack_days(NOW)
    CheckPack.objects.filter(probe=probes[0]).update(data=b"\x09broken")
    late = {"slot": LONG_AGO * DAY_S + 300, "region": "local", "outcome": "up", "total_ms": 99}
    Check.objects.write([Check(probe=probe, **late) for probe in probes])
    packing.pack_days(NOW)
    assert bytes(CheckPack.objects.get(probe=probes[0]).data) == b"\x09broken"
    assert list(Check.objects.values_list("probe_id", flat=True)) == [probes[0].pk]


def test_what_is_past_its_keep_goes_by_whole_days(settings):
    settings.CHECK_RETENTION_DAYS = 4
    probe = watched()
    for day in (LONG_AGO, TODAY - 4, TODAY - 1):
        checks(probe, day)
    packing.pack_days(NOW)
    checks(probe, LONG_AGO, 1)
    prune_checks(NOW)
    assert {slot // DAY_S for _, slot, *_ in everything(probe)} == {TODAY - 4, TODAY - 1}


def only_on_postgres():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has an ordinary table")


def names():
    return [partition.name for partition in partitions.partitions()]


def test_partitions_are_made_ahead_and_dropped_when_all_of_them_is_packed():
    only_on_postgres()
    then = NOW + timedelta(days=400)  # after those that the migration made
    day = int(then.timestamp()) // DAY_S
    partitions.make_ahead(then)
    partitions.make_ahead(then)
    assert names()[-4:] == [partitions.name_of((day + ahead) * DAY_S) for ahead in range(4)]
    probe, other = watched(), watched("Chat")
    checks(probe, day)
    checks(other, day, 5)
    before = everything_after(probe, day), everything_after(other, day)
    assert count(partitions.name_of(day * DAY_S)) == 25
    packing.pack_days(then + timedelta(days=1))
    assert not CheckPack.objects.exists()  # it may still be looked at as the last 24 hours
    packing.pack_days(then + timedelta(days=2), max_s=0)
    assert partitions.name_of(day * DAY_S) in names()  # nothing is packed: nothing is dropped
    packing.pack_days(then + timedelta(days=2))
    assert partitions.name_of(day * DAY_S) not in names()
    assert not Check.objects.exists()
    assert (everything_after(probe, day), everything_after(other, day)) == before


def everything_after(probe, day):
    return Check.objects.between([probe.pk], day * DAY_S, (day + 9) * DAY_S, COLUMNS)


def count(table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return cursor.fetchone()[0]


def test_a_result_without_a_partition_is_kept_packed_and_deleted():
    only_on_postgres()
    then = NOW + timedelta(days=800)
    day = int(then.timestamp()) // DAY_S
    probe = watched()
    checks(probe, day)
    assert count(partitions.REST) == 20
    partitions.make_ahead(then)  # today stays in the rest, the days ahead get their own
    assert partitions.name_of(day * DAY_S) not in names()
    assert partitions.name_of((day + 1) * DAY_S) in names()
    before = everything_after(probe, day)
    packing.pack_days(then + timedelta(days=3))
    assert count(partitions.REST) == 0
    assert everything_after(probe, day) == before != []


def test_partitions_past_their_keep_are_dropped_unpacked():
    only_on_postgres()
    then = NOW + timedelta(days=1200)
    day = int(then.timestamp()) // DAY_S
    partitions.make_ahead(then)
    checks(watched(), day)
    prune_checks(then + timedelta(days=16))
    assert partitions.name_of(day * DAY_S) not in names()
    assert not CheckPack.objects.exists()
