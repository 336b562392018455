"""The alarms as data: what each means and what to do, for the stack and for the README's table."""

from typing import Literal, NamedTuple


class Alarm(NamedTuple):
    name: str
    meaning: str
    action: str
    above: float = 0
    minutes: int = 5
    """How long one reading covers."""
    times: int = 1
    """How many readings in a row must be bad."""
    silence_is_bad: bool = False
    below: bool = False
    """Bad is less than `above`, not more."""


class Counted(NamedTuple):
    """A metric of our own that one function counts, and the alarm on it."""

    metric: str
    function: str
    statistic: Literal["Sum", "Maximum", "SampleCount"]
    alarm: Alarm


DEAD_LETTERS = {
    queue: Alarm(
        f"dead-letters-{queue}",
        f"Messages of the queue {queue} failed five times: a fault of ours. Nothing is lost, as "
        "the sweeps find events and deliveries in their tables.",
        "Read the function's log for the message ids, fix the cause, redrive the queue.",
        minutes=1,
    )
    for queue in ("fan-out", "fast", "slow")
} | {
    "resync-subscription": Alarm(
        "dead-letters-resync-subscription",
        "Subscriptions that Zuora says have changed could not be read again: a fault of ours. "
        "Zuora's own failures are waited for, and do not end here.",
        "Read the log of resync_subscription, fix the cause, redrive the queue.",
        minutes=1,
    ),
    "provision-order": Alarm(
        "dead-letters-provision-order",
        "Orders could not be carried on five times over: a fault of ours. Access is granted all "
        "the same, and the sweep takes the orders up again every ten minutes.",
        "Read the log of provision_order, fix the cause, redrive the queue.",
        minutes=1,
    ),
}

UNPUBLISHED = Alarm(
    "dead-letters-unpublished",
    "Events could not be read from their table's stream and published. Their rows stay open, and "
    "the sweep publishes them after two minutes.",
    "Read the log of publish_events, fix the cause, then empty the queue.",
    minutes=1,
)

QUEUE_AGE = {
    "fan-out": Alarm(
        "waiting-fan-out",
        "Events wait longer than two minutes for their fan-out.",
        "Read the log of fan_out_event for failures and throttles.",
        above=120,
        minutes=1,
        times=5,
    ),
    "fast": Alarm(
        "waiting-fast",
        "First attempts wait longer than 30 seconds.",
        "Raise the context value webhooks.fast, or find the endpoint that takes all the room.",
        above=30,
        minutes=1,
        times=5,
    ),
    "slow": Alarm(
        "waiting-slow",
        "Retries wait half an hour longer than planned.",
        "Raise the context value webhooks.slow, or pause endpoints that never answer.",
        above=1800,
        minutes=5,
        times=2,
    ),
    "resync-subscription": Alarm(
        "waiting-resync-subscription",
        "Changes made in Zuora wait for half an hour to be read.",
        "See in the log of resync_subscription whether Zuora is slow or callouts are too many.",
        above=1800,
        minutes=5,
        times=2,
    ),
    "provision-order": Alarm(
        "waiting-provision-order",
        "Orders wait half an hour longer than planned to be carried on.",
        "See in the log of provision_order how long Zuora and Salesforce take to answer.",
        above=1800,
        minutes=5,
        times=2,
    ),
}

API_FAILS = Alarm(
    "api-5xx",
    "Five answers or more in five minutes were 5xx: our fault, or Zuora or Salesforce is down "
    "(502 names it).",
    "Follow the request ids from the access log to the function's log.",
    above=4,
)

FUNCTION_ERRORS = Alarm(
    "errors",
    "A function ended without an answer: out of time, out of memory, or it could not start.",
    'Ask which one it was (README, "Operating") and read its log.',
)

FUNCTION_THROTTLES = Alarm(
    "throttles",
    "Lambda refused to start a function, of this stage or another in the account: the concurrency "
    "that all share is used up.",
    "Ask for more concurrent executions, or lower webhooks.fast and webhooks.slow.",
)

