"""POST /api/events/zuora: take Zuora's hint that a subscription has changed, and queue a sync."""

from typing import Annotated, Any

from tessera import clock
from tessera.commerce.callouts import Callout, receive
from tessera.commerce.notifications import NotificationTable
from tessera.commerce.resync_queue import ResyncMessages
from tessera.edge.api import Header, Response, accepted, entrypoint, resolver
from tessera.edge.basic import BasicLogin
from tessera.edge.environment import Environment
from tessera.edge.observability import correlation_id, note
from tessera.secrets import Secret


class Env(Environment):
    idempotency_table: str
    resync_queue_url: str
    zuora_callout_secret: str


env = Env.load()
notifications = NotificationTable(env.idempotency_table)
queue = ResyncMessages(env.resync_queue_url)
login = BasicLogin(Secret(env.zuora_callout_secret))
app = resolver()


@app.post("/api/events/zuora")
def receive_zuora_callout(
    callout: Callout,
    notification: Annotated[str | None, Header(alias="Zuora-Notification-Id")] = None,
) -> Response[Any]:
    outcome = receive(
        callout,
        notification,
        notifications=notifications,
        queue=queue,
        now=clock.now(),
        correlation_id=correlation_id(),
    )
    note(outcome=outcome, notification=notification)
    return accepted({})


handler = entrypoint(app, guard=login.check)
