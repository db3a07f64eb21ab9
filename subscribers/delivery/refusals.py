"""What a mail server's refusal is about: the recipient's mailbox, us, or neither.

Only words or codes that say a mailbox is unknown or disabled end a subscription. Servers refuse our
login, our sender and our network with the same 550, so a refusal without an explanation may pass.
"""

import re
from collections import Counter
from collections.abc import Sequence
from enum import Enum, auto


class Blame(Enum):
    """Whom a refusal is about."""

    MAILBOX = auto()  # it is unknown or disabled: nothing will ever arrive there
    US = auto()  # our login, our sender, our right to relay: every recipient is refused
    UNSAID = auto()  # a full mailbox, a block list, a rule, or no reason at all: it may pass


FEW = 5  # at least so many alike in a round, and more than half of it: not about the recipients
US_CODES = (530, 534, 535, 538)  # RFC 4954: log in first
ENHANCED = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
# RFC 3463: bad address, mailbox disabled, moved; 5.4.1 is what Microsoft says of an address it does not know.
# 5.1.0 and 5.2.0 say nothing; 5.1.7 and 5.1.8 are about the sender, 5.2.2 is a full mailbox, 5.7 is policy.
UNKNOWN_CODE = re.compile(r"5\.(1\.([1-6]|10)|2\.1|4\.1)")
# quoted addresses may contain any word: blocked@example.org, https://example.org/policy
QUOTED = re.compile(r"<[^>]*>|\S*@\S+|https?://\S+")

BOX = r"(e-?mail )?(user|recipient|mailbox|account|addressee|address|person|customer|local part)"
AWAY = (
    r"(unknown|not found|not known|doesn[’']?t exist|does not exist|not exist|non-?existent|disabled|inactive"
    r"|deactivated|suspended|no longer|closed|terminated|expired|not a valid|invalid)"
)
UNKNOWN = re.compile(
    rf"\b{BOX}\b[^.;]{{0,40}}?\b{AWAY}\b"
    rf"|\b(no such|unknown|unrecogni[sz]ed|invalid|non-?existent|inactive|disabled) (local )?{BOX}\b"
    r"|\bno (mailbox|user|account) (here|by that name|with that name)"
    r"|\b(doesn[’']?t|does not) have an? \S+ account\b"
    r"|\bnot a valid (user|recipient|mailbox|address)\b|\bmoved (away|to)\b|recipientnotfound"
)
SENDER = re.compile(
    r"\bsenders?\b[^.;]{0,40}\b(verif|reject|den|unknown|not|invalid|refus|fail|bad|null|suspend|disab)"
    r"|\b(bad|invalid|unknown|unauthori[sz]ed)( outbound)? sender\b|\bnot an? (valid|verified|known) sender\b"
    r"|\bsend(ing)? ?as|\bsending\b[^.;]{0,30}\b(paused|suspended|disabled|not allowed)"
    r"|\bsending (user|account)\b|\b(for|of) outgoing mail|\ballowed to send\b|\bnot verified\b"
    r"|\b(from|return|reply-?to|envelope|header)[ -](e-?mail )?address\b"
    r"[^.;]{0,40}\b(not|invalid|unknown|bad)"
    r"|\baddress in (the )?\w* ?header|\binvalid dns\b|\b5\.1\.[78]\b"
    r"|verif(y|ication) failed|call-?(out|back)|return.?path|\bmail from\b"
)
RELAY = re.compile(r"\brelay|\brcpthosts\b|authenticat|\bauth\b|\blog ?in\b|\bnot (logged in|authori[sz]ed)")
MAY_PASS = re.compile(
    r"\byour (ip|network|host|server|account|domain|message(?! to)|client|mail)"
    r"|\bblock|\bblack-?list|\blisted\b"
    r"|spamhaus|\brbl\b|dnsbl|\bspam|polic|prohib|reputation|\brate\b|too many|quota|\bfull\b|exceed"
    r"|gr[ea]y-?list|temporar|\bspf\b|dkim|dmarc|reverse dns|\bptr\b"
    r"|\bhelo\b|\behlo\b|\bip address|certificate|\bunknown senders"
)
# a closed group or a recipient's own rule (Exchange): all outside senders are refused
RULE = re.compile(r"resolver\.rst|delivery restriction")


def blame(code: int, text: str) -> Blame:
    """What a permanent refusal is about. `code`: 5xx; `text`: the server's reply, one or several lines."""
    words = " ".join(QUOTED.sub(" ", text).lower().split()).replace(
        "relay recipient table", "recipient table"
    )
    enhanced = ENHANCED.search(words)
    is_unknown_code = bool(enhanced and UNKNOWN_CODE.fullmatch(enhanced[0]))
    is_ours, may_pass = bool(RELAY.search(words)) or code in US_CODES, bool(MAY_PASS.search(words))
    if RULE.search(words):
        return Blame.UNSAID
    if SENDER.search(words):
        return Blame.US
    if UNKNOWN.search(words) and (is_unknown_code or not (is_ours or may_pass)):
        return Blame.MAILBOX
    if is_ours:
        return Blame.US
    return Blame.MAILBOX if is_unknown_code and not may_pass else Blame.UNSAID


def clears_mailbox(text: str) -> bool:
    """Whether a bounce's text blames us or a temporary problem, not the mailbox."""
    blamed = blame(550, text)
    words = text.lower()
    may_pass = bool(MAY_PASS.search(words) or RULE.search(words))
    return blamed is Blame.US or (blamed is Blame.UNSAID and may_pass)


def shared(refusals: Sequence[str], tried: int) -> frozenset[str]:
    """The `likeness` of refusals that most recipients of a round got: they are not about the recipients."""
    counts = Counter(likeness(text) for text in refusals)
    return frozenset(like for like, count in counts.items() if count >= FEW and count * 2 > tried)


def likeness(text: str) -> str:
    """A refusal without what differs between recipients: addresses and numbers."""
    return re.sub(r"\d+", "0", QUOTED.sub(" ", text))[:120]
