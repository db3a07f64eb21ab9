"""A form as a browser sends it that was opened and saved again, with nothing typed."""

from html.parser import HTMLParser

NO_VALUE = frozenset({"submit", "button", "image", "reset", "file"})


class _Forms(HTMLParser):
    def __init__(self):
        super().__init__()
        self.forms, self.text, self.select = [], None, None

    def handle_starttag(self, tag, pairs):
        attributes = dict(pairs)
        if tag == "form":
            self.forms.append((attributes.get("action", ""), []))
        name = attributes.get("name")
        if not self.forms or "disabled" in attributes:
            return
        fields = self.forms[-1][1]
        kind = attributes.get("type", "text")
        if tag == "input" and name and kind not in NO_VALUE:
            if kind not in ("checkbox", "radio") or "checked" in attributes:
                fields.append((name, attributes.get("value") or ("on" if kind == "checkbox" else "")))
        elif tag == "textarea":
            self.text = (name, [])
        elif tag == "select":
            self.select = (name, [])
        elif tag == "option" and self.select:
            self.select[1].append((attributes.get("value", ""), "selected" in attributes))

    def handle_data(self, data):
        if self.text:
            self.text[1].append(data)

    def handle_endtag(self, tag):
        if tag == "textarea" and self.text:
            name, parts = self.text
            # a browser drops the first line end, and sends the others as CR LF
            self.forms[-1][1].append(
                (name, "".join(parts).replace("\r\n", "\n").removeprefix("\n").replace("\n", "\r\n"))
            )
            self.text = None
        elif tag == "select" and self.select:
            name, options = self.select
            chosen = [value for value, is_chosen in options if is_chosen] or [v for v, _ in options[:1]]
            self.forms[-1][1].extend((name, value) for value in chosen if name)
            self.select = None


def as_shown(html, *, action):
    """The fields of the form with this action, as {name: [values]}."""
    parser = _Forms()
    parser.feed(html)
    fields = next(fields for where, fields in parser.forms if where == action)
    data = {}
    for name, value in fields:
        data.setdefault(name, []).append(value)
    return data
