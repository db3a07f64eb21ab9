"""Answers of real servers that were broken on purpose, recorded with our own prober.

`python -m tests.recordings` starts the servers on loopback, breaks them one way after the
other, and writes what a check saw, with the true cause, into `tests/recordings/cases/`.
"""
