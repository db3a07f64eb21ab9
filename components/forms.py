"""The form of a probe: its own fields, and one for each option of its kind.

Django's admin shows the options of every kind at once; the console only those of the chosen one.
"""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from components import certificate_fields, secret_fields
from components.client_certificates import CERTIFICATE, KEY, CertificateError
from components.models import Probe
from components.models.regional import checked_regions
from components.models.showing import COLUMNS
from components.probers import PROBERS, Option, Passive
from components.sealed_options import SECRET_TYPES, secrets_of


class LinesField(forms.CharField):
    """A text of several lines: a browser sends it back with CR LF, which is no change."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        pair = [str(value or "").replace("\r\n", "\n") for value in (initial, data)]
        return pair[0] != pair[1]


def field_of(option: Option) -> forms.Field:
    """The form field of a probe's option."""
    if option.type in SECRET_TYPES:
        return secret_fields.field_of(option)
    common: dict[str, Any] = {"label": option.label, "help_text": option.help, "required": False}
    if option.type == "bool":
        return forms.BooleanField(initial=option.default, **common)
    if option.type == "choice":
        return forms.ChoiceField(
            choices=[(choice, choice) for choice in option.choices], initial=option.default, **common
        )
    if option.type in ("text", "mapping"):
        initial = "" if option.type == "mapping" else option.default
        return LinesField(
            widget=forms.Textarea(attrs={"rows": option.rows, "cols": 60}),
            initial=initial,
            strip=False,
            **common,
        )
    # a number too: its prober says what is wrong with it, and what is sent back is compared as text
    return forms.CharField(initial=_as_text(option.default), **common)


def _as_text(value: Any) -> Any:
    """A number as a form shows it and a browser sends it back; everything else as it is."""
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def name_of(kind: str, option: str) -> str:
    """The name of an option's form field."""
    return f"{kind}__{option}"


class ProbeForm(forms.ModelForm):  # type: ignore[type-arg]
    """A probe with a field for each option of each kind; those of its own kind are kept."""

    class Meta:
        model = Probe
        exclude = ("options",)  # noqa: DJ006 - every field but the one spread over many

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        prober = PROBERS.get(self.instance.kind)
        secrets = [option.name for option in secrets_of(prober)] if prober else []
        for name, value in self.instance.named_options.items():
            if name in secrets:
                continue
            lines = (
                "\n".join(f"{k}: {v}" for k, v in value.items())
                if isinstance(value, dict)
                else _as_text(value)
            )
            self.initial[name_of(self.instance.kind, name)] = lines

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in ("unsteady_count", "unsteady_window"):
            if data.get(name) is None:  # left out or emptied: as it was
                data[name] = getattr(self.instance, name)
        kind = data.get("kind")
        if kind in PROBERS:
            given = {
                option.name: data.get(name_of(kind, option.name), option.default)
                for option in PROBERS[kind].options
            }
            stored = self.instance.named_options if self.instance.kind == kind else {}
            for option in secrets_of(PROBERS[kind]):
                name = name_of(kind, option.name)
                given[option.name] = secret_fields.chosen(data, name, stored.get(option.name))
            changed = {
                option.name
                for option in PROBERS[kind].options
                if given[option.name] not in ("", option.default, _as_text(option.default))
            }
            self.instance.options = {name: value for name, value in given.items() if name in changed}
        return data

    def add_error(self, field: str | None, error: Any) -> None:
        """An option's error belongs to the option's own field, and so does that of a certificate."""
        errors = getattr(error, "error_dict", {})
        if CERTIFICATE in errors and CERTIFICATE not in self.fields:  # Django's admin has no field for it
            errors.setdefault("target", []).extend(errors.pop(CERTIFICATE))
            errors["target"].append(ValidationError("Change the certificate in the console."))
        of_options = errors.get("options", [])
        for option_error in of_options:
            name = name_of(self.cleaned_data.get("kind", ""), option_error.code or "")
            super().add_error(name if name in self.fields else "kind", option_error)
        if of_options:
            rest = {name: value for name, value in error.error_dict.items() if name != "options"}
            error = ValidationError(rest) if rest else None
        if error is not None:
            super().add_error(field, error)


