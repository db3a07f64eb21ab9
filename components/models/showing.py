"""A probe's client certificate: bound to one host and port, its key encrypted."""

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import models

from components import client_certificates, encryption
from components.client_certificates import CERTIFICATE, ClientCertificate
from components.probers import PROBERS, InvalidProbeError

COLUMNS = ("client_certificate", "sealed_client_key")
UNREADABLE = "Its client certificate cannot be decrypted because SECRET_KEY has changed: set it again."
UNASKED = (
    "http:// addresses do not use client certificates, nor do ws://: use https:// or wss://, or remove the"
    " certificate."
)


class UnreadableCertificateError(InvalidProbeError):
    """The certificate's key was encrypted with a key that we no longer have."""

    def __init__(self) -> None:
        super().__init__(CERTIFICATE, UNREADABLE)


class Showing(models.Model):
    """The part of `Probe` that presents a client certificate.

    Host and port are encrypted with the key: a person who may edit the probe, but has never read the key,
    cannot point it at another server (docs/decisions/0014).
    """

    kind: Any

    client_certificate = models.TextField(default="", db_default="", blank=True, editable=False)  # PEM
    sealed_client_key = models.TextField(default="", db_default="", blank=True, editable=False)

    class Meta:
        abstract = True

    def keep_certificate(self, pair: ClientCertificate | None, order: Any = None) -> None:
        """Set the certificate for the order's host and port, or remove it (None). Does not save."""
        self.client_certificate, self.sealed_client_key = "", ""
        if pair is not None:
            self.client_certificate = pair.chain
            self.sealed_client_key = encryption.seal(json.dumps([self._place(order), pair.key]))

    def shown_to(self, order: Any) -> ClientCertificate | None:
        """The certificate to present for this order, or None. Raises InvalidProbeError."""
        if not self._is_asked(order):
            return None
        place, key = self._opened()
        if place != self._place(order):
            raise InvalidProbeError(
                CERTIFICATE,
                f"The client certificate was set for {place}: paste it and its key again to use it for"
                f" {self._place(order)}, or remove it.",
            )
        return client_certificates.of(self.client_certificate, key)

    def refuse_elsewhere(self, order: Any) -> None:
        """Raises InvalidProbeError if the stored certificate must not, or never would, be presented.

        One that cannot be decrypted does not block other changes: checks report it.
        """
        if self.client_certificate and PROBERS[self.kind].shows_certificate and not self._is_asked(order):
            raise InvalidProbeError(CERTIFICATE, UNASKED)
        try:
            self.shown_to(order)
        except UnreadableCertificateError:
            return

    def certificate_summary(self, now: datetime) -> str:
        """What staff see of it, as "set, valid until 3 Mar 2027 (CN=probe)"; empty without one."""
        if not self.client_certificate:
            return ""
        try:
            self._opened()
        except UnreadableCertificateError:
            return "set, but cannot be decrypted because SECRET_KEY has changed: set it again"
        return client_certificates.summary(self.client_certificate, now)

    def _is_asked(self, order: Any) -> bool:
        return bool(self.client_certificate) and PROBERS[self.kind].is_secure(order)

    def _place(self, order: Any) -> str:
        host, port = PROBERS[self.kind].address(order) or ("", 0)
        host = host.rstrip(".")
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def _opened(self) -> tuple[str, str]:
        """Host and port, and key. Raises UnreadableCertificateError, also for a manually changed row."""
        try:
            place, key = json.loads(encryption.unseal(self.sealed_client_key))
        except (encryption.DecryptionError, ValueError, TypeError):
            raise UnreadableCertificateError from None
        return str(place), str(key)

    def _forget_where_none_is_shown(self, columns: Collection[str] | None) -> Collection[str] | None:
        """Remove the certificate if the kind presents none. Returns the columns to save."""
        prober = PROBERS.get(self.kind)
        if (
            prober is None
            or prober.shows_certificate
            or not (self.client_certificate or self.sealed_client_key)
        ):
            return columns
        self.keep_certificate(None)
        return None if columns is None else {*columns, *COLUMNS}
