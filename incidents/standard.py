"""The texts an installation begins with (DESIGN.md, section 6); staff change them as they like."""

# each: kind, name, phase, title, text
TEMPLATES = (
    (
        "incident", "Looking into it", "investigating", "{components} does not work as usual",
        ("{components|What} does not work for {whom}. {What works} works as usual. "
        "We are looking into it and will write again by {next}."),
    ),
    (
        "incident", "Slow", "investigating", "{components} is slow",
        ("{components|What} is slow for {whom}. {What works} works as usual. "
        "We are looking into it and will write again by {next}."),
    ),
    (
        "update", "Looking into it", "investigating", "",
        ("{components|What} does not work for {whom}. {What works} works as usual. "
        "We are looking into it and will write again by {next}."),
    ),
    (
        "update", "Still looking", "investigating", "",
        "{components|What} still does not work. We have ruled out {cause}. We will write again by {next}.",
    ),
    (
        "update", "Cause found", "identified", "",
        ("{Cause in one sentence}. We are {action}. We do not yet know how long this takes. "
        "We will write again by {next}."),
    ),
    (
        "update", "Partly back", "identified", "",
        ("{What works} works again for {whom}. {components|What} still does not. "
        "We will write again by {next}."),
    ),
    (
        "update", "Fixed, watching", "monitoring", "",
        ("{components|What} works again since {now}. "
        "We'll keep watching until {next} before closing this incident."),
    ),
    (
        "update", "Resolved", "resolved", "",
        ("{components|What} did not work from {started} to {now} ({duration}). {Cause}. "
        "{Loss|No data was lost}. A postmortem follows by {date}."),
    ),
    (
        "maintenance", "Planned work", "", "{components}: planned work",
        "On {date}, {start} to {end}, we {work}. {Effect}. Nothing is needed from you.",
    ),
)  # fmt: skip
