"""DNS probes: does a name have the records it should.

What is expected is written as `dig` prints it and compared as DNS compares: names without regard to
case or a final dot, addresses by value, text to the letter and joined (RFC 1035, section 3.3; RFC
7208, section 3.3, for strings that belong together).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.reversename
import dns.tokenizer

from components import steps
from components.egress import Egress, EgressError, ascii_host
from components.networks import literal_address
from components.outcomes import Failure, Reading
from components.probers.base import Clock, Option, options_of
from components.targets import InvalidProbeError, checked_host

EXAMPLES = {
    "A": "192.0.2.7",
    "AAAA": "2001:db8::7",
    "CNAME": "www.example.org.",
    "MX": "10 mail.example.org.",
    "NS": "ns1.example.org.",
    "TXT": '"v=spf1 -all"',
    "SOA": "ns1.example.org. admin.example.org. 2026010100 7200 3600 1209600 300",
    "SRV": "10 5 5060 sip.example.org.",
    "CAA": '0 issue "letsencrypt.org"',
    "PTR": "www.example.org.",
}
TYPES = tuple(EXAMPLES)
OF_NAMES = ("CNAME", "MX", "NS", "SOA", "SRV", "PTR")
ONE_STRING = re.compile('"[^"]*"')  # may be longer than the 255 bytes of which DNS makes one
TYPED_QUOTES = str.maketrans("“”„", '"' * 3)  # what editors make of them


@dataclass(frozen=True, slots=True)
class DNSTarget:
    """The question, and the spellings of an answer that will do (`alike` form); none: any answer will."""

    name: str
    record_type: str
    expect: str
    alike: frozenset[Any]


class DNS:
    kind = "dns"
    label = "DNS record"
    target_help = "a name; for PTR also an address"
    shows_certificate = False
    steps: tuple[str, ...] = (steps.DNS,)
    options = (
        Option(
            "record_type",
            "Record type",
            type="choice",
            default="A",
            choices=TYPES,
            help="The type of record to look up.",
        ),
        Option(
            "expect",
            "Expected record",
            help="One of the records must be this, written as dig prints it, such as 10 mail.example.org.",
        ),
    )

    def parse(self, target: str, options: Mapping[str, Any]) -> DNSTarget:
        """The order, checked. Raises InvalidProbeError."""
        given = options_of(self, options)
        name, record_type = target.removeprefix("dns://").strip(), given["record_type"]
        address = literal_address(name) if record_type == "PTR" else None
        name = str(dns.reversename.from_address(str(address))) if address else checked_host(name)
        expect = given["expect"].strip()
        return DNSTarget(name, record_type, expect, expected_forms(record_type, expect))

    def address(self, order: DNSTarget) -> None:
        """None: only our own resolver is asked."""

    def is_secure(self, order: DNSTarget) -> bool:
        """Questions are plain."""
        return False

    def is_indirect(self, options: Mapping[str, Any]) -> bool:
        """Whether it asks another system about the target."""
        return False

    async def run(self, order: DNSTarget, clock: Clock, egress: Egress) -> Reading:
        """Ask, and compare."""
        answers = await egress.query(order.name, order.record_type)
        clock.seen["dns_ms"] = clock.total_ms
        clock.seen["facts"] = {"answer": ", ".join(answers)[:300]}
        if not answers:
            return clock.reading(
                failure=Failure.DNS, detail=f"{order.name} has no {order.record_type} record."
            )
        if order.alike and not order.alike & {alike(order.record_type, answer) for answer in answers}:
            return clock.reading(
                failure=Failure.ASSERTION,
                detail=f"No {order.record_type} record is {order.expect[:200]}.",
                excerpt="\n".join(answers)[:1000],
            )
        return clock.reading()


def expected_forms(record_type: str, text: str) -> frozenset[Any]:
    """What an answer may be `alike` to, to be as expected.

    Raises InvalidProbeError for what can be no answer.
    """
    if not text:
        return frozenset()
    plain = text.translate(TYPED_QUOTES)
    if record_type == "TXT":
        # quotes may be those of dig or part of the text, so both are accepted
        forms = {text.encode(), text.replace("\\;", ";").encode()}  # dig writes a semicolon so
        if plain[0] == '"':
            joined = plain[1:-1].replace("\\;", ";").encode() if ONE_STRING.fullmatch(plain) else None
            forms |= {form for form in (_text(plain), joined) if form is not None}
        return frozenset(forms)
    if record_type == "CAA" and '"' not in plain:
        flags, _, rest = plain.partition(" ")
        tag, _, value = rest.strip().partition(" ")
        plain = f'{flags} {tag} "{value.strip()}"'  # unquoted, a semicolon would begin a comment
    try:
        if record_type in OF_NAMES:  # as hosts are read: with "_a" before other letters, and with emoji
            plain = " ".join(word if word.isascii() else ascii_host(word) for word in plain.split())
        return frozenset({alike(record_type, plain)})
    except (dns.exception.DNSException, EgressError) as error:
        raise InvalidProbeError(
            "expect",
            f"This is not a valid {record_type} record: write it as dig prints it, such as "
            f"{EXAMPLES[record_type]}",
        ) from error


def alike(record_type: str, text: str) -> Any:
    """A form that is equal for records that DNS holds to be the same. Raises DNSException."""
    if record_type == "TXT":
        return _text(text)
    record = dns.rdata.from_text(
        dns.rdataclass.IN,
        dns.rdatatype.from_text(record_type),
        text,
        origin=dns.name.root,
        relativize=False,
        idna_codec=dns.name.IDNA_2008_UTS_46,
    )
    if record_type == "CAA":
        # tags without regard to case (RFC 8659, section 4.1), values to the letter
        return (record.flags, record.tag.lower(), record.value)  # type: ignore[attr-defined]
    return record.to_digestable()  # canonical: names in lower case


def _text(text: str) -> bytes | None:
    """The strings of a TXT record as one; None when the quotes do not fit."""
    try:
        record = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.TXT, text)
    except dns.exception.DNSException:
        return None
    return b"".join(record.strings)  # type: ignore[attr-defined]
