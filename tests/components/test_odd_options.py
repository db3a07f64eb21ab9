"""Whatever stands in a field of a probe of any kind is taken, or refused in a sentence."""

import pytest

from components.probers import PROBERS, InvalidProbeError

TARGETS = {
    "http": "http://127.0.0.1:9/", "tcp": "127.0.0.1:9", "tls": "127.0.0.1:9", "dns": "example.org",
    "websocket": "ws://127.0.0.1:9/", "sse": "http://127.0.0.1:9/", "steps": "http://127.0.0.1:9/",
    "icmp": "127.0.0.1", "smtp": "127.0.0.1:25", "imap": "127.0.0.1", "grpc": "127.0.0.1:9",
    "postgres": "127.0.0.1", "mysql": "127.0.0.1", "redis": "127.0.0.1", "domain": "example.org",
    "numbers": "http://127.0.0.1:9/", "health": "http://127.0.0.1:9/", "vendor": "http://127.0.0.1:9/",
    "heartbeat": "10 min", "inbound": "generic",
}  # fmt: skip
GIVEN = {
    "steps": {"steps": '[{"url": "/"}]'}, "numbers": {"value": "$.a"},
    "inbound": {"auth": "bearer", "secret": "x"},
}  # fmt: skip
ODD = [
    "²", "٣", "1_000", "-1", "+5", "1e400", "NaN", "Infinity", "9" * 5_000, "0x10", "50%", "\u00a0", "\t",
    "a\r\nb", "a\n\n\n", "x" * 10_000, "\u202eabc", "\u200b", "null", "{}", "[", "[" * 2_000,
    "$" + "[0]" * 900,
    "$..*" * 60, "(" * 600, "a" * 400 + "{1000}", "\\", '"', "%", "%s{0}", "{{x}}", "a: b\na: c", ": x",
    "=1+1", "🙂", "ß", "İ", "1,2", "Mon,,,,", "~" * 500, "*-*-* *:*:*", "Mon" + "," * 1_500,
    "../../etc/passwd",
    "\ud800",
]  # fmt: skip


def refusal(kind, target, options):
    """The sentence that refuses it; empty if it is taken. Any other error is one of ours."""
    try:
        PROBERS[kind].parse(target, options)
    except InvalidProbeError as refused:
        return refused.sentence
    return ""


@pytest.mark.parametrize("kind", PROBERS)
def test_an_odd_option_is_taken_or_refused_in_a_sentence(kind):
    for option in PROBERS[kind].options:
        for odd in ODD:
            sentence = refusal(kind, TARGETS[kind], {**GIVEN.get(kind, {}), option.name: odd})
            assert len(sentence) < 400, (option.name, odd[:20])
            sentence.encode()


@pytest.mark.parametrize("kind", PROBERS)
def test_an_odd_target_is_taken_or_refused_in_a_sentence(kind):
    usual = TARGETS[kind]
    for odd in ["", *ODD, f"{usual}²", f" {usual}\n", usual.upper(), usual * 300]:
        assert len(refusal(kind, odd, GIVEN.get(kind, {}))) < 400, odd[:20]
