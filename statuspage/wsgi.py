"""Django as WSGI, behind the front door."""

import os

from django.core.wsgi import get_wsgi_application

from statuspage.ops import private_files

private_files.begin()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statuspage.settings")

application = get_wsgi_application()
