"""Which parts of a service a health document names as failing, and how much that is worth."""

from components import health_documents
from components.free_health import KNOWN
from components.health_documents import Health

MAX_PARTS = 5
MAX_NAME_LENGTH = 60
# Shapes that nothing but a health document has
DISTINCT = (
    "health+json", "ASP.NET", "MicroProfile", "Kubernetes", "NestJS Terminus", "django-health-check",
    "Elasticsearch",
)  # fmt: skip


def failing_parts(
    body: bytes | str, content_type: str = "", status_code: int | None = None
) -> tuple[str, ...]:
    """The names of the parts that are down, at most five, the worst first; empty when none is named.

    A name that could be any field of an error is left out.
    """
    data = body.encode("utf-8", "replace") if isinstance(body, str) else body
    document = health_documents.read(data, content_type, status_code or 0)
    if document is None:
        return ()
    is_health = document.format in DISTINCT or "actuator" in content_type or b'"components"' in data[:400]
    names = [
        " ".join(part.name.split())[:MAX_NAME_LENGTH]
        for part in document.failing
        if part.status is Health.DOWN and (is_health or KNOWN.search(part.name))
    ]
    return tuple(dict.fromkeys(name for name in names if name))[:MAX_PARTS]


def is_draining(body: str, content_type: str = "", status_code: int | None = None) -> bool:
    """Whether it says that it is being taken out of service on purpose."""
    document = health_documents.read(body.encode("utf-8", "replace"), content_type, status_code or 0)
    return document is not None and document.status is Health.DRAINING
