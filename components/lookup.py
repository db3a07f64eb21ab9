"""DNS: from a host name to its addresses, and any other question to a name server."""

import asyncio
import ipaddress
import re
import struct
from collections.abc import Sequence
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.resolver
import idna

from components import hosts
from components.networks import Address, ends_in_number
from components.outcomes import Failure

GRACE_S = 0.05  # for the other family's addresses once one is known (RFC 8305, section 3)
DENIED_S = 0.3  # some servers deny a whole name for the family that it has not (RFC 4074, section 4.2)
RESOLVER_CANARY_S = 1.0
SILENT = "Our DNS resolver is not responding."
CANARIES = ((".", "NS"), ("localhost.", "A"))
# What a parser stumbles over in an answer: of a name server, not of ours
UNREADABLE = (ValueError, TypeError, LookupError, ArithmeticError, AssertionError, struct.error)
SIGNS = re.compile("[\u2190-\u2bff\U0001f000-\U0001faff]")
Later = asyncio.Task[list[Address]] | None


class EgressError(Exception):
    """The connection could not be made."""

    def __init__(self, failure: Failure, sentence: str) -> None:
        super().__init__(sentence)
        self.failure = failure
        self.sentence = sentence
        self.dns_ms: float | None = None
        self.connect_ms: float | None = None
        self.address = ""  # the first that was dialled in vain


