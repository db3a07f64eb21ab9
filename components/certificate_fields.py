"""The form fields for a probe's client certificate and key. The key can be set, never read back."""

import re
from datetime import datetime
from typing import Any

from django import forms
from django.utils.html import format_html

from components import client_certificates
from components.client_certificates import CERTIFICATE, KEY, CertificateError, ClientCertificate
from components.models import Probe
from components.probers import PROBERS, InvalidProbeError

REMOVE = "remove_certificate"
NAMES = (CERTIFICATE, KEY, REMOVE)
NEW = "PEM, followed by its chain. Presented only to the target's host and port."
KEEP = " Leave both fields empty to keep it."
KEY_HELP = "PEM, without a passphrase. Stored encrypted and never shown again."
AGAIN = format_html("<b>{}</b>", "Paste the key again before you save: the form does not keep it.")
CERTIFICATES = re.compile(
    r"\s*(-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)+", re.ASCII
)
ATTRIBUTES = {"rows": 3, "cols": 60, "autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}


class ChainArea(forms.Textarea):
    """Certificates that were typed come back; with anything beside them nothing does: it may be a key."""

    def format_value(self, value: Any) -> str | None:
        return value if CERTIFICATES.fullmatch(value or "") else None


class SecretArea(forms.Textarea):
    """What is typed here is written into no page, not even into that of an error."""

    def format_value(self, value: Any) -> None:
        return None


def add_to(form: forms.Form | forms.ModelForm, probe: Probe, now: datetime) -> None:  # type: ignore[type-arg]
    """The fields, with what is kept told above them. A key that was typed is forgotten."""
    told = probe.certificate_told(now)
    form.fields[CERTIFICATE] = forms.CharField(
        label="Client certificate",
        required=False,
        widget=ChainArea(attrs=ATTRIBUTES),
        help_text=f"{told[:1].upper()}{told[1:]}.{KEEP}" if told else NEW,
    )
    is_dropped = bool(form.initial.pop(KEY, ""))  # of a form whose kind was changed
    form.fields[KEY] = forms.CharField(
        label="Private key",
        required=False,
        widget=SecretArea(attrs=ATTRIBUTES),
        help_text=AGAIN if is_dropped else KEY_HELP,
    )
    if told:
        form.fields[REMOVE] = forms.BooleanField(
            label="Remove the client certificate",
            required=False,
            help_text="No certificate is presented from the next check on.",
        )


def take(probe: Probe, target: str, data: dict[str, Any], now: datetime) -> None:
    """Keep what was typed, or remove what was kept. Not saved. Raises CertificateError."""
    if data.get(REMOVE):
        if data.get(CERTIFICATE) or data.get(KEY):
            raise CertificateError(CERTIFICATE, "Either remove the certificate or replace it, not both.")
        probe.keep_certificate(None)
    pair = _typed(data, now)
    if pair is None:
        return
    try:
        order = PROBERS[probe.kind].parse(target, probe.named_options)
    except InvalidProbeError:
        return  # the form says so by itself
    probe.keep_certificate(pair, order)


def _typed(data: dict[str, Any], now: datetime) -> ClientCertificate | None:
    """What was typed into the two fields, if anything was. Raises CertificateError."""
    chain, key = data.get(CERTIFICATE) or "", data.get(KEY) or ""
    return client_certificates.checked(chain, key, now) if chain or key else None
