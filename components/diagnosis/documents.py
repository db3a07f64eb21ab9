"""Which parts of a service a health document names as failing, and how much that is worth."""

import re

from components import health_documents
from components.health_documents import Health

MAX_PARTS = 5
MAX_NAME_LENGTH = 60
# Of the parts of services, what most depend on; a name like these is no mere field of an error
KNOWN = re.compile(
    r"d(?:ata)?b(?:ase)?\b|database|postgres|mysql|maria|mongo|sql|redis|valkey|cache|memcache|kafka|rabbit|amqp"
    r"|broker|queue|celery|elastic|search|solr|storage|s3\b|bucket|minio|disk|smtp|mail|ldap|auth|vault|consul"
    r"|etcd|zookeeper|upstream|downstream|gateway|payment|api\b|dns|clickhouse|cassandra|nats|influx",
    re.IGNORECASE,
)
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
