"""The tenant that the Zuora stand-in starts with: a catalogue, partners, customers, samples."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from infra.local import demo
from infra.local.zuora_billing import bill
from infra.local.zuora_countries import country_name
from infra.local.zuora_dates import add_months, day
from infra.local.zuora_invoices import PAYMENT_DAYS, post, settle
from infra.local.zuora_revisions import started
from infra.local.zuora_tenant import State, Tenant, empty_state

CATALOGUE_FROM, CATALOGUE_UNTIL = "2020-01-01", "2050-01-01"

# First name, last name, company if there is one, city, postcode, country.
SAMPLE_PEOPLE = """
Amelia|Marsh|Marsh Surveyors Ltd|Bristol|BS1 4RB|GB
Bruno|Keller|Keller Optik GmbH|Zurich|8001|CH
Chiara|Ricci||Turin|10121|IT
Dylan|Price|Price Joinery Ltd|Cardiff|CF10 1EP|GB
Elena|Petrova|Petrova Books|Sofia|1000|BG
Felix|Baumann||Vienna|1010|AT
Greta|Lindqvist|Lindqvist Design AB|Gothenburg|411 03|SE
Hamza|Idrissi|Idrissi Imports|Marseille|13001|FR
Isla|Fraser||Aberdeen|AB10 1XG|GB
Jonas|Vogel|Vogel Metallbau GmbH|Bremen|28195|DE
Katarina|Horvat|Horvat Legal|Zagreb|10000|HR
Liam|Byrne||Cork|T12 W8KP|IE
Maja|Nowak|Nowak Analytics|Gdansk|80-001|PL
Niels|Jansen|Jansen Bloemen BV|Utrecht|3511 AD|NL
Orla|Quinn|Quinn Pharmacy|Belfast|BT1 5GS|GB
Pavel|Dvorak||Brno|602 00|CZ
Rosa|Almeida|Almeida Vinhos Lda|Porto|4000-069|PT
Samuel|Osei|Osei Logistics|Birmingham|B1 1BB|GB
Tove|Madsen||Aarhus|8000|DK
Ugo|Ferrari|Ferrari Grafica|Bologna|40121|IT
Vera|Toth|Toth Klima Kft|Budapest|1051|HU
Will|Harding||York|YO1 7HH|GB
Ximena|Vega|Vega Consultores|Valencia|46001|ES
Yusuf|Kaya|Kaya Tekstil|Cologne|50667|DE
Zoe|Papadaki||Heraklion|71201|GR
Aaron|Steele|Steele Cycles Ltd|Sheffield|S1 2HH|GB
Birgit|Olsen|Olsen Marine AS|Bergen|5003|NO
Callum|Reid||Dundee|DD1 1NN|GB
Daria|Ionescu|Ionescu Media|Cluj-Napoca|400001|RO
Emil|Sund|Sund Akustik|Tampere|33100|FI
"""


def seeded(name: str, now: datetime) -> State:
    """The state named `demo` or `empty`; every date follows from `now`."""
    state = empty_state(now.date())
    if name == "demo":
        _Demo(state, now).fill()
    return state


def first_of_term(today: date, months_ago: int) -> date:
    """A day some months ago that every month has."""
    return add_months(today, -months_ago).replace(day=min(today.day, 28))


class _Demo:
    """Fills a state in with the demo data, through the same rules as the API."""

    def __init__(self, state: State, now: datetime) -> None:
        self.state = state
        self.tenant = Tenant(state, now)
        self.today = now.date()
        # The order of seeding makes the first charge number that of the first subscription.
        state["counters"]["charge"] = 41

    def fill(self) -> None:
        for plan, unit, period in (
            (demo.DIGITAL_MONTHLY_PLAN, "Per Unit Pricing", "Month"),
            (demo.GOLD_ANNUAL_PLAN, "Flat Fee Pricing", "Annual"),
            (demo.SUPPORT_PLAN, "Per Unit Pricing", "Month"),
            (demo.LEGACY_ARCHIVE_PLAN, "Flat Fee Pricing", "Month"),
        ):
            prices = {currency: Decimal(price) for currency, price in plan.prices.items()}
            self._list(plan, unit, period, prices, None)
        discount = demo.LOYALTY_DISCOUNT_PLAN
        self._list(discount, "Discount-Percentage", "Month", {}, Decimal(discount.percentage))
        for tail, account in (("d01", demo.ACME), ("d02", demo.BOREALIS), ("d10", demo.HALDEN)):
            self._open(account, tail)
        self._halden()
        self._lone_subscriptions()
        for number, line in enumerate(SAMPLE_PEOPLE.strip().splitlines(), 301):
            self._sample(number, line)

    def _list(
        self,
        plan: demo.RatePlan | demo.Discount,
        model: str,
        period: str,
        prices: dict[str, Decimal],
        percentage: Decimal | None,
    ) -> None:
        self.state["catalogue"][plan.id] = {
            "id": plan.id,
            "name": plan.name,
            "productId": demo.zuora_id("9" + plan.id[-2:]),
            "productName": plan.product,
            "effectiveStartDate": CATALOGUE_FROM,
            "effectiveEndDate": CATALOGUE_UNTIL,
            "charges": [
                {
                    "id": plan.charge_id,
                    "name": plan.charge,
                    "chargeModel": model,
                    "chargeType": "Recurring",
                    "billingPeriod": period,
                    "prices": prices,
                    "discountPercentage": percentage,
                }
            ],
        }

    def _open(self, account: demo.Account, tail: str, phone: str = "") -> dict[str, Any]:
        """Opens an account whose delivery contact is a record of its own."""
        person = account.contact
        ids = demo.zuora_id(tail), demo.zuora_id(f"{int(tail, 16) + 1:x}")
        for id in ids:
            self.state["contacts"][id] = {
                "id": id,
                "accountId": account.id,
                "firstName": person.first_name,
                "lastName": person.last_name,
                "workEmail": person.email,
                "personalEmail": None,
                "workPhone": phone,
                "address1": person.address1,
                "address2": "",
                "city": person.city,
                "state": "",
                "zipCode": person.postal_code,
                "country": country_name(person.country),
            }
        return self.tenant.keep_account(
            {
                "id": account.id,
                "number": account.number,
                "name": account.name,
                "status": "Active",
                "currency": account.currency,
                "parentId": None,
                "crmId": account.salesforce_id,
                "billCycleDay": self.today.day,
                "autoPay": False,
                "paymentTerm": f"Net {PAYMENT_DAYS}",
                "defaultPaymentMethodId": None,
                "billToId": ids[0],
                "soldToId": ids[1],
                "createdDate": self.tenant.instant(),
            }
        )

    def _halden(self) -> None:
        account = self.tenant.account(demo.HALDEN.id)
        account["defaultPaymentMethodId"] = demo.HALDEN_CARD_ID
        self.state["paymentMethods"][demo.HALDEN_CARD_ID] = {
            "id": demo.HALDEN_CARD_ID,
            "accountId": account["id"],
            "type": "CreditCard",
            "creditCardType": "Visa",
            "cardNumber": "************4242",
            "expirationMonth": 11,
            "expirationYear": self.today.year + 3,
            "status": "Active",
            "createdDate": self.tenant.instant(),
        }
        gold = self._subscribe(
            demo.GOLD_SUBSCRIPTION, 0x42, account, demo.GOLD_ANNUAL_PLAN, months_ago=4
        )
        digital = self._subscribe(
            demo.DIGITAL_SUBSCRIPTION, 0x43, account, demo.DIGITAL_MONTHLY_PLAN, quantity=5
        )
        for id, items in (
            (demo.HALDEN_PAID_INVOICE_ID, gold),
            (demo.HALDEN_UNPAID_INVOICE_ID, digital[-1:]),
        ):
            dated = day(items[0]["serviceStartDate"])
            invoice, _ = post(self.tenant, account, items, dated=dated, id=id)
            if invoice is not None and id == demo.HALDEN_PAID_INVOICE_ID:
                settle(invoice, Decimal(invoice["amount"]))

    def _lone_subscriptions(self) -> None:
        """Those in a state of their own, each on its own account."""
        gold, legacy = demo.GOLD_ANNUAL_PLAN, demo.LEGACY_ARCHIVE_PLAN
        people = {
            43: ("Fjord Optics AS", "Nora", "Fjeld", "Bergen", "5003", "NO"),
            44: ("Old Mill Press Ltd", "Owen", "Mills", "Bath", "BA1 1AA", "GB"),
            45: ("Prospect House Ltd", "Priya", "Shah", "Leicester", "LE1 5WW", "GB"),
        }
        opened = [
            self._open(
                _account(number, name, "USD" if number == 43 else "GBP", *person),
                f"d{number:03}0",
            )
            for number, (name, *person) in people.items()
        ]
        self._subscribe(demo.CANCELLED_SUBSCRIPTION, 0x44, opened[0], gold, months_ago=8)
        ends = self.today + timedelta(days=45)
        cancelled = self.tenant.revise(demo.CANCELLED_SUBSCRIPTION, lambda r: r.cancel(ends))
        bill(cancelled, self.today)
        self._subscribe(demo.LEGACY_SUBSCRIPTION, 0x45, opened[1], legacy)
        self._subscribe(
            demo.DRAFT_SUBSCRIPTION, 0x46, opened[2], demo.DIGITAL_MONTHLY_PLAN, status="Draft"
        )

    def _sample(self, number: int, line: str) -> None:
        first, last, company, city, postcode, country = line.split("|")
        opened = self._open(
            _account(
                number, company or f"{first} {last}", "GBP", first, last, city, postcode, country
            ),
            f"d{number:03}0",
            phone=f"+44 20 7946 0{number}",
        )
        self._subscribe(
            f"A-S{number:08}",
            int(str(number), 16),
            opened,
            demo.DIGITAL_MONTHLY_PLAN,
            months_ago=1 + number % 9,
            quantity=1 + number % 4,
        )

    def _subscribe(
        self,
        number: str,
        tail: int,
        account: dict[str, Any],
        plan: demo.RatePlan,
        *,
        months_ago: int = 3,
        quantity: int = 1,
        status: str = "Active",
    ) -> list[dict[str, Any]]:
        """A yearly term that renews, billed up to today; answers what was billed."""
        begins = first_of_term(self.today - timedelta(days=10), months_ago)
        year = {"period": 12, "periodType": "Month"}
        revision = started(
            supply=self.tenant,
            number=number,
            account=account,
            invoice_owner=account,
            terms={
                "initialTerm": {"termType": "TERMED", **year, "startDate": begins.isoformat()},
                "autoRenew": True,
                "renewalSetting": "RENEW_WITH_SPECIFIC_TERM",
                "renewalTerms": [year],
            },
            on=begins,
            status=status,
        )
        revision.add_plan({"productRatePlanId": plan.id}, begins)
        version = revision.version
        version["id"] = demo.zuora_id(f"a{tail:04x}")
        for bought in version["ratePlans"]:
            bought["id"] = demo.zuora_id(f"b{tail:04x}")
            for charge in bought["charges"]:
                charge |= {"id": demo.zuora_id(f"c{tail:04x}")}
                charge["quantity"] = quantity
        self.tenant.keep_version(version)
        return bill(version, self.today)


def _account(
    number: int,
    name: str,
    currency: str,
    first: str,
    last: str,
    city: str,
    postcode: str,
    country: str,
) -> demo.Account:
    email = f"{first}.{last}@{last}.example".lower()
    contact = demo.Contact(
        first, last, email, f"{number % 97 + 1} Market Street", city, postcode, country
    )
    return demo.Account(f"A{number:08}", demo.zuora_id(f"7{number:04}"), name, currency, contact)
