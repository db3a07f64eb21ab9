"""Warnings about the wording of an update, shown beside the editor. They never block publishing.

As in docs/writing.md: say what does not work, what works and when the next update
comes; no vague words, no blame, no time of repair, no jargon. All of it is
guessed from English words, so a warning may be wrong and never blocks.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from incidents.placeholders import written

MAX_WARNINGS = 8  # more would not be read; the next ones show up as these are fixed


@dataclass(frozen=True, slots=True)
class Remark:
    """One line beside the editor. `word`: the exact words in the text it is about, if it is about any."""

    is_good: bool
    text: str
    word: str = ""


def remarks(text: str, *, phase: str, components: Sequence[str], has_promise: bool) -> tuple[Remark, ...]:
    """First what every update should answer, done or missing; then wording to avoid."""
    plain = _plain(text, components)
    answers = _last_word(plain) if phase == "resolved" else _open_word(plain, phase, has_promise)
    asked = sum(not answer.is_good for answer in answers)
    problems = chain(_open_blanks(text), _unwelcome(text, plain))
    return (*answers, *islice(problems, MAX_WARNINGS - asked))


def _open_word(plain: str, phase: str, has_promise: bool) -> tuple[Remark, ...]:
    """What an update should answer while the incident is open."""
    is_back = phase == "monitoring" and BACK.search(plain) is not None  # "works again" says what was broken
    return (
        _answer(is_back or _says_broken(plain), "Says what is broken", "What does not work, and for whom?"),
        _answer(_says_works(plain), "Says what works", "What still works?"),
        _answer(has_promise, "Next update is set", "When is the next update? Promise a time."),
    )


def _last_word(plain: str) -> tuple[Remark, ...]:
    """What the resolving update should answer."""
    return (
        _answer(_says_broken(plain), "Says what did not work", "What did not work, and for whom?"),
        _answer(bool(LENGTH.search(plain)), "Says how long", "How long did it last?"),
        _answer(bool(CAUSE.search(plain)), "Says the cause", "What was the cause?"),
        _answer(
            bool(LOSS.search(plain)), "Says whether anything was lost", "Was anything lost? Say so if not."
        ),
    )


def _answer(is_given: bool, good: str, question: str) -> Remark:
    return Remark(True, good) if is_given else Remark(False, question)


def _says_broken(plain: str) -> bool:
    return BROKEN.search(HARMLESS.sub(" ", plain)) is not None


def _says_works(plain: str) -> bool:
    return WORKS.search(NOT_WORKS.sub(" ", plain)) is not None


def _open_blanks(text: str) -> Iterator[Remark]:
    """Open placeholders, first of all: a text that still has one must not be published."""
    for name, blank in written(text).items():
        yield Remark(False, f"“{{{name}}}” is not filled in yet.", blank)


def _unwelcome(text: str, plain: str) -> Iterator[Remark]:
    """Words to avoid, in the order of the text, each once."""
    reported = set()
    for match in UNWELCOME.finditer(plain):
        word = text[match.start() : match.end()]
        key = " ".join(word.casefold().split())
        if key not in reported:
            reported.add(key)
            yield Remark(False, ADVICE[match.lastgroup or ""].format(word=" ".join(word.split())), word)


def _plain(text: str, components: Sequence[str]) -> str:
    """The text with placeholders, addresses and component names replaced by as many underscores.

    A component's name is not judged: "Load balancer" is no jargon where it is sold,
    and "Error tracking works" does not say that something is broken.
    """
    plain = text.replace("’", "'")
    for pattern in (BLANK, ADDRESS, _any_of(components)):
        plain = pattern.sub(lambda match: "_" * len(match[0]), plain)
    return plain


def _any_of(components: Sequence[str]) -> re.Pattern[str]:
    """The names as whole words, longest first. None at all matches nothing."""
    names = sorted({name.replace("’", "'") for name in components if name.strip()}, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names)) or '(?!)'})(?!\w)", re.IGNORECASE)


def _words(*phrases: str) -> str:
    """These phrases as whole words, wherever lines are broken."""
    return rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)".replace(" ", r"\s{1,3}")


def _saying(*phrases: str) -> re.Pattern[str]:
    return re.compile(_words(*phrases), re.IGNORECASE)


# Repetitions below are bounded, or end at a character they exclude: reading takes linear time.
BLANK = re.compile(r"\{[^{}]{1,200}\}")
ADDRESS = re.compile(r"https?://[^\s)>]+", re.IGNORECASE)

BROKEN = _saying(
    r"(?:not|\w{2,4}n't) (?:work|respond|available|reachable|possible)(?:ing|ed)?",
    r"(?:is|are|was|were)n't(?=[.,;])",
    r"(?:do|does|did|could) not", r"(?:do|does|did|could)n't", r"can(?:not|'t)", r"no longer",
    r"fail(?:s|ed|ing|ures?)?", r"refus(?:es?|ed|ing)", r"reject(?:s|ed|ing)?",
    r"down", r"offline", r"broken", r"breaks? off", r"stuck", r"outage", r"interrupted",
    r"slow(?:er|ly|ed|ness)?", r"errors?", r"unavailable", r"unreachable", r"delay(?:s|ed)?",
    r"tim(?:es?|ed) out", r"overdue", r"report(?:s|ed|ing)? a problem",
    r"los(?:t|es?|ing)(?: the| their)? connections?", r"(?:wrong|incorrect) (?:answers|responses)",
    r"no valid certificate", r"worse off",
    r"without a valid certificate", r"dropp(?:ed|ing) connections",
)  # fmt: skip

# The words of BROKEN where they mean no failure: "We do not know yet", "without errors".
HARMLESS = _saying(
    r"we(?: still)? (?:do not|don't|cannot|can't)(?: yet)? (?:know|say|tell|see|expect|need)",
    r"you (?:do not|don't) (?:need|have)",
    r"(?:do|does|did)(?: not|n't) affect",
    r"(?:no|without|no more|no further) (?:errors?|failures?|delays?)",
    r"(?:not|no longer) (?:down|offline|slow|delayed|unavailable|fails?|failing)",
)

WORKS = _saying(
    r"works", r"(?<!your\s)(?<!their\s)work(?=[.,;]| (?:again|normally|well|fine))", r"as usual", r"normally",
    r"(?:keeps?|still|is|are) working(?! (?:on|to|with))", r"continues? to work", r"recovered",
    r"(?:is|are|was|were)(?:n't| not) affected", r"not affected", r"unaffected",
    r"(?:is|are|remains?|stays?) safe", r"no\b[^.!?\n]{1,60}\blost", r"nothing (?:is|was|has been) lost",
)  # fmt: skip

# The words of WORKS where they mean the opposite: "still do not work as usual", "works slowly".
NOT_WORKS = _saying(
    r"(?:not|\w{2,5}n't|cannot|can't|never|no longer|nothing|hardly|barely)(?: \w{1,20})?"
    r" work(?:s|ed|ing)?(?: as usual| normally)?",
    r"not as usual",
    r"(?:not|\w{2,5}n't)(?: yet| fully){0,2} recovered",
    r"works? (?:slowly|poorly|badly)",
)
BACK = _saying(r"work(?:s|ed|ing)? again", r"recovered")

CLOCK = r"\d{1,2}(?::\d\d|(?:\s)?[ap]m)"
NUMBER = r"(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty)"
LENGTH = _saying(
    r"\d{1,6}(?:[.,]\d{1,2})?(?:\s|-)?(?:s|secs?|seconds?|min|mins|minutes?|h|hrs?|hours?|d|days?)",
    rf"{NUMBER} (?:seconds?|minutes?|hours?|days?)",
    rf"{CLOCK}(?: [a-z]{{1,5}})?\s{{0,2}}(?:to|until|till|and|–|—|-)\s{{0,2}}(?:\w{{1,12}},? ){{0,3}}{CLOCK}",
)
CAUSE = _saying(r"cause[sd]?", r"causing", r"because", r"due to", r"root", r"reasons?")
LOSS = _saying(r"lost(?!(?: the| their)? connection)", r"loss(?:es)?")

UNWELCOME = re.compile(
    "|".join((
        "(?P<vague>" + _words(
            r"some \w{1,20} (?:may|might)(?: experience)?", r"(?:may|might|could) experience",
            r"a small (?:number|subset|share|percentage|group) of",
            r"intermittent(?:ly)?(?: (?:issues?|problems?|errors?))?", r"minor", r"slight(?:ly)?",
        ) + ")",
        r"(?P<loud>!(?!\[))",  # "![" begins a picture in Markdown
        "(?P<blame>" + _words(
            r"(?:human|operator|user) error", r"(?:vendor|supplier|provider|partner)s?'s? fault",
            r"suppliers?(?:'s)?", r"vendors?(?:'s)?",
        ) + ")",
        "(?P<promise>" + _words(
            r"(?:will|should) be (?:fully )?(?:fixed|back|resolved|restored|repaired|solved|up)"
            r"(?: again| online| up)? (?:by|in|within|before)",
            r"shortly", r"as soon as possible", r"(?<!\bas\s)soon", r"asap",
        ) + ")",
        "(?P<jargon>" + _words(
            r"safeguards?", r"pods?", r"nodes?", r"back-?ends?", r"upstreams?", r"downstreams?", r"clusters?",
            r"fail-?overs?", r"failed over", r"connection pools?", r"load(?:\s|-)balanc(?:ers?|ing)",
            r"[45]xx", r"HTTP(?:\s|/)?[1-5]\d\d", r"(?:error|status|code) [45]\d\d",
            r"roll-?backs?", r"roll(?:ed|ing)? back", r"kubernetes", r"k8s", r"replicas?", r"shards?",
            r"cron(?:job)?s?", r"[a-z]{2,15}-[a-z]{2,15}-\d{1,3}",  # chat-gw-2
        ) + ")",
    )),
    re.IGNORECASE,
)  # fmt: skip

ADVICE = {
    "vague": "“{word}” is vague: say what fails, for whom and how much.",
    "loud": "Avoid exclamation marks: a calm tone is more credible.",
    "blame": "“{word}” lays blame: say what failed and what you are doing about it.",
    "promise": "“{word}”: promise the next update, not when it will be fixed.",
    "jargon": "“{word}”: explain or leave out?",
}
