"""A secret address where CI reports deploys. It is shown once, and kept as a hash."""

from collections.abc import Sequence
from typing import Any

from django.db import models

from components.models.component import Component
from components.models.inbox import hash_of, new_key
from components.models.lines import LineField

MAX_NAME_LENGTH = 80
DEPLOY = "deploy"  # the kind of such an address, beside the kinds of probes


class DeployAddressManager(models.Manager["DeployAddress"]):
    def add(self, name: str, component: Component | None) -> tuple["DeployAddress", str]:
        """A new one, and the key in its address."""
        key = new_key()
        return self.create(name=name, component=component, key_hash=hash_of(key)), key


class DeployAddress(models.Model):
    """`name` says who uses it. With a component it takes deploys of this one alone."""

    name = LineField(max_length=MAX_NAME_LENGTH)
    component = models.ForeignKey(
        Component, null=True, blank=True, on_delete=models.CASCADE, related_name="deploy_addresses"
    )
    key_hash = models.CharField(max_length=64, unique=True)
    used_at = models.DateTimeField(null=True, blank=True)

    objects = DeployAddressManager()

    class Meta:
        ordering = ("name", "id")

    def __str__(self) -> str:
        return self.name


def known(hashes: Sequence[str] | None = None) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Hash, kind, component id (empty: any) and the names of components by id; of all, or of these hashes."""
    rows = (
        DeployAddress.objects.all() if hashes is None else DeployAddress.objects.filter(key_hash__in=hashes)
    )
    found = list(rows.values_list("key_hash", "component__public_id"))
    names = dict(Component.objects.values_list("public_id", "name")) if found else {}
    return [(key_hash, DEPLOY, only or "", names) for key_hash, only in found]
