"""Where webhooks may go: three settings of whatever registers receivers or sends to them."""

from tessera.edge.environment import Environment
from tessera.webhooks.destination import Reach


class ReachEnvironment(Environment):
    """Each is a list with commas: `443,8443`, `api.example.com`, `localhost:9000`."""

    webhook_ports: str
    own_hosts: str
    webhook_private_hosts: str

    def reach(self) -> Reach:
        return Reach(
            ports=frozenset(int(port) for port in _listed(self.webhook_ports)),
            own_hosts=frozenset(_listed(self.own_hosts)),
            private_hosts=frozenset(_listed(self.webhook_private_hosts)),
        )


def _listed(text: str) -> list[str]:
    return [item.strip().lower() for item in text.split(",") if item.strip()]
