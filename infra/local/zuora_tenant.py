"""The Zuora stand-in's tenant: its accounts, subscriptions and numbers, over a dict of JSON."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from infra.local.zuora_countries import country_name
from infra.local.zuora_refusals import bad_value, missing, not_found, rule
from infra.local.zuora_revisions import Revision

State = dict[str, Any]

NUMBERS = {
    "account": "A{:08}",
    "subscription": "A-S{:08}",
    "order": "O-{:08}",
    "invoice": "INV{:08}",
    "creditMemo": "CM{:08}",
    "payment": "P-{:08}",
    "charge": "C-{:08}",
}
TAKEN = {
    "account": "accountNumbers",
    "subscription": "subscriptions",
    "order": "orders",
    "invoice": "invoiceNumbers",
}
"""Where numbers are kept that the next one must differ from, as they may come from outside."""
DEEPEST_HIERARCHY = 5
CONTACT_FIELDS = (
    "firstName",
    "lastName",
    "workEmail",
    "personalEmail",
    "workPhone",
    "address1",
    "address2",
    "city",
    "state",
    "zipCode",
    "country",
)


def empty_state(today: date) -> State:
    """A tenant without a catalogue or an account.

    `settings` are what differs between live tenants: `ownerStyle` A or B, and whose account a
    later order names, `invoiceOwner` or `subscriptionOwner`.
    """
    return {
        "settings": {
            "ownerStyle": "A",
            "laterOrderAccount": "invoiceOwner",
            "callsPerMinute": 50_000,
            "callsAtOnce": 40,
        },
        "jobsRunOn": today.isoformat(),
        "counters": {},
        "catalogue": {},
        "accounts": {},
        "accountNumbers": {},
        "contacts": {},
        "paymentMethods": {},
        "subscriptions": {},
        "subscriptionIds": {},
        "orders": {},
        "invoices": {},
        "invoiceNumbers": {},
        "creditMemos": {},
        "files": {},
        "payments": {},
        "cardForms": {},
        "tokens": {},
        "idempotency": {},
    }


class Tenant:
    """Reads and changes the state it is given; `now` decides what is due. Raises `Refusal`."""

    def __init__(self, state: State, now: datetime) -> None:
        self.state = state
        self.now = now
        self.today = now.date()

    def fresh_id(self) -> str:
        return f"8ad0a55e{self._count('id'):024x}"

    def next_number(self, kind: str) -> str:
        """Zuora's own number for an object that comes without one."""
        taken: dict[str, Any] = self.state.get(TAKEN.get(kind, ""), {})
        while True:
            number = NUMBERS[kind].format(self._count(kind))
            if number not in taken:
                return number

    def instant(self) -> str:
        return self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def product_rate_plan(self, id: str) -> dict[str, Any]:
        plan: dict[str, Any] | None = self.state["catalogue"].get(id)
        if plan is None:
            raise not_found("product rate plan", id)
        return plan

    def account(self, key: str) -> dict[str, Any]:
        """By number or id."""
        id = self.state["accountNumbers"].get(key, key)
        account: dict[str, Any] | None = self.state["accounts"].get(id)
        if account is None:
            raise not_found("account", key)
        return account

    def add_account(self, asked: dict[str, Any]) -> dict[str, Any]:
        """`asked` is the body of `POST /v1/accounts`, already checked field by field."""
        number = asked.get("accountNumber")
        if number is not None and number.startswith("A"):
            raise rule(f"Account number '{number}' begins with the prefix of generated numbers.")
        if number in self.state["accountNumbers"]:
            raise rule(f"Account number '{number}' is taken.")
        parent = self._parent(asked)
        card = asked.get("hpmCreditCardPaymentMethodId")
        if asked.get("autoPay", False) != (card is not None):
            raise rule("autoPay goes with exactly one payment method.")
        if card is not None and self.payment_method(card)["accountId"] is not None:
            raise rule(f"Payment method {card} belongs to another account.")
        bill_to = self._contact(asked["billToContact"])
        sold_to = self._contact(asked["soldToContact"]) if "soldToContact" in asked else bill_to
        account = {
            "id": self.fresh_id(),
            "number": number or self.next_number("account"),
            "name": asked["name"],
            "status": "Active",
            "currency": asked["currency"],
            "parentId": parent["id"] if parent else None,
            "crmId": asked.get("crmId"),
            "billCycleDay": asked["billCycleDay"],
            "autoPay": asked.get("autoPay", False),
            "paymentTerm": asked.get("paymentTerm", "Net 30"),
            "defaultPaymentMethodId": card,
            "billToId": self._keep_contact(bill_to),
            "createdDate": self.instant(),
        }
        account["soldToId"] = (
            account["billToId"] if sold_to is bill_to else self._keep_contact(sold_to)
        )
        for contact_id in (account["billToId"], account["soldToId"]):
            self.state["contacts"][contact_id]["accountId"] = account["id"]
        if card is not None:
            self.payment_method(card)["accountId"] = account["id"]
        return self.keep_account(account)

    def keep_account(self, account: dict[str, Any]) -> dict[str, Any]:
        self.state["accounts"][account["id"]] = account
        self.state["accountNumbers"][account["number"]] = account["id"]
        return account

    def forget_account(self, account: dict[str, Any]) -> None:
        """Undoes `add_account`, for an order that opened one and then failed."""
        del self.state["accounts"][account["id"]], self.state["accountNumbers"][account["number"]]
        for contact_id in {account["billToId"], account["soldToId"]}:
            del self.state["contacts"][contact_id]
        if account["defaultPaymentMethodId"] is not None:
            self.payment_method(account["defaultPaymentMethodId"])["accountId"] = None

    def change_account(self, key: str, asked: dict[str, Any]) -> dict[str, Any]:
        account = self.account(key)
        card = asked.get("defaultPaymentMethodId", account["defaultPaymentMethodId"])
        pays = asked.get("autoPay", account["autoPay"])
        if card is not None:
            method = self.payment_method(card)
            if method["accountId"] != account["id"]:
                raise rule(f"Payment method {card} is not the account's.")
        if pays and card is None:
            raise rule("autoPay needs a default payment method.")
        account |= {"defaultPaymentMethodId": card, "autoPay": pays}
        return account

    def contact(self, id: str) -> dict[str, Any]:
        contact: dict[str, Any] | None = self.state["contacts"].get(id)
        if contact is None:
            raise not_found("contact", id)
        return contact

    def change_contact(self, id: str, asked: dict[str, Any]) -> dict[str, Any]:
        contact = self.contact(id)
        contact.update(self._contact({**contact, **asked}))
        return contact

    def subscription(self, key: str) -> dict[str, Any]:
        """The latest version by number, or the very version that has an id."""
        number = self.state["subscriptionIds"].get(key, key)
        versions: list[dict[str, Any]] = self.state["subscriptions"].get(number, [])
        named = (v for v in reversed(versions) if key in (v["number"], v["id"]))
        found: dict[str, Any] | None = next(named, None)
        if found is None:
            raise not_found("subscription", key)
        return found

    def latest(self, number: str) -> dict[str, Any]:
        versions: list[dict[str, Any]] = self.state["subscriptions"].get(number, [])
        if not versions:
            raise not_found("subscription", number)
        newest: dict[str, Any] = versions[-1]
        return newest

    def every_version(self) -> Iterator[dict[str, Any]]:
        for versions in self.state["subscriptions"].values():
            yield from versions

    def keep_version(self, version: dict[str, Any]) -> dict[str, Any]:
        version["createdDate"] = self.instant()
        self.state["subscriptions"].setdefault(version["number"], []).append(version)
        self.state["subscriptionIds"][version["id"]] = version["number"]
        return version

    def revise(self, number: str, action: Callable[[Revision], object]) -> dict[str, Any]:
        """Makes the next version of a subscription by one action."""
        revision = Revision.of(self.latest(number), self)
        action(revision)
        return self.keep_version(revision.version)

    def order(self, number: str) -> dict[str, Any]:
        order: dict[str, Any] | None = self.state["orders"].get(number)
        if order is None:
            raise not_found("order", number)
        return order

    def attach_payment_method(self, id: str, account_key: str) -> dict[str, Any]:
        """Gives a card without an account to one; a repeat changes nothing."""
        method, account = self.payment_method(id), self.account(account_key)
        if method["accountId"] not in (None, account["id"]):
            raise rule(f"Payment method {id} belongs to another account.")
        method["accountId"] = account["id"]
        return method

    def remove_payment_method(self, id: str) -> None:
        account_id = self.payment_method(id)["accountId"]
        if account_id is not None:
            account = self.account(account_id)
            if account["defaultPaymentMethodId"] == id:
                if account["autoPay"]:
                    raise rule("The account pays by this method automatically.")
                account["defaultPaymentMethodId"] = None
        del self.state["paymentMethods"][id]

    def payment_method(self, id: str) -> dict[str, Any]:
        method: dict[str, Any] | None = self.state["paymentMethods"].get(id)
        if method is None:
            raise not_found("payment method", id)
        return method

    def invoice(self, key: str) -> dict[str, Any]:
        """By number or id."""
        invoice: dict[str, Any] | None = self.state["invoices"].get(
            self.state["invoiceNumbers"].get(key, key)
        )
        if invoice is None:
            raise not_found("invoice", key)
        return invoice

    def file(self, id: str) -> dict[str, Any]:
        """The invoice that a file is of."""
        if id not in self.state["files"]:
            raise not_found("file", id)
        return self.invoice(self.state["files"][id])

    def balance(self, account_id: str) -> Decimal:
        """What is still to be paid of an account's posted invoices."""
        open_balances = [
            Decimal(invoice["balance"])
            for invoice in self.state["invoices"].values()
            if invoice["accountId"] == account_id and invoice["status"] == "Posted"
        ]
        return sum(open_balances, Decimal(0))

    def _count(self, kind: str) -> int:
        self.state["counters"][kind] = self.state["counters"].get(kind, 0) + 1
        return int(self.state["counters"][kind])

    def _parent(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        """The parent account asked for, which is named by its id."""
        if "parentId" not in asked:
            return None
        parent: dict[str, Any] | None = self.state["accounts"].get(asked["parentId"])
        if parent is None:
            raise not_found("parent account", asked["parentId"])
        if parent["currency"] != asked["currency"]:
            raise rule(f"The parent account is in {parent['currency']}, not {asked['currency']}.")
        depth, above = 2, parent
        while above["parentId"] is not None:
            depth, above = depth + 1, self.account(above["parentId"])
        if depth > DEEPEST_HIERARCHY:
            raise rule(f"Accounts nest at most {DEEPEST_HIERARCHY} deep.")
        return parent

    def _contact(self, asked: dict[str, Any]) -> dict[str, Any]:
        country = asked.get("country")
        if country and country_name(country) is None:
            raise bad_value(f"'{country}' is not a country.")
        for name in ("firstName", "lastName"):
            if not asked.get(name):
                raise missing(f"A contact needs its {name}.")
        contact = {field: asked.get(field, "") for field in CONTACT_FIELDS}
        contact["personalEmail"] = asked.get("personalEmail")
        contact["country"] = country_name(country) if country else None
        return contact

    def _keep_contact(self, contact: dict[str, Any]) -> str:
        id = self.fresh_id()
        self.state["contacts"][id] = {"id": id, "accountId": None, **contact}
        return id
