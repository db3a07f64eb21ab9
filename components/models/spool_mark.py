"""How far a file of waiting reports was stored: written in the transaction that stores them."""

from django.db import models


class SpoolMark(models.Model):
    """`name` is the file's, unique for ever; `stored` the bytes of it that the database has."""

    name = models.CharField(max_length=40, primary_key=True)
    stored = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.name} up to {self.stored}"
