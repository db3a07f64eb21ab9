"""Django's admin: for admins only, through our login, every change in the audit log."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group as AuthGroup
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from components.models import Component, Group, Page, Probe
from incidents.models import Incident
from statuspage.models import Audit, Member, Role

# people are changed in the console, which keeps the last admin and writes to the audit log
HIDDEN_APPS = frozenset({"account", "mfa", "usersessions", "socialaccount"})
HIDDEN_MODELS = frozenset({User, AuthGroup})


def is_read(thing: Any) -> bool:
    """Whether public pages show this row; hidden rows and drafts do not change the public version."""
    if isinstance(thing, Incident):
        return thing.published_at is not None
    if isinstance(thing, Probe):
        return thing.component.is_shown
    return thing.is_shown if isinstance(thing, Component) else isinstance(thing, Group)


class Audited:
    """Writes changes in Django's admin to the audit log, with the values before and after."""

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        before = {name: form.initial.get(name) for name in form.changed_data}
        after = {name: form.cleaned_data.get(name) for name in form.changed_data}
        for formset in formsets or ():
            for row in formset.forms:
                if row.has_changed():  # only field names: rows of other tables may have secrets
                    after[f"{formset.model._meta.model_name} {row.instance}"] = ", ".join(row.changed_data)  # noqa: SLF001
        request.told = (before, after)  # type: ignore[attr-defined]
        return super().construct_change_message(request, form, formsets, add)  # type: ignore[misc]

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._note(request, "add", obj)
        return super().log_addition(request, obj, message)  # type: ignore[misc]

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._note(request, "change", obj)
        before, _ = getattr(request, "told", ({}, {}))
        Page.objects.bump_version(takes_away=True, is_public=is_read(obj) or "is_shown" in before)
        return super().log_change(request, obj, message)  # type: ignore[misc]

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            self._note(request, "delete", obj)
        return super().log_deletions(request, queryset)  # type: ignore[misc]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save, with the page locked before any other row, as everywhere (`Page.objects.lock`)."""
        Page.objects.lock()
        super().save_model(request, obj, form, change)  # type: ignore[misc]

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete, and drop copies of public pages that show it."""
        with transaction.atomic():
            Page.objects.lock()
            was_read = is_read(obj)
            super().delete_model(request, obj)  # type: ignore[misc]
            Page.objects.bump_version(takes_away=True, is_public=was_read)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """The same for many at once."""
        with transaction.atomic():
            Page.objects.lock()
            was_read = any(is_read(obj) for obj in queryset)
            super().delete_queryset(request, queryset)  # type: ignore[misc]
            Page.objects.bump_version(takes_away=True, is_public=was_read)

    def _note(self, request: HttpRequest, act: str, obj: Any) -> None:
        before, after = getattr(request, "told", (None, None))
        act = f"admin.{obj._meta.model_name}.{act}"  # noqa: SLF001 - Django's own way
        Audit.objects.note(request, act, obj, before=before if act.endswith("change") else None, after=after)


class StaffAdminSite(admin.AdminSite):
    """`admin.site` of this project."""

    def has_permission(self, request: HttpRequest) -> bool:
        return Member.objects.role_of(request.user) is Role.ADMIN

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register a model, with its changes in the audit log; models of the login are left out."""
        models = model_or_iterable if isinstance(model_or_iterable, Iterable) else [model_or_iterable]
        for model in models:
            if model in HIDDEN_MODELS or model._meta.app_label in HIDDEN_APPS:  # noqa: SLF001
                continue
            base = admin_class or admin.ModelAdmin
            super().register(model, type(base.__name__, (Audited, base), {}), **options)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Use the one login page, with its limits and second factors."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied("This needs the role Admin: ask an admin of this page.")
        next_path = request.GET.get("next", reverse("admin:index"))
        return redirect(f"{reverse('login')}?{urlencode({'next': next_path})}")

    def logout(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Redirect with 307, which keeps it a POST."""
        return HttpResponseRedirect(reverse("account_logout"), status=307)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Use the one form for it."""
        return redirect("account_change_password")
