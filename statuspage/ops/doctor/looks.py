"""All looks, in the order in which they are shown."""

from statuspage.ops.doctor import (
    broker,
    check_days,
    configuration,
    contents,
    database,
    folder,
    mail,
    outside,
    sealing,
)
from statuspage.ops.doctor.findings import Look

DATABASE, MIGRATED = ("database",), ("database", "migrations")
LOOKS = (
    Look("settings", configuration.look),
    Look("VAR_DIR", folder.look),
    Look("program", folder.program),
    Look("open files", configuration.open_files),
    Look("static files", folder.static_files),
    Look("database", database.look),
    Look("migrations", database.migrations, needs=DATABASE),
    Look(check_days.NAME, check_days.look, needs=DATABASE),
    Look("integrity", database.integrity, deadline_s=database.CHECK_S + 4, needs=DATABASE),
    Look("clock", database.clock, needs=DATABASE),
    Look("broker", broker.look),
    Look("SECRET_KEY", sealing.look, needs=MIGRATED),
    Look("loops", contents.loops, needs=MIGRATED),
    Look("probes", contents.probes, needs=MIGRATED),
    Look("people", contents.people, needs=MIGRATED),
    Look("backup", contents.backup, needs=MIGRATED),
    Look("PUBLIC_URL", outside.public_page, deadline_s=15),
    Look("/live", outside.live_stream, needs=("PUBLIC_URL",)),
    Look("mail server", mail.look),
    Look("single sign-on", outside.sign_on),
    Look("outside watch", configuration.outside_watch),
)
