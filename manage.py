#!/usr/bin/env python
"""Every command of the program: `manage.py up` runs all of it."""

import os
import sys

from statuspage.ops import private_files


def main() -> None:
    """Run the command that was typed."""
    private_files.begin()  # before the settings, which write the first file
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statuspage.settings")
    from django.conf import settings
    from django.core.management import execute_from_command_line
    from environs import EnvError

    if sys.argv[1:2] == ["doctor"]:
        from statuspage.ops.doctor import environment

        environment.FAULTS += environment.mend(lambda: settings.INSTALLED_APPS)
    try:
        settings.INSTALLED_APPS  # noqa: B018 - reads the environment, before anything is done
    except EnvError as error:
        sys.exit(f"Cannot start: {error}")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
