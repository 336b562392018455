"""Where webhooks may go in this deployment, from its settings."""

from tessera.webhooks.destination import Reach


def reach(*, ports: str, own_hosts: str, private_hosts: str) -> Reach:
    """Each is a list with commas: `443,8443`, `api.example.com`, `localhost:9000`."""
    return Reach(
        ports=frozenset(int(port) for port in _listed(ports)),
        own_hosts=frozenset(_listed(own_hosts)),
        private_hosts=frozenset(_listed(private_hosts)),
    )


def _listed(text: str) -> list[str]:
    return [item.strip().lower() for item in text.split(",") if item.strip()]
