"""Every identifier of the demo data, for the stand-ins that answer by them and what calls them."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Client:
    """The credentials of one machine client at an outside system."""

    client_id: str
    client_secret: str


@dataclass(frozen=True)
class Login:
    """A user name and a password for HTTP Basic."""

    username: str
    password: str


@dataclass(frozen=True)
class RatePlan:
    """A product rate plan with its only charge; `prices` are decimal strings by currency."""

    id: str
    charge_id: str
    product: str
    name: str
    charge: str
    prices: dict[str, str]


@dataclass(frozen=True)
class Discount:
    """A product rate plan that takes a percentage off the others."""

    id: str
    charge_id: str
    product: str
    name: str
    charge: str
    percentage: str


@dataclass(frozen=True)
class Contact:
    first_name: str
    last_name: str
    email: str
    address1: str
    city: str
    postal_code: str
    country: str
    """The ISO 3166 code; Zuora answers with the English name."""


@dataclass(frozen=True)
class Account:
    """A Zuora account and the Salesforce account that it mirrors, if any."""

    number: str
    id: str
    name: str
    currency: str
    contact: Contact
    salesforce_id: str | None = None


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in at the identity provider."""

    sub: str
    name: str
    email: str


def zuora_id(tail: str) -> str:
    """The 32-hex id of a seeded Zuora object."""
    return "8ad0965d" + tail.rjust(24, "0")


ZUORA_CLIENT: Final = Client(
    "5f0c7b1e-2d7a-4c55-9d0e-7e55e7a00001", "local-zuora-secret-5b1d7e90c3a84f26"
)
ZUORA_CALLOUT_LOGIN: Final = Login("zuora-callout", "local-callout-password-4d2f9b")
SALESFORCE_CLIENT: Final = Client(
    "3MVG9local.Tessera_demo_client", "local-salesforce-secret-81c6e2d40f7b"
)

ZUORA_TENANT_ID: Final = "10042"
CARD_PAGE_ID: Final = zuora_id("e01")
CARD_PAGE_PATH: Final = "/apps/PublicHostedPageLite.do"
"""Of the frame with the card form, under the stand-in's address."""
CARD_SCRIPT_PATH: Final = "/Resources/libs/hosted/1.3.1/zuora-min.js"

DIGITAL_MONTHLY_PLAN: Final = RatePlan(
    id=zuora_id("101"),
    charge_id=zuora_id("201"),
    product="Digital",
    name="Digital monthly",
    charge="Monthly fee",
    prices={"GBP": "17.50", "USD": "22.00", "EUR": "20.00"},
)
"""Per unit, every month."""
GOLD_ANNUAL_PLAN: Final = RatePlan(
    id=zuora_id("102"),
    charge_id=zuora_id("202"),
    product="Gold",
    name="Gold annual",
    charge="Annual fee",
    prices={"GBP": "380.00", "USD": "480.00", "EUR": "440.00"},
)
"""A flat fee, every year."""
SUPPORT_PLAN: Final = RatePlan(
    id=zuora_id("103"),
    charge_id=zuora_id("203"),
    product="Support",
    name="Support add-on",
    charge="Monthly fee",
    prices={"GBP": "12.00", "USD": "15.00", "EUR": "14.00"},
)
"""Per unit, every month."""
LOYALTY_DISCOUNT_PLAN: Final = Discount(
    id=zuora_id("104"),
    charge_id=zuora_id("204"),
    product="Loyalty discount",
    name="Loyalty discount",
    charge="Loyalty discount",
    percentage="20",
)
LEGACY_ARCHIVE_PLAN: Final = RatePlan(
    id=zuora_id("109"),
    charge_id=zuora_id("209"),
    product="Legacy archive",
    name="Legacy archive",
    charge="Monthly fee",
    prices={"GBP": "5.00", "USD": "6.00", "EUR": "5.50"},
)
"""A flat fee, every month; no offer sells it."""

ACME: Final = Account(
    number="A00000007",
    id=zuora_id("001"),
    name="Acme Resellers",
    currency="GBP",
    contact=Contact(
        "Petra", "Novak", "petra@acme.example", "4 Bridge Lane", "London", "SE1 9AA", "GB"
    ),
    salesforce_id="001Dn00000AcMeRIAV",
)
"""A partner that is invoiced for what it sells."""
BOREALIS: Final = Account(
    number="A00000008",
    id=zuora_id("002"),
    name="Borealis",
    currency="GBP",
    contact=Contact(
        "Boris", "Lind", "boris@borealis.example", "9 North Road", "Leeds", "LS1 4AP", "GB"
    ),
    salesforce_id="001Dn00000BoReAIAV",
)
"""A partner whose customers are invoiced themselves."""
HALDEN: Final = Account(
    number="A00000042",
    id=zuora_id("010"),
    name="Halden Instruments AS",
    currency="USD",
    contact=Contact(
        "Ingrid", "Halden", "ingrid@halden.example", "Storgata 1", "Oslo", "0155", "NO"
    ),
    salesforce_id="001Dn00000HaLdEIAV",
)
HALDEN_CARD_ID: Final = zuora_id("f10")
HALDEN_PAID_INVOICE_ID: Final = zuora_id("1d01")
HALDEN_PAID_INVOICE: Final = "INV00000001"
HALDEN_UNPAID_INVOICE_ID: Final = zuora_id("1d02")
HALDEN_UNPAID_INVOICE: Final = "INV00000002"

GOLD_SUBSCRIPTION: Final = "A-S00000271"
GOLD_SUBSCRIPTION_ID: Final = zuora_id("a0042")
DIGITAL_SUBSCRIPTION: Final = "A-S00000272"
CANCELLED_SUBSCRIPTION: Final = "A-S00000273"
"""Gold, cancelled at a day that is still ahead when the data is seeded."""
LEGACY_SUBSCRIPTION: Final = "A-S00000274"
DRAFT_SUBSCRIPTION: Final = "A-S00000275"
SAMPLE_SUBSCRIPTIONS: Final = tuple(f"A-S{n:08}" for n in range(301, 331))
"""Digital monthly, one each on the account of the same figure, synced by nobody."""
SAMPLE_ACCOUNTS: Final = tuple(f"A{n:08}" for n in range(301, 331))

PARTNER_PASSWORD: Final = "Local-partner-1"  # noqa: S105 (of people who do not exist)
"""Of every partner user below."""


@dataclass(frozen=True)
class Reseller:
    """A partner organisation with one user."""

    account: Account
    is_invoiced: bool
    user: str
    email: str


ACME_RESELLERS: Final = Reseller(ACME, True, "Petra Novak", "petra@acme.example")
BOREALIS_RESELLERS: Final = Reseller(BOREALIS, False, "Boris Lind", "boris@borealis.example")
RESELLERS: Final = (ACME_RESELLERS, BOREALIS_RESELLERS)

AUTH0_ISSUER_PATH: Final = "/auth0/"
OKTA_ISSUER_PATH: Final = "/okta/oauth2/default"
INGRID: Final = Person("auth0|67bf2138817314f757da5abc", "Ingrid Halden", "ingrid@halden.example")
CARLA: Final = Person("auth0|67bf2138817314f757da5abd", "Carla Conte", "carla@conte.example")
NOOR: Final = Person("auth0|67bf2138817314f757da5abe", "Noor Newcomer", "noor@newcomer.example")
MIRA: Final = Person("00u1f7k3vQzX9mBtW5d7", "Mira Novak", "mira@novak.example")
