"""What has come into an inbox, read bit by bit: for counts that one answer cannot hold."""

import json

from tests.e2e.conftest import Inbox


class Arrivals:
    """What has come into one inbox so far."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._last = 0
        self.count = 0
        self.ids: set[str] = set()
        """Of all that it has heard of, whatever it answered."""
        self.subscriptions: set[str] = set()
        """Those of which it has accepted a webhook."""

    def read(self, *, within: int) -> None:
        """Waits for something new, so many seconds at most."""
        page = self._inbox.deliveries(at_least=1, within=within, after=str(self._last))
        self.count += len(page)
        self.ids |= {one["headers"]["webhook-id"] for one in page}
        self.subscriptions |= {
            str(json.loads(one["body"])["tracking"]["subscription"])
            for one in page
            if one["status"] in range(200, 300) and '"tracking"' in one["body"]
        }
        self._last = max([self._last, *(int(one["number"]) for one in page)])
