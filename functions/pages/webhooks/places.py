"""Addresses of the webhook pages, and the tabs over their lists."""

from tessera.edge.pages.frames import Link

DELIVERIES = "/objects/webhooks/limio"
EVENTS = f"{DELIVERIES}/events"
ENDPOINTS = f"{DELIVERIES}/endpoints"
OWNERS = "/objects/identities/limio"
ORDERS = "/objects/orders/limio"
FIND = "/settings/find"

HOME = Link("Webhooks", DELIVERIES)


def endpoint_at(id: str) -> str:
    return f"{ENDPOINTS}/{id}"


def event_at(id: str) -> str:
    return f"{EVENTS}/{id}"


def delivery_at(event: str, endpoint: str) -> str:
    return f"{DELIVERIES}/deliveries/{event}/{endpoint}"


def tabs(current: str) -> list[Link]:
    listed = (("Deliveries", DELIVERIES), ("Events", EVENTS), ("Endpoints", ENDPOINTS))
    return [Link(words, href, href == current) for words, href in listed]