class FullProbeForm(
    type(  # type: ignore[misc]
        "OptionFields",
        (ProbeForm,),
        {
            name_of(kind, option.name): field_of(option)
            for kind, prober in PROBERS.items()
            for option in prober.options
        },
    )
):
    """The probe's own page, with every option."""


class ShortProbeForm(ProbeForm):
    """A probe in a row of its component; its options stay as they are."""

    def clean(self) -> dict[str, Any]:
        options = dict(self.instance.named_options)
        data = super().clean()
        self.instance.options = options if data.get("kind") == self.initial.get("kind") else {}
        return data


# Fields that are not named here (options of a kind) belong to "Request".
SECTIONS = {
    "Request": ("kind", "target", "timeout_s", "region", "other_regions"),
    "Expected response": ("expected_status", "expect", "expect_text", "expect_regex", "json_path",
                          "json_equals", "expect_header", "expect_header_value", "value", "divided_by",
                          "several", "limits", "full_at", "warn_minutes", "component", "partial", "unread",
                          "max_lost", "expect_event", "first_s", "gap_s",
                          "degraded_above", "down_above",
                          "loss_degraded_above", "loss_down_above", "warn_days",
                          "latency_limit_ms", "least_days_left"),
    "Thresholds": ("interval_s", "retry_s", "confirm_down", "confirm_up", "quorum", "unsteady_count",
                   "unsteady_window"),
    "Visibility": ("name", "down_status"),
}  # fmt: skip
# Of what is reported nothing is looked up, dialled or timed, and all regions would hear the same
NOT_REPORTED = ("timeout_s", "latency_limit_ms", "least_days_left", "other_regions", "quorum")
PLACES = {name: title for title, names in SECTIONS.items() for name in names}
HELP = {
    "kind": "The kind of check to run.",
    "interval_s": "How often to check: every 5 s to once a day.",
    "confirm_down": "Failed checks in a row before it counts as down. With 1, one lost packet is an outage.",
    "confirm_up": "Passed checks in a row before it counts as recovered.",
    "down_status": "The component's status while this probe is down.",
    "region": "Workers in this region run the check.",
}


# The same of a kind that looks at nothing
HELP_OF_REPORTS = {
    "interval_s": "How often it is evaluated. A report that changes something is evaluated at once.",
    "confirm_down": "Evaluations in a row that must find it down. With 1, a reported failure counts at once.",
    "confirm_up": "Evaluations in a row that must find it up before it counts as recovered.",
}


