"""How static files are stored: with a hash in their names, and compressed once, when they are laid out."""

from typing import Any

import brotli
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

QUICK = 5  # brotli's quality: 15 % more bytes than at the best, in a fortieth of the time


class StaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Our own files as small as they get; Django's admin, which only staff load, quickly: it has 1.4 MB."""

    def create_compressor(self, **options: Any) -> Compressor:
        """Whitenoise's, with a quality for each file."""
        return _ByPath(self.path("statuspage"), **options)


class _ByPath(Compressor):  # type: ignore[misc]
    def __init__(self, best: str, **options: Any) -> None:
        super().__init__(**options)
        self.best = f"{best}/"
        self.quick = _Quick(**options)

    def compress(self, path: str) -> list[str]:
        """The names of the compressed files that were written beside it."""
        compress = super().compress if path.startswith(self.best) else self.quick.compress
        names: list[str] = compress(path)
        return names


class _Quick(Compressor):  # type: ignore[misc]
    @staticmethod
    def compress_brotli(data: bytes) -> bytes:
        compressed: bytes = brotli.compress(data, quality=QUICK)
        return compressed
