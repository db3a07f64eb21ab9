"""The audit of dependencies tells an advisory from silence."""

import datetime

import pytest

from tests.audit import report, verdict

TODAY = datetime.date(2026, 3, 1)
WEAK = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2.0"]}
GOOD, BAD = {"name": "a", "version": "1", "vulns": []}, {"name": "b", "version": "1", "vulns": [WEAK]}
SKIPPED = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("rows", "waivers", "code", "says"),
    [
        ([], {}, 0, "NOT audited"),
        ([SKIPPED, SKIPPED], {}, 0, "NOT audited"),
        ([GOOD], {}, 0, ""),
        ([GOOD, SKIPPED], {}, 0, "1 requirements could not"),
        ([GOOD, BAD], {}, 1, "b 1: PYSEC-1, mended in 2.0"),
        ([BAD], {"CVE-1": TODAY + datetime.timedelta(days=30)}, 0, ""),
        ([BAD], {"CVE-2": TODAY}, 1, "PYSEC-1"),
        ([BAD], {"CVE-1": TODAY + datetime.timedelta(days=31)}, 1, "CVE-1"),
        ([BAD], {"CVE-1": TODAY - datetime.timedelta(days=1)}, 1, "CVE-1"),
    ],
)
def test_an_advisory_fails_and_silence_is_told(rows, waivers, code, says):
    got, text = verdict(rows, waivers, TODAY)
    assert got == code
    assert says in text


def test_a_file_nobody_can_audit_is_silence(tmp_path):
    assert report(tmp_path / "missing.txt") == []
