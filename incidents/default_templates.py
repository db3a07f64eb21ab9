"""The text templates of a new installation, as the migrations leave them (docs/writing.md).

Staff can edit them, so new wording here needs a migration that does not overwrite theirs.
"""

NOT_WORKING = (
    "{components|What} {is} not working for {whom}. Working normally: {what works}. "
    "We're investigating and will post another update by {next}."
)
# each: kind, name, phase, title, text
TEMPLATES = (
    (
        "incident", "Investigating", "investigating", "{components} {is} not working",
        NOT_WORKING,
    ),
    (
        "incident", "Slow", "investigating", "{components} {is} slow",
        ("{components|What} {is} slow for {whom}. Working normally: {what works}. "
        "We're investigating and will post another update by {next}."),
    ),
    (
        "update", "Investigating", "investigating", "",
        NOT_WORKING,
    ),
    (
        "update", "Still investigating", "investigating", "",
        "{components|What} {is} still not working. We have ruled out {cause}. Next update by {next}.",
    ),
    (
        "update", "Identified", "identified", "",
        ("{Cause in one sentence}. We're {action}. We don't know yet how long this will take. "
        "Next update by {next}."),
    ),
    (
        "update", "Partly restored", "identified", "",
        ("{What works} recovered for {whom}. {components|What} {is} still not working. "
        "Next update by {next}."),
    ),
    (
        "update", "Monitoring", "monitoring", "",
        ("{components|What} recovered at {now}. We'll keep monitoring until {next} "
        "before resolving this incident."),
    ),
    (
        "update", "Resolved", "resolved", "",
        ("{components|What} {was} unavailable from {started} to {now} ({duration}). {Cause}. "
        "{Loss|No data was lost}. A postmortem will follow by {date}."),
    ),
    (
        "maintenance", "Maintenance", "", "{components}: planned maintenance",
        "On {date} from {start} to {end} we will {work}. {Effect}. You don't need to do anything.",
    ),
)  # fmt: skip
