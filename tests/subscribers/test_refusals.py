"""Refusals of mail servers, as Exim, Postfix, Exchange, qmail and the large providers word them."""

import pytest

from subscribers.delivery.refusals import Blame, blame, shared

MAILBOX = [
    "550 5.1.1 <reader@example.org>: Recipient address rejected: User unknown in virtual mailbox table",
    "550 5.1.1 <reader@example.org>: Recipient address rejected: User unknown in relay recipient table",
    "550 No such user",
    "550 No Such User Here",
    "550 Unknown user",
    "550 sorry, no mailbox here by that name (#5.1.1 - chkusr)",
    "550 5.1.1 The email account that you tried to reach does not exist. Please try\n5.1.1 double-checking "
    "the recipient's email address for typos. https://support.google.com/mail/?p=NoSuchUser",
    "550 5.2.1 The email account that you tried to reach is disabled.",
    "550 5.4.1 Recipient address rejected: Access denied. [AM0PR06.prod.outlook.com]",
    "550 5.1.10 RESOLVER.ADR.RecipientNotFound; reader@example.org not found by SMTP address lookup",
    "556 5.1.10 Recipient address has null MX",
    "554 delivery error: dd This user doesn't have a yahoo.com account (reader@yahoo.com) [0]",
    "550 Message was not accepted -- invalid mailbox. "
    "Local mailbox reader@mail.ru is unavailable: user not found",
    "550 <blocked-by-policy@example.org>: user unknown",
    "551 Moved away",
    "550 Mailbox disabled",
    "550 Account reader@example.org has been deactivated",
    "554 delivery error: dd Sorry your message to reader@yahoo.com cannot be delivered. "
    "This mailbox is disabled (554.30). - mta1.mail.yahoo.com",
    "554 30 Sorry, your message to reader@yahoo.com cannot be delivered. "
    "This account has been disabled or discontinued [#102]",
]
US = [
    "550 relay not permitted",
    "550 Relaying denied",
    "554 5.7.1 <reader@example.org>: Relay access denied",
    "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain",
    "550 Sender verify failed",
    "550 Verification failed for <status@tern.example>\nNo Such User Here\nSender verify failed",
    "550 5.1.0 <status@tern.example>: Sender address rejected: User unknown in local recipient table",
    "550 5.1.7 Bad sender",
    "530 5.7.0 Must issue a STARTTLS command first",
    "550 5.7.1 Authentication required",
    "553 sorry, that domain isn't in my list of allowed rcpthosts; no valid cert for relaying (#5.7.1)",
    "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
    "550 Requested action not taken: mailbox unavailable\ninvalid DNS MX or A/AAAA resource record",
    "550 5.1.7 Invalid address",
    "550 5.1.8 Access denied, bad outbound sender AS(42004)",
    "550 5.7.27 Sender address has null MX",
    "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
    "554 5.2.252 SendAsDenied; status@tern.example not allowed to send as news@tern.example",
    "550 The From address is invalid",
    "550 From address does not exist",
    "550 5.6.0 Invalid address in header",
    "550 The address is not a valid sender",
    "550 Return address unknown",
    "550 The from address does not match a verified Sender Identity",
    "554 Transaction failed\nUnauthorized sender address.",
    "554 Message rejected: Email address is not verified. Identities that failed: status@tern.example",
    "554 Message rejected: Sending paused for this account",
    "550 Account tern suspended, sending is disabled",
    "554 5.7.1 Sending user suspended",
    "550 The account is disabled for outgoing mail",
    "550 This account is not allowed to send mail: your account has been suspended",
]
UNSAID = [
    "550 Administrative prohibition",
    "550 Blocked: your IP 192.0.2.1 is listed at zen.spamhaus.org",
    "550 5.7.1 Your network is on a list",
    "550 5.7.1 [192.0.2.1] Our system has detected that this message is likely unsolicited mail",
    "552 5.2.2 Mailbox full",
    "552 Quota exceeded",
    "550 Mailbox quota exceeded for this account",
    "550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents delivery",
    "550 Requested action not taken: mailbox unavailable",
    "550 Unrouteable address",
    "550",
    "554 No",
    "553 Not now",
    "550 5.1.0 Address rejected",
    "554 Message rejected as spam; user unknown",
    "501 Syntax error",
    "521 Does not accept mail",
    "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required; Delivery restriction",
    "550 5.7.1 RESOLVER.RST.AuthRequired; authentication required",
    "550 5.7.124 RESOLVER.RST.RestrictedToRecipientsPermission; not authorized to send to the recipient",
    "550 HELO address not found",
    "550 IP address unknown: no reverse lookup",
    "550 5.7.322 The recipient's mail server certificate has expired",
    "550 The user has disabled mail of unknown senders",
]


@pytest.mark.parametrize("answer", MAILBOX)
def test_a_mailbox_that_is_unknown_or_disabled_is_gone(answer):
    assert blame(int(answer[:3]), answer[4:]) is Blame.MAILBOX


@pytest.mark.parametrize("answer", US)
def test_a_refusal_of_our_login_our_sender_or_our_relay_is_about_us(answer):
    assert blame(int(answer[:3]), answer[4:]) is Blame.US


@pytest.mark.parametrize("answer", UNSAID)
def test_a_refusal_that_does_not_name_the_mailbox_may_pass(answer):
    assert blame(int(answer[:3]), answer[4:]) is Blame.UNSAID


def test_what_most_readers_are_told_alike_is_not_about_them():
    alike = [f"550 <reader{number}@example.org> rejected ({number})" for number in range(6)]
    assert len(shared(alike, 8)) == 1
    assert not shared(alike, 12)  # half of the round and no more
    assert not shared(alike[:4], 4)  # a handful may all be wrong