FIRST_ATTEMPTS = Alarm(
    "first-attempts",
    "Fewer than 90 % of first attempts succeed, of 50 or more in 15 minutes: receivers are down, "
    "or our way out is.",
    "See in the webhook viewer whether one endpoint or all of them fail.",
    above=0.9,
    minutes=15,
    below=True,
)
ENOUGH_FIRST_ATTEMPTS = 50

ENDPOINTS_DISABLED = Alarm(
    "endpoints-disabled",
    "An endpoint was switched off after days without one success, or because it answered 410.",
    "Tell its owner; the webhook viewer has the reason and the button to resume.",
)

RESYNC = (
    Counted(
        "ResyncsGivenUp",
        "resync_subscription",
        "Sum",
        Alarm(
            "resyncs-given-up",
            "A subscription changed in Zuora and could not be read for six hours.",
            "Once Zuora answers, sync the subscriptions that the log of resync_subscription names.",
        ),
    ),
)

PROVISIONING = (
    Counted(
        "OrdersFailed",
        "provision_order",
        "Sum",
        Alarm(
            "orders-failed",
            "An order failed: Zuora or Salesforce refused it, or did not answer for a day. What it "
            "had granted is taken back.",
            "Read the order's steps, put right what they say, then retry the order.",
        ),
    ),
)

_OUR_BUG = "Read the function's log for the traceback, fix it, redrive what is in dead letters."

DELIVERY = (
    Counted(
        "SenderFaults",
        "send_deliveries",
        "Sum",
        Alarm("sender-faults", "A delivery could not even be prepared: our bug.", _OUR_BUG),
    ),
    Counted(
        "RecordFailed",
        "send_deliveries",
        "Sum",
        Alarm(
            "record-failed",
            "An attempt was made and could not be written down: storage refuses. "
            "It will be sent again.",
            _OUR_BUG,
        ),
    ),
    Counted(
        "EgressRefused",
        "send_deliveries",
        "Sum",
        Alarm(
            "egress-refused",
            "More than 20 webhooks in 15 minutes went to addresses they may not reach: somebody "
            "is probing, or a receiver's DNS is wrong.",
            "See in the log of send_deliveries which endpoint; ask its owner, or pause it.",
            above=20,
            minutes=15,
        ),
    ),
    *(
        Counted(
            "I1Violations",
            function,
            "Sum",
            Alarm(
                f"invariant-{function.replace('_', '-')}",
                "A delivery was found pending without being due, or due without being pending.",
                "Compare the row's attempts with its state; report it with both.",
            ),
        )
        for function in ("send_deliveries", "sweep_deliveries", "read_delivery", "webhooks")
    ),
    Counted(
        "ClaimsLapsed",
        "sweep_deliveries",
        "Sum",
        Alarm(
            "claims-lapsed",
            "More than ten senders died within 15 minutes between sending and recording.",
            "Look for time-outs and memory in the log of send_deliveries.",
            above=10,
            minutes=15,
        ),
    ),
    Counted(
        "OldestOpenEventSeconds",
        "publish_events",
        "Maximum",
        Alarm(
            "oldest-open-event",
            "An event is committed for more than five minutes and not fanned out.",
            "Read the logs of publish_events and fan_out_event.",
            above=300,
        ),
    ),
    Counted(
        "OldestDueSeconds",
        "sweep_deliveries",
        "Maximum",
        Alarm(
            "oldest-due-delivery",
            "A delivery to a healthy endpoint is ten minutes late.",
            "Read the log of sweep_deliveries; see whether the slow queue waits.",
            above=600,
        ),
    ),
    Counted(
        "Swept",
        "sweep_deliveries",
        "SampleCount",
        Alarm(
            "sweep-silent",
            "The sweep has not run for five minutes: retries are late.",
            "See whether its schedule is on and what its log says.",
            above=1,
            minutes=1,
            times=5,
            below=True,
            silence_is_bad=True,
        ),
    ),
)
