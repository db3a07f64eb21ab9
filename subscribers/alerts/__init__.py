"""Alerts to staff outside the console.

`kinds` finds what staff should know; `book` opens, reminds and closes; `delivering` sends what is due;
`last_resort` reports that the database is away; `watch` runs all of it every few seconds.
"""
