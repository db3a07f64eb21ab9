"""Models of staff: roles, invitations, audit log, first passwords. One noun a file."""

from statuspage.models.audit import Audit
from statuspage.models.first_password import FirstPassword
from statuspage.models.invitation import Invitation, InvitationGoneError
from statuspage.models.member import LastAdminError, Member, Role
from statuspage.models.throttle import Throttle

__all__ = [
    "Audit",
    "FirstPassword",
    "Invitation",
    "InvitationGoneError",
    "LastAdminError",
    "Member",
    "Role",
    "Throttle",
]
