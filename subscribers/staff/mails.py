"""The mails written to VAR_DIR/mail while no mail server is set."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from components.access_marks import staff
from subscribers.staff.asking import StaffRequest
from subscribers.staff.views import SECTION

MAX_MAILS = 100
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._+-]{0,200}\.eml")
SHOWN = (
    "Date",
    "From",
    "To",
    "Subject",
    "Message-ID",
    "References",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
)
# the mail's HTML may use its own styles, and nothing else
CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox allow-top-navigation-by-user-activation"
)


@dataclass(frozen=True, slots=True)
class Mail:
    """A file of the folder."""

    name: str
    at: datetime
    to: str
    subject: str


@require_GET
@never_cache
@staff("admin")
def list_page(request: StaffRequest) -> HttpResponse:
    """List the newest MAX_MAILS mails."""
    request.section = SECTION
    context = {"mails": [_read(file) for file in _newest()], "folder": folder(), "most": MAX_MAILS}
    return render(request, "console/subscribers/mails.html", context)


@require_GET
@never_cache
@staff("admin")
def page(request: StaffRequest, name: str) -> HttpResponse:
    """One mail: its headers and text."""
    request.section = SECTION
    mail = _open(name)
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    context = {
        "name": name,
        "subject": str(mail["Subject"] or "(no subject)"),
        "headers": [(key, str(mail[key])) for key in SHOWN if mail[key]],
        "text": str(text.get_content()) if text else "",
        "has_html": html is not None,
        "attached": [part.get_filename() or part.get_content_type() for part in mail.iter_attachments()],
    }
    return render(request, "console/subscribers/mail.html", context)


@require_GET
@never_cache
@staff("admin")
def html(request: StaffRequest, name: str) -> HttpResponse:
    """Its HTML, sandboxed: no scripts, no remote pictures, no cookies."""
    body = _open(name).get_body(("html",))
    if body is None:
        raise Http404
    answer = HttpResponse(str(body.get_content()))
    answer["Content-Security-Policy"] = CSP
    return answer


def folder() -> Path:
    """The folder of written mails."""
    return Path(settings.VAR_DIR) / "mail"


def _newest() -> list[Path]:
    """The newest files first; empty if there is no folder yet."""
    if not folder().is_dir():
        return []
    files = [(file.stat().st_mtime, file) for file in folder().glob("*.eml") if NAME.fullmatch(file.name)]
    return [file for _, file in sorted(files, reverse=True)[:MAX_MAILS]]


def _read(file: Path) -> Mail:
    with file.open("rb") as opened:
        head = BytesHeaderParser(policy=policy.default).parse(opened)
    at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    return Mail(file.name, at, str(head["To"] or ""), str(head["Subject"] or "(no subject)"))


def _open(name: str) -> EmailMessage:
    """Parse a mail of the folder. Raises Http404 for any other name."""
    if not NAME.fullmatch(name) or not (folder() / name).is_file():
        raise Http404
    with (folder() / name).open("rb") as opened:
        return BytesParser(EmailMessage, policy=policy.default).parse(opened)
