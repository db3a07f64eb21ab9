"""The models of components, probes and the page, one noun a file."""

from components.models.check import Check
from components.models.check_pack import CheckPack
from components.models.claims import Claim
from components.models.component import AutoIncidents, Component, Group, StatusSpan
from components.models.deploy import DeployMarker, DeploySource
from components.models.deploy_address import DeployAddress
from components.models.flip import Flip
from components.models.heartbeat import Heartbeat
from components.models.inbox import Inbox
from components.models.page import Joining, Page
from components.models.picture import Picture
from components.models.probe import Probe
from components.models.remote_region import RegionRequest, RemoteRegion
from components.models.signal import Signal
from components.models.spool_mark import SpoolMark
from components.models.tally import DayTally, HourTally, NumberTally

__all__ = [
    "AutoIncidents",
    "Check",
    "CheckPack",
    "Claim",
    "Component",
    "DayTally",
    "DeployAddress",
    "DeployMarker",
    "DeploySource",
    "Flip",
    "Group",
    "Heartbeat",
    "HourTally",
    "Inbox",
    "Joining",
    "NumberTally",
    "Page",
    "Picture",
    "Probe",
    "RegionRequest",
    "RemoteRegion",
    "Signal",
    "SpoolMark",
    "StatusSpan",
]
