"""Probes that are reported to instead of looking: what arrives, what it means, and where it waits.

`schedules` and `lengths` say when a report is due, `heartbeats` and `alerts` keep and judge what was
reported, and `spool` holds reports on disk until the database has them.
"""
