"""`manage.py prepare`: what is done once per release, before the roles start."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction

from statuspage.ops import bootstrap
from statuspage.ops.release import lay_out_static_files, prepare_database
from statuspage.ops.supervisor import StartError


class Command(BaseCommand):
    help = "Migrate the database, lay out static files, and make the first staff login. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
            prepare_database()
        except (StartError, OSError) as error:
            sys.exit(str(error))
        lay_out_static_files()
        with transaction.atomic():
            staff = bootstrap.first_login()
        self.stdout.write("The database is up to date, and static files are laid out.")
        if staff is not None:
            self.stdout.write(f"Staff login: {settings.PUBLIC_URL}/accounts/login/   {staff[0]} / {staff[1]}")
            self.stdout.write("             (you will be asked to set your own password)")