class KindForm(ProbeForm):
    """A probe with the options of its chosen kind alone, in sections."""

    class Meta:
        model = Probe
        fields = ("name", "kind", "target", "interval_s", "timeout_s", "retry_s", "latency_limit_ms",
                  "least_days_left", "confirm_down", "confirm_up", "unsteady_count", "unsteady_window",
                  "down_status", "region", "quorum")  # fmt: skip

    other_regions = forms.CharField(
        required=False,
        max_length=500,
        label="Other regions",
        help_text="Names of regions, separated by commas: each makes the same check. It counts as down when "
        "more than half of those that report agree.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.data.get("kind") if self.is_bound else self.initial.get("kind")
        self.chosen = str(chosen or next(iter(PROBERS)))
        self.had_certificate = bool(self.instance.client_certificate)
        if self.instance.pk:
            self.initial["other_regions"] = ", ".join(row.region for row in self.instance.others.all())
        if self.chosen not in PROBERS:
            return  # the field itself says so
        prober = PROBERS[self.chosen]
        self.initial.setdefault("kind", self.chosen)
        self.fields["target"].help_text = prober.target_help
        if isinstance(prober, Passive):
            self._be_reported_to(prober)
        for option in prober.options:
            name = name_of(self.chosen, option.name)
            self.fields[name] = field_of(option)
            if option.type in SECRET_TYPES:
                is_own = self.instance.kind == self.chosen
                stored = self.instance.named_options.get(option.name) if is_own else None
                secret_fields.note_stored(self, name, option, stored)
        if prober.shows_certificate:
            certificate_fields.add_to(self, self.instance, timezone.now())
        help_texts = HELP | HELP_OF_REPORTS if self.is_reported else HELP
        for name, text in help_texts.items():
            self.fields[name].help_text = text

    def _be_reported_to(self, prober: Passive) -> None:
        """The fields of a kind that looks at nothing: no address to look at, no time it may take."""
        target = self.fields["target"]
        target.label = prober.target_label
        if prober.target_choices:
            target.widget = forms.Select(choices=prober.target_choices)
        else:
            target.widget = forms.Textarea(attrs={"rows": 2, "cols": 60})
        for name in NOT_REPORTED:
            del self.fields[name]
        if self.instance.pk is None and not self.is_bound:
            self.initial.update(confirm_down=1, confirm_up=1)  # what was reported needs no second look

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        self.instance.kind = data.get("kind", self.instance.kind)
        regions = 1 + len(data.get("other_regions") or ())
        if data.get("quorum") and data["quorum"] > regions and "other_regions" not in self.errors:
            number = f"{regions} region{'' if regions == 1 else 's'}"
            self.add_error("quorum", f"This probe is checked from {number}: use at most {regions}.")
        if CERTIFICATE not in self.fields:  # the chosen kind shows none
            self.instance.keep_certificate(None)
            return data
        try:
            certificate_fields.take(self.instance, data.get("target", ""), data, timezone.now())
        except CertificateError as bad:
            # in memory only: no further errors about the stored one
            self.instance.keep_certificate(None)
            self.add_error(bad.field, bad.sentence)
        return data

    def clean_other_regions(self) -> list[str]:
        """The names in order, without the probe's own region."""
        own = str(self.data.get("region", self.instance.region)).strip()
        return checked_regions(self.cleaned_data["other_regions"].split(","), own)

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        secret_fields.ask_again(self, self.chosen)
        if KEY not in self.fields or not self.data.get(KEY):
            return
        if self.errors and KEY not in self.errors:
            self.add_error(KEY, certificate_fields.AGAIN)
        else:  # shown with the test result, or with the key's error
            self[KEY].help_text = certificate_fields.AGAIN

    @property
    def is_reported(self) -> bool:
        """Whether the chosen kind looks at nothing, so that there is nothing to try."""
        return isinstance(PROBERS.get(self.chosen), Passive)

    @property
    def sections(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Title and fields of each, in the order of SECTIONS; within one the options stand after `target`."""
        parts: dict[str, list[forms.BoundField]] = {title: [] for title in SECTIONS}
        for field in self:
            parts[PLACES.get(field.name.rpartition("__")[2], "Request")].append(field)
        parts["Expected response"].sort(
            key=lambda field: "__" not in field.name
        )  # its own before the general
        first = ("kind", "target", self.chosen, *certificate_fields.NAMES)
        parts["Request"].sort(key=lambda field: _place(field.name, first))
        return list(parts.items())

    @property
    def own_names(self) -> list[str]:
        """The names of the columns of this form that were changed."""
        typed = set(self.changed_data) & set(certificate_fields.NAMES)
        changed = [name for name in self.changed_data if name not in typed]
        columns = [name for name in changed if "__" not in name and name != "other_regions"]
        if any("__" in name for name in changed) or "kind" in columns:
            columns.append("options")
        is_gone = self.had_certificate and not self.instance.client_certificate
        return [*columns, *COLUMNS] if typed or is_gone else columns


def _place(name: str, first: tuple[str, ...]) -> int:
    """The kind, the address, the options of this kind, the certificate, then the rest."""
    word = name.partition("__")[0]
    return first.index(word) if word in first else len(first)
