"""An answer as the rules read it: lower-case, with its maker and its pace worked out once."""

import re
from dataclasses import dataclass
from functools import cached_property

from components.diagnosis import timing
from components.diagnosis.facts import Facts

AROUND = re.compile(r"<(nav|footer|aside)\b.{0,2000}?</\1>|<a\b.{0,400}?</a>")


@dataclass(frozen=True)
class View:
    """The newest failure. Texts are lower-case; absent headers are empty."""

    facts: Facts

    def header(self, name: str) -> str:
        """A stored fact by its name."""
        return self.facts.headers.get(name, "")

    @cached_property
    def server(self) -> str:
        return self.header("server").lower()

    @cached_property
    def via(self) -> str:
        return self.header("via").lower()

    @cached_property
    def reason(self) -> str:
        return self.header("reason").lower()

    @cached_property
    def body(self) -> str:
        """The excerpt on one line."""
        return " ".join(self.facts.excerpt.replace("·", " ").lower().split())

    @cached_property
    def text(self) -> str:
        """All words of the answer: its reason phrase, its body, and why it closed a WebSocket."""
        return f"{self.reason}\n{self.body}\n{self.header('close_reason').lower()}"

    @cached_property
    def message(self) -> str:
        """`text` without what a page carries around its message: links, menus, footers."""
        return AROUND.sub(" ", self.text)

    def quoted(self, text: str, instead: str = "") -> str:
        """These words of the answer with a space before them, or `instead` for who may not read them."""
        return f" “{text}”" if self.facts.may_quote else instead

    @property
    def status(self) -> int:
        """0 without one."""
        return self.facts.status_code or 0

    @cached_property
    def pace(self) -> timing.Pace:
        return timing.pace(self.facts.first_byte_ms, self.facts.connect_ms)

    @cached_property
    def limit_s(self) -> int | None:
        """The round limit at which it was answered."""
        return timing.limit_s(self.facts.first_byte_ms, self.facts.connect_ms)

    @property
    def took(self) -> str:
        return timing.spelled(self.facts.first_byte_ms)

    @property
    def is_recorded_whole(self) -> bool:
        """Whether absent headers were absent: older checks kept three only."""
        return bool(self.header("http_version"))

    @property
    def is_mixed(self) -> bool:
        """Whether checks pass in between."""
        recent = self.facts.recent[-12:]
        return "-+" in recent
