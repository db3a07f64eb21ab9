"""Staff are told outside the console: what is wrong, to whom, by which way, and by whom when parts are dead.

`kinds` finds what staff should know; `book` opens, reminds and closes; `delivering` sends what is owed;
`last_resort` tells that the database is away; `watch` does all of it every few seconds.
"""
