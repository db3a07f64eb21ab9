"""The forms that pages show, filled in as staff would, and what may stand in a field instead."""

from datetime import timedelta
from html.parser import HTMLParser
from urllib.parse import urlencode

from django.utils import timezone

URLENCODED = "application/x-www-form-urlencoded"
KEPT = "Words that took an hour."
NO_FIELD = frozenset({"button", "image", "reset", "file"})


class Form:
    """`fields` are (name, value) as a browser sends them, `buttons` those that send it."""

    def __init__(self, page, action):
        self.page, self.action = page, action or page.split("?")[0]
        self.fields, self.buttons, self.areas, self.is_multipart = [], [], set(), False

    def __str__(self):
        return f"{self.page} → {self.action}"

    @property
    def names(self):
        return list(dict.fromkeys(name for name, _ in self.fields + self.buttons))

    def sent(self, button=None, **other):
        """The body; `other` replaces a field, with a list by several, with None by nothing."""
        pairs = self.fields + ([button] if button else [])
        body = [(name, value) for name, value in pairs if name not in other]
        for name, value in other.items():
            if value is not None:
                body += [(name, one) for one in (value if isinstance(value, list) else [value])]
        return urlencode(body)


class _Reader(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.page, self.forms, self.form, self.text, self.select = page, [], None, None, None

    def handle_starttag(self, tag, pairs):
        at = dict(pairs)
        if tag == "form":
            self.form = Form(self.page, at.get("action", ""))
            self.form.is_multipart = "multipart" in at.get("enctype", "")
            if at.get("method", "").lower() == "post":
                self.forms.append(self.form)
        name = at.get("name")
        if self.form is None or "disabled" in at:
            return
        if tag == "button" and name:
            self.form.buttons.append((name, at.get("value", "")))
        elif tag == "input" and name and (kind := at.get("type", "text")) not in NO_FIELD:
            if kind == "submit":
                self.form.buttons.append((name, at.get("value", "")))
            elif kind not in ("checkbox", "radio"):
                self.form.fields.append((name, at.get("value") or _typed(name, kind)))
            elif "checked" in at or (name, "") not in self.form.fields:
                chosen = at.get("value") or "on"
                if "checked" in at or name not in self.form.names:
                    self.form.fields.append((name, chosen))
        elif tag == "textarea":
            self.text = (name, [])
        elif tag == "select":
            self.select = (name, [])
        elif tag == "option" and self.select:
            self.select[1].append((at.get("value", ""), "selected" in at))

    def handle_data(self, data):
        if self.text:
            self.text[1].append(data)

    def handle_endtag(self, tag):
        if tag == "form":
            self.form = None
        elif tag == "textarea" and self.text:
            name, parts = self.text
            if self.form is not None:
                self.form.areas.add(name)
                self.form.fields.append((name, "".join(parts).strip() or _typed(name, "textarea")))
            self.text = None
        elif tag == "select" and self.select:
            name, options = self.select
            chosen = [value for value, is_chosen in options if is_chosen]
            if name and self.form is not None:
                chosen = chosen or [value for value, _ in options if value][:1]
                self.form.fields.extend((name, value) for value in chosen)
            self.select = None


def _typed(name, kind):
    soon = timezone.now() + timedelta(hours=3)
    if kind == "datetime-local":
        later = timedelta(hours=1 if "end" in name else 0)
        return f"{soon + later:%Y-%m-%dT%H:%M}"
    if kind == "textarea":
        return KEPT if name in ("body", "workaround", "summary", "note", "description") else ""
    return {"title": "A title", "name": "A name", "email": "new@widgetify.example", "mail": "ada@x.example",
            "address": "new@widgetify.example", "url": "http://127.0.0.1:9/"}.get(name, "")  # fmt: skip


def forms_of(page, html):
    """Every form of this page that is sent by POST."""
    reader = _Reader(page)
    reader.feed(html)
    return reader.forms
