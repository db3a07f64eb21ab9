"""Logins, with django-allauth. What a person may do is decided in `statuspage.staff.access`."""
