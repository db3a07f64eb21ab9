"""The table of Django's cache, in the shared database: it counts failed logins."""

from django.db import models


class Throttle(models.Model):
    """Columns as `createcachetable` makes them; `statuspage.staff.login.throttle` reads and writes them."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "statuspage_throttle"

    def __str__(self) -> str:
        return f"{self.cache_key} until {self.expires}"
