"""All sentences that people can read, by file: `python -m tests.texts` writes them to var/texts.md.

They are taken from templates, from string literals of Python and from the strings of our own
JavaScript, by simple rules: three words or more, with a capital letter or a placeholder first and
punctuation last; labels and help texts are taken whatever their shape. What is built from smaller
pieces than a sentence is not found.
"""

import ast
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).parent.parent
APPS = ("components", "incidents", "subscribers", "statuspage")
SENTENCE = re.compile(r"[“\"'({]?[A-Z{“].*[.!?:…][”\"')]?", re.DOTALL)
LABELS = ("label", "help_text", "help", "verbose_name", "verbose_name_plural", "empty_label", "description")
SPOKEN = ("aria-label", "title", "alt", "placeholder")  # attributes that are read, or read out
INLINE = ("a", "abbr", "b", "code", "em", "i", "kbd", "small", "span", "strong", "time")
SILENT = ("script", "style", "svg", "pre")
TAG = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)
COMMENT = re.compile(r"\{% comment.*?endcomment %\}", re.DOTALL)
VARIABLE = re.compile(r"\{\{\s*(.*?)\s*\}\}", re.DOTALL)
SCRIPT = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`')

Text = tuple[int, str]  # the line where it stands, and what it says


def is_sentence(text: str) -> bool:
    """Whether a person may read this as a sentence."""
    return len(text.split()) > 2 and SENTENCE.fullmatch(text) is not None


def of_python(source: str) -> Iterator[Text]:
    """The sentences of string literals; docstrings are read by developers alone."""
    tree = ast.parse(source)
    passed: set[int] = set()
    labels: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            passed.add(id(node.value))  # a docstring
        if isinstance(node, ast.JoinedStr):
            passed.update(map(id, node.values))
        if isinstance(node, ast.keyword) and node.arg in LABELS:
            labels.add(id(node.value))
    for node in ast.walk(tree):
        if id(node) in passed or not isinstance(node, ast.Constant | ast.JoinedStr):
            continue
        text = _spelled(node).strip()
        if is_sentence(text) or (id(node) in labels and text):
            yield node.lineno, text


def _spelled(node: ast.Constant | ast.JoinedStr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(
        part.value if isinstance(part, ast.Constant) else f"{{{ast.unparse(part.value)}}}"
        for part in node.values
        if isinstance(part, ast.Constant | ast.FormattedValue)
    )


class _Reader(HTMLParser):
    """The text of a page, cut where a block begins or ends."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Text] = []
        self.text, self.line, self.silence = "", 1, 0

    def cut(self) -> None:
        text = " ".join(self.text.split())
        if len(text.split()) > 1 and re.search(r"[a-z]{2}", VARIABLE.sub("", text)):
            self.found.append((self.line, text))
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silence += tag in SILENT
        self.found += ((self.getpos()[0], text) for name, text in attrs if name in SPOKEN and text)
        if tag not in INLINE:
            self.cut()

    def handle_endtag(self, tag: str) -> None:
        self.silence -= tag in SILENT
        if tag not in INLINE:
            self.cut()

    def handle_data(self, data: str) -> None:
        if self.silence:
            return
        if not self.text.strip():
            self.line = self.getpos()[0]
        self.text += data


def of_template(source: str) -> Iterator[Text]:
    """The texts of a template, with its variables in braces."""
    for hidden in (COMMENT, TAG):
        source = hidden.sub(lambda match: "\n" * match[0].count("\n"), source)
    reader = _Reader()
    # a variable inside an attribute may hold the quotes that end it
    reader.feed(VARIABLE.sub(lambda match: "{" + re.sub(r"[\"'<>]", "", match[1]) + "}", source))
    reader.close()
    reader.cut()
    yield from reader.found


def of_script(source: str) -> Iterator[Text]:
    """The sentences of a script's strings."""
    for match in SCRIPT.finditer(source):
        text = (match[1] or match[2] or "").strip()
        if is_sentence(text):
            yield source[: match.start()].count("\n") + 1, text


def texts() -> dict[str, list[Text]]:
    """Each file's texts, by its path."""
    scripts = (ROOT / "statuspage/static").rglob("*.js")
    templates = [path for path in (ROOT / "templates").rglob("*") if path.suffix in (".html", ".txt")]
    modules = [
        path for app in APPS for path in (ROOT / app).rglob("*.py") if path.parent.name != "migrations"
    ]
    found = {}
    for read, paths in ((of_python, modules), (of_template, templates), (of_script, scripts)):
        for path in sorted(paths):
            if some := sorted(set(read(path.read_text()))):
                found[str(path.relative_to(ROOT))] = some
    return found


def main() -> None:
    """Write them for one sitting."""
    found = texts()
    sections = (
        "\n".join((f"## {path}", "", *(f"- {line}: {' '.join(text.split())}" for line, text in rows)))
        for path, rows in found.items()
    )
    file = ROOT / "var/texts.md"
    file.parent.mkdir(exist_ok=True)
    file.write_text("# What people read\n\n" + "\n\n".join(sections) + "\n")
    sys.stdout.write(f"{sum(map(len, found.values()))} texts of {len(found)} files: {file}\n")


if __name__ == "__main__":
    main()
