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
    """Shows entered certificates again, but nothing if there is other text: it may be a private key."""

    def format_value(self, value: Any) -> str | None:
        return value if CERTIFICATES.fullmatch(value or "") else None


class SecretArea(forms.Textarea):
    """Never writes its value into a page, not even when the form has errors."""

    def format_value(self, value: Any) -> None:
        return None


def add_to(form: forms.Form | forms.ModelForm, probe: Probe, now: datetime) -> None:  # type: ignore[type-arg]
    """Add the fields, with a summary of the stored certificate. An entered key is not shown again."""
    summary = probe.certificate_summary(now)
    form.fields[CERTIFICATE] = forms.CharField(
        label="Client certificate",
        required=False,
        widget=ChainArea(attrs=ATTRIBUTES),
        help_text=f"{summary[:1].upper()}{summary[1:]}.{KEEP}" if summary else NEW,
    )
    is_dropped = bool(form.initial.pop(KEY, ""))  # of a form whose kind was changed
    form.fields[KEY] = forms.CharField(
        label="Private key",
        required=False,
        widget=SecretArea(attrs=ATTRIBUTES),
        help_text=AGAIN if is_dropped else KEY_HELP,
    )
    if summary:
        form.fields[REMOVE] = forms.BooleanField(
            label="Remove the client certificate",
            required=False,
            help_text="No certificate is presented from the next check on.",
        )


def take(probe: Probe, target: str, data: dict[str, Any], now: datetime) -> None:
    """Set or remove the probe's certificate, without saving. Raises CertificateError."""
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
        return  # the form reports it
    probe.keep_certificate(pair, order)


def _typed(data: dict[str, Any], now: datetime) -> ClientCertificate | None:
    """The entered certificate and key; None if nothing was entered. Raises CertificateError."""
    chain, key = data.get(CERTIFICATE) or "", data.get(KEY) or ""
    return client_certificates.checked(chain, key, now) if chain or key else None
