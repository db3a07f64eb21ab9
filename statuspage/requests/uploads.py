"""File uploads: two addresses only, logged-in people only, kept in memory.

Without this any form takes files: Django writes them to /tmp while a stranger sends them.
"""

import io
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from statuspage.requests.limits import IMPORTS_PATH, LOOK_PATH, STAFF

# the form reports a logo that is too large; more than this is refused before it
MAX_BYTES = {IMPORTS_PATH: settings.IMPORT_MAX_BYTES, LOOK_PATH: STAFF.max_bytes}


class ImportUploadHandler(FileUploadHandler):
    """The only upload handler: refuses files at all other addresses."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """A part of the form is a file. Raises BadRequest unless it is an import's or a logo's."""
        request = self.request
        user = getattr(request, "user", None)
        if request is None or request.path not in MAX_BYTES or not getattr(user, "is_authenticated", False):
            raise BadRequest("Files are not accepted here.")
        super().new_file(*args, **kwargs)
        self.most = MAX_BYTES[request.path]
        self.file = io.BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        """Keep a piece. Raises BadRequest if the file is too large, whatever size was announced."""
        if self.file.tell() + len(raw_data) > self.most:
            raise BadRequest("The file is too large.")
        self.file.write(raw_data)
        return None

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        """The file, at its beginning."""
        self.file.seek(0)
        return InMemoryUploadedFile(
            file=self.file,
            field_name=self.field_name,
            name=self.file_name,
            content_type=self.content_type,
            size=file_size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )
