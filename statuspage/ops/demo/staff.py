"""A person of the demo's staff at the console, as a browser is: logs in, reads pages, fills in forms."""

from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

from statuspage.ops.demo.visitors import Visitors

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MAX_REDIRECTS = 5
CHECKED = ("checkbox", "radio")


class ConsoleError(Exception):
    """A page of the console was not as expected; the text says which."""


class Forms(HTMLParser):
    """The forms of a page: by address, what each sends as it stands."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, str]] = {}
        self.fields: dict[str, str] | None = None
        self.text, self.select = "", ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Forms and their fields."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.fields = self.forms.setdefault(given.get("action", ""), {})
        elif self.fields is None:
            return
        elif tag == "input" and (name := given.get("name")):
            if given.get("type") not in CHECKED or "checked" in given:
                self.fields[name] = given.get("value", "on" if given.get("type") in CHECKED else "")
        elif tag == "textarea":
            self.text = given.get("name", "")
            self.fields[self.text] = ""
        elif tag == "select":
            self.select = given.get("name", "")
        elif tag == "option" and self.select and ("selected" in given or self.select not in self.fields):
            self.fields[self.select] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        """Where they end."""
        if tag == "form":
            self.fields = None
        elif tag == "textarea":
            self.text = ""
        elif tag == "select":
            self.select = ""

    def handle_data(self, data: str) -> None:
        """What stands in a text field."""
        if self.text and self.fields is not None:
            self.fields[self.text] += data


class Person:
    """With a browser's memory: cookies, and the page they are on."""

    def __init__(self, visitors: Visitors, url: str) -> None:
        self.visitors, self.url = visitors, url
        self.cookies: dict[str, str] = {}
        self.at, self.page = url, ""

    def log_in(self, name: str, password: str) -> None:
        """Raises ConsoleError."""
        self.go("/accounts/login/?next=/console/")
        self.send("/accounts/login/", login=name, password=password)
        if urlsplit(self.at).path != "/console/":
            raise ConsoleError(f"The login led to {urlsplit(self.at).path}, not to the console.")

    def go(self, path: str) -> None:
        """Open a page. Raises ConsoleError."""
        self._ask("GET", urljoin(self.at, path), b"")

    def send(self, action: str, **filled: str) -> None:
        """Send a form of this page, with these fields filled in. Raises ConsoleError."""
        forms = Forms(self.page).forms
        found = next((form for form in forms if urlsplit(urljoin(self.at, form)).path == action), None)
        if found is None:
            raise ConsoleError(f"{urlsplit(self.at).path} has no form that leads to {action}.")
        self._ask("POST", urljoin(self.at, found or self.at), urlencode({**forms[found], **filled}).encode())

    def _ask(self, method: str, url: str, body: bytes) -> None:
        for _ in range(MAX_REDIRECTS):
            cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            sent = {"Cookie": cookies, "Referer": self.at, "Accept": "text/html"}
            sent = {name: value for name, value in sent.items() if value} | (FORM if body else {})
            head, self.page = self.visitors.request(url, method, sent, body)
            self._remember(head.values("set-cookie"))
            self.at = url
            if head.status not in (301, 302, 303):
                if head.status != 200:
                    raise ConsoleError(f"{method} {urlsplit(url).path} was answered with {head.status}.")
                return
            url, method, body = urljoin(url, head.headers["location"]), "GET", b""
        raise ConsoleError(f"{urlsplit(url).path} redirects without end.")

    def _remember(self, given: "list[str] | tuple[str, ...]") -> None:
        for line in given:
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name.strip()] = value.strip()