class NoSuchNameError(EgressError):
    """No record of any type has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(Failure.DNS, f"The name {name} does not exist.")


class Lookup:
    """Asks /etc/hosts, then the name servers: the system's, or `nameservers`."""

    def __init__(self, nameservers: Sequence[tuple[str, int]] = ()) -> None:
        self.nameservers = tuple(nameservers)
        self.resolver = self._make_resolver()

    def _make_resolver(self) -> dns.asyncresolver.Resolver | None:
        """None when the machine has no resolver at all."""
        try:
            resolver = dns.asyncresolver.Resolver(configure=not self.nameservers)
        except dns.resolver.NoResolverConfiguration:
            return None
        if self.nameservers:
            resolver.nameservers = [host for host, _ in self.nameservers]
            resolver.port = self.nameservers[0][1]
        return resolver

    async def addresses(self, host: str) -> tuple[list[Address], Later]:
        """The addresses found so far, and a task for a family that is still missing. Raises EgressError."""
        name = ascii_host(host)
        if listed := hosts.addresses_of(name):
            return list(listed), None
        if _is_loopback_name(name):
            return [ipaddress.ip_address("::1"), ipaddress.ip_address("127.0.0.1")], None
        tasks = [asyncio.create_task(self._family(name, kind)) for kind in ("AAAA", "A")]
        try:
            return await self._first_known(tasks)
        except BaseException:
            for task in tasks:
                let_go(task)
            raise

    async def _first_known(self, tasks: "list[asyncio.Task[list[Address]]]") -> tuple[list[Address], Later]:
        """Wait for one family with addresses, then a moment for the other. Raises EgressError."""
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if pending:
            is_denied = any(isinstance(task.exception(), NoSuchNameError) for task in done)
            has_some = any(task.exception() is None and task.result() for task in done)
            wait_s = DENIED_S if is_denied else GRACE_S if has_some else None
            _, pending = await asyncio.wait(pending, timeout=wait_s)
        addresses: list[Address] = []
        errors = []
        for task in tasks:
            if task.done() and (error := task.exception()) is not None:
                errors.append(error)
            elif task.done():
                addresses += task.result()
        if not addresses and errors:
            # "no such name" holds for both families, and says more than a timeout
            raise next((error for error in errors if isinstance(error, NoSuchNameError)), errors[0])
        return addresses, next(iter(pending), None)

    async def _family(self, name: str, kind: str) -> list[Address]:
        return [ipaddress.ip_address(text) for text in await self.query(name, kind)]

    async def query(self, name: str, record_type: str) -> list[str]:
        """The answers to a DNS question as text. Raises EgressError."""
        if self.resolver is None:
            raise EgressError(Failure.OWN_FAULT, "This machine has no DNS resolver.")
        try:
            answer = await self.resolver.resolve(name, record_type, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN as error:
            raise NoSuchNameError(name) from error
        except dns.resolver.NoNameservers as error:
            raise EgressError(Failure.DNS, f"The name servers refuse queries for {name}.") from error
        except dns.exception.Timeout as error:
            raise await self._blame(name) from error
        except OSError as error:
            raise EgressError(Failure.OWN_FAULT, "Our DNS resolver is unreachable.") from error
        except (dns.exception.DNSException, *UNREADABLE) as error:
            raise EgressError(Failure.DNS, f"The name {name} could not be resolved.") from error
        return [] if answer.rrset is None else [str(record) for record in answer.rrset]

    async def _blame(self, name: str) -> EgressError:
        """No answer: is the name's server silent, or have we no resolver at all?"""
        if await self.is_alive():
            return EgressError(Failure.TIMEOUT_DNS, f"No DNS response for {name}.")
        return EgressError(Failure.OWN_FAULT, SILENT)

    async def is_alive(self) -> bool:
        """Whether our resolver answers anything within a second.

        Any answer to either canary shows a resolver that is alive: one without a way to the internet
        still knows "localhost" (RFC 6761), and most others know the root.
        """
        if self.resolver is None:
            return False
        canaries = [asyncio.create_task(self._answers(*canary)) for canary in CANARIES]
        try:
            for canary in asyncio.as_completed(canaries):
                if await canary:
                    return True
            return False
        finally:
            for task in canaries:
                task.cancel()

    async def _answers(self, name: str, kind: str) -> bool:
        """Whether our resolver answers at all, even with an error."""
        assert self.resolver is not None
        try:
            await self.resolver.resolve(
                name, kind, raise_on_no_answer=False, search=False, lifetime=RESOLVER_CANARY_S
            )
        except (dns.exception.Timeout, OSError):
            return False
        except (dns.exception.DNSException, *UNREADABLE):
            pass
        return True


class KeptLookup(Lookup):
    """Asks for each name once, whatever the answer: for the connections of one check."""

    def __init__(self, lookup: Lookup) -> None:
        self.nameservers, self.resolver = lookup.nameservers, lookup.resolver
        self.kept: dict[str, tuple[list[Address], Later] | EgressError] = {}
        self.turn = asyncio.Lock()

    async def addresses(self, host: str) -> tuple[list[Address], Later]:
        """As `Lookup.addresses`; who asks again gets the same, also what comes later. Raises EgressError."""
        async with self.turn:
            if host not in self.kept:
                try:
                    self.kept[host] = await super().addresses(host)
                except EgressError as error:
                    self.kept[host] = error
        answer = self.kept[host]
        if isinstance(answer, EgressError):
            raise EgressError(answer.failure, answer.sentence)
        known, later = answer
        return list(known), None if later is None else asyncio.create_task(_shared(later))


async def _shared(later: "asyncio.Task[list[Address]]") -> list[Address]:
    """What it brings; whoever lets go of this leaves it to the others. Raises EgressError."""
    return await asyncio.shield(later)


def ascii_host(host: str) -> str:
    """The host in ASCII, as DNS has it. Raises EgressError if it cannot be a name."""
    name = _encoded(host)
    if ends_in_number(name):  # an address or nothing (WHATWG URL): no name server is asked for it
        raise EgressError(Failure.DNS, f"{_readable(host)} is not a valid name.")
    return name


def _encoded(host: str) -> str:
    text = host.lower()
    if text.isascii():
        return text
    try:
        # each label separately: "_dmarc" may precede labels that are not ASCII
        mapped = idna.uts46_remap(text, std3_rules=False, transitional=False)
        return ".".join(label if label.isascii() else _encoded_label(label) for label in mapped.split("."))
    except UnicodeError as error:  # IDNAError is one
        raise EgressError(Failure.DNS, f"{_readable(host)} is not a valid name.") from error


def _encoded_label(label: str) -> str:
    """Raises IDNAError."""
    try:
        return idna.alabel(label).decode()
    except idna.IDNAError:
        # signs and emoji are letters of names for browsers (WHATWG URL), though not for IDNA 2008
        if not SIGNS.search(label) or any(joiner in label for joiner in "\u200c\u200d"):
            raise
        idna.check_initial_combiner(label)
        idna.check_bidi(label)
        return f"xn--{label.encode('punycode').decode()}"


def _readable(host: str) -> str:
    """Part of a sentence that must reach a database: short, and without what no encoding has."""
    return host[:100].encode("utf-8", "replace").decode()


def _is_loopback_name(name: str) -> bool:
    """Whether it is "localhost" or below it, for which no name server is asked (RFC 6761)."""
    return name.rstrip(".").rpartition(".")[2] == "localhost"


def let_go(later: "asyncio.Task[list[Address]] | None") -> None:
    """Cancel a look-up that is no longer needed."""
    if later is not None:
        later.cancel()
        later.add_done_callback(_read_error)


def _read_error(task: "asyncio.Task[Any]") -> None:
    """Retrieve a late error that no one needs; asyncio would log it otherwise."""
    if not task.cancelled():
        task.exception()
