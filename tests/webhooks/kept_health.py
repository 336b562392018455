"""Health without a table."""

from tessera.webhooks.health import Change, Health


def apply(health: Health, change: Change) -> Health | None:
    """The health as the change leaves it, or None where its condition does not hold.

    This is what the table does with it, for tests that keep health in memory.
    """
    if any(getattr(health, name) != value for name, value in change.when.items()):
        return None
    members = {name: value for name, value in health if value is not None}
    for name in change.remove:
        members.pop(name, None)
    for name, number in change.add.items():
        members[name] = members.get(name, 0) + number
    for name, value in change.begin.items():
        members.setdefault(name, value)
    return Health(**{**members, **change.set})
