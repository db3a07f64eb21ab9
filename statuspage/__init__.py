"""The project package, and an installed app: pages, feeds, API, console, logins, serving."""
