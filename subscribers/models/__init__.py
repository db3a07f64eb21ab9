"""The models of this app, one noun a file."""

from subscribers.models.alert import Alert, AlertChannel, AlertDelivery, AlertDeliveryState
from subscribers.models.delivery import Delivery, new_id
from subscribers.models.host import Host, Sorter
from subscribers.models.sheet import Import, ImportPart
from subscribers.models.subscriber import FormerKey, Subscriber
from subscribers.states import DeliveryState, Purpose, State

__all__ = [
    "Alert",
    "AlertChannel",
    "AlertDelivery",
    "AlertDeliveryState",
    "Delivery",
    "DeliveryState",
    "FormerKey",
    "Host",
    "Import",
    "ImportPart",
    "Purpose",
    "Sorter",
    "State",
    "Subscriber",
    "new_id",
]
