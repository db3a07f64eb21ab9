"""Verifies what Amazon SNS sends: certificates and confirmations go through the egress door."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from components.egress import Door, Egress, through
from components.inbound import sns
from components.inbound.message import PayloadError, UnsignedError

FETCH_S = 5.0
MAX_BYTES = 64 * 1024
KEPT_S = 86_400.0
MAX_CERTIFICATES = 20
MAX_AGE = timedelta(minutes=75)  # SNS tries again for an hour at most
MAX_AHEAD = timedelta(minutes=15)


class UnreachableError(Exception):
    """Amazon could not be asked: the message is to be sent again."""


class SnsDesk:
    """`is_trusted` says which addresses a message may name; they are dialled as strangers' addresses are."""

    def __init__(
        self, egress: Egress | None = None, *, is_trusted: Callable[[str], bool] = sns.is_amazon
    ) -> None:
        self.egress = egress
        self.is_trusted = is_trusted
        self.certificates: dict[str, tuple[bytes, float]] = {}

    async def admit(self, body: bytes, now: datetime) -> None:
        """Verify a message; a subscription is confirmed.

        Raises PayloadError, UnsignedError, UnreachableError.
        """
        fields = sns.envelope(body)
        if not self.is_trusted(fields["SigningCertURL"]):
            raise UnsignedError("The field “SigningCertURL” must be an https address of sns.*.amazonaws.com.")
        if not sns.names_certificate(fields["SigningCertURL"]):
            raise UnsignedError(
                "The field “SigningCertURL” must be the address of a certificate, as"
                " /SimpleNotificationService-….pem."
            )
        _refuse_old(fields["Timestamp"], now)
        sns.verify(fields, await self._certificate(fields["SigningCertURL"]))
        if fields["Type"] == sns.CONFIRMATION:
            if not self.is_trusted(fields["SubscribeURL"]):
                raise UnsignedError(
                    "The field “SubscribeURL” must be an https address of sns.*.amazonaws.com."
                )
            await self._fetch(fields["SubscribeURL"])

    async def _certificate(self, url: str) -> bytes:
        pem, at = self.certificates.get(url, (b"", 0.0))
        if pem and time.monotonic() - at < KEPT_S:
            return pem
        pem = await self._fetch(url)
        if len(self.certificates) >= MAX_CERTIFICATES:
            self.certificates.clear()
        self.certificates[url] = pem, time.monotonic()
        return pem

    async def _fetch(self, url: str) -> bytes:
        from components import transport  # late: with httpx it takes 6 MiB

        egress = self.egress or through(Door.SUBSCRIBERS)
        try:
            async with transport.client(egress, deadline_s=FETCH_S, most_bytes=MAX_BYTES) as client:
                response = await client.get(url)
        except transport.ERRORS as error:
            raise UnreachableError("Amazon could not be reached to verify the message.") from error
        if response.status_code != 200:
            raise UnreachableError(f"Amazon responded with {response.status_code} to verify the message.")
        return response.content


def _refuse_old(stamp: str, now: datetime) -> None:
    try:
        sent_at = datetime.fromisoformat(stamp)
    except ValueError:
        raise PayloadError("The field “Timestamp” must be a time such as 2026-11-27T12:00:00.000Z.") from None
    sent_at = sent_at if sent_at.tzinfo else sent_at.replace(tzinfo=UTC)
    if not -MAX_AHEAD <= now - sent_at <= MAX_AGE:
        raise UnsignedError("The field “Timestamp” is more than an hour off.")
