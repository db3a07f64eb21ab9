"""Every command of the program: `statuspage` where it is installed, `manage.py` in a checkout."""

import gc
import os
import sys

from statuspage.ops import private_files, roles


def main() -> None:
    """Run the command that was typed."""
    private_files.begin()  # before the settings, which write the first file
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statuspage.settings")
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if role := roles.NAMES.get(command):
        os.environ.setdefault("ROLE", role)
    if command == "up":
        gc.disable()  # what is imported stays: to look through it for garbage takes a fifth of the start
    from django.conf import settings
    from django.core.management import execute_from_command_line
    from environs import EnvError

    if command == "doctor":
        from statuspage.ops.doctor import environment

        environment.FAULTS += environment.mend(lambda: settings.INSTALLED_APPS)
    try:
        settings.INSTALLED_APPS  # noqa: B018 - reads the environment, before anything is done
    except EnvError as error:
        sys.exit(f"Cannot start: {error}")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
