"""Models of incidents, maintenance and postmortems. They do not import `incidents.automation`."""

from incidents.models.act import Act, ActState, Helped
from incidents.models.affected import Affected
from incidents.models.draft import Draft
from incidents.models.hook import Action, Brake, Hook
from incidents.models.incident import Incident
from incidents.models.maintenance import Maintenance
from incidents.models.maintenance_update import MaintenanceUpdate
from incidents.models.monthly_report import MonthlyReport
from incidents.models.notice import Notice, NoticeKind
from incidents.models.plan import PlanRow
from incidents.models.posting import AlreadyResolvedError, Post
from incidents.models.postmortem import ActionItem, ActionKind, ActionState, Postmortem, PostmortemVersion
from incidents.models.taken import TakenForm
from incidents.models.template import Template, TemplateKind
from incidents.models.update import Update, UpdateVersion
from incidents.models.work import State as MaintenanceState

__all__ = [
    "Act",
    "ActState",
    "Action",
    "ActionItem",
    "ActionKind",
    "ActionState",
    "Affected",
    "AlreadyResolvedError",
    "Brake",
    "Draft",
    "Helped",
    "Hook",
    "Incident",
    "Maintenance",
    "MaintenanceState",
    "MaintenanceUpdate",
    "MonthlyReport",
    "Notice",
    "NoticeKind",
    "PlanRow",
    "Post",
    "Postmortem",
    "PostmortemVersion",
    "TakenForm",
    "Template",
    "TemplateKind",
    "Update",
    "UpdateVersion",
]
