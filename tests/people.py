"""Staff for tests, and the cookie of somebody who has logged in."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

from statuspage.models import Member, Role


def person(name, role=Role.RESPONDER):
    user = get_user_model().objects.create_user(name, password="x", first_name=name.capitalize())
    Member.objects.appoint(user, role)
    return user


def cookie(user):
    """The session of this person, as their browser holds it."""
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def session(name, role=Role.RESPONDER):
    """Somebody new who has logged in."""
    return cookie(person(name, role))
