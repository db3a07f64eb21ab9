"""An uploaded picture, named by a hash of its content, so its address never means another one."""

import hashlib

from django.db import models

from components import pictures

MAX_NAME_LENGTH = 40


class PictureManager(models.Manager["Picture"]):
    def of(self, body: bytes) -> "Picture":
        """A picture of these bytes, not saved yet. Raises pictures.PictureError."""
        shape = pictures.read(body)
        digest = hashlib.sha256(body).hexdigest()[:20]
        name = f"{digest}-{shape.width}x{shape.height}.{shape.kind}"
        return self.model(name=name, body=body)

    def keep(self, picture: "Picture") -> None:
        """Save it; equal bytes are stored once."""
        self.get_or_create(name=picture.name, defaults={"body": picture.body})


class Picture(models.Model):
    name = models.CharField(max_length=MAX_NAME_LENGTH, primary_key=True)  # "3fa9…-240x72.png"
    body = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PictureManager()

    def __str__(self) -> str:
        return self.name

    @property
    def content_type(self) -> str:
        """The type by its own bytes, whatever the uploading browser said."""
        return f"image/{self.name.rpartition('.')[2]}"
