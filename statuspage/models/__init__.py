"""What the face itself keeps, one noun a file: people, their acts, and first passwords."""

from statuspage.models.audit import Audit
from statuspage.models.first_password import FirstPassword
from statuspage.models.member import Member, Role

__all__ = ["Audit", "FirstPassword", "Member", "Role"]
