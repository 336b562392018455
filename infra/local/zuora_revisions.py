"""A subscription version in the making: what each order action of Zuora does to it."""

from copy import deepcopy
from datetime import date
from typing import Any, Protocol

from infra.local.zuora_billing import charges_of, credit
from infra.local.zuora_dates import add_term, day
from infra.local.zuora_refusals import bad_value, not_found, rule

Version = dict[str, Any]
Plan = dict[str, Any]

MODELS = {
    "Flat Fee Pricing": "FlatFee",
    "Per Unit Pricing": "PerUnit",
    "Discount-Percentage": "DiscountPercentage",
    "Discount-Fixed Amount": "DiscountFixedAmount",
}
"""The catalogue's name of a charge model, and that of a subscription's charge."""
PRICINGS = {
    ("FlatFee", "Recurring"): "recurringFlatFee",
    ("FlatFee", "OneTime"): "oneTimeFlatFee",
    ("PerUnit", "Recurring"): "recurringPerUnit",
    ("PerUnit", "OneTime"): "oneTimePerUnit",
    ("DiscountPercentage", "Recurring"): "discount",
    ("DiscountFixedAmount", "Recurring"): "discount",
}


class Supply(Protocol):
    """What a tenant gives to the subscriptions it holds; both raise nothing but `Refusal`."""

    def product_rate_plan(self, id: str) -> dict[str, Any]: ...

    def fresh_id(self) -> str: ...

    def next_number(self, kind: str) -> str: ...


class Revision:
    """The next version of a subscription; what is refused raises `Refusal` and spoils it.

    `touched` holds the numbers of the charges whose billing it changes.
    """

    def __init__(self, version: Version, supply: Supply) -> None:
        self.version = version
        self.touched: set[str] = set()
        self._supply = supply
        self._before: dict[str, Plan] = {}

    @classmethod
    def of(cls, latest: Version, supply: Supply) -> "Revision":
        """The one that follows `latest`: every id is new, every number stays."""
        following = cls(deepcopy(latest), supply)
        following.version |= {
            "id": supply.fresh_id(),
            "previousId": latest["id"],
            "version": latest["version"] + 1,
        }
        for plan in following.version["ratePlans"]:
            following._before[plan["id"]] = plan
            plan["id"] = supply.fresh_id()
            for charge in plan["charges"]:
                charge["id"] = supply.fresh_id()
        return following

    def add_plan(self, asked: dict[str, Any], on: date) -> None:
        """`asked` is the body of `addProduct`, or one of `subscribeToRatePlans`."""
        listed = self._supply.product_rate_plan(asked["productRatePlanId"])
        if not listed["effectiveStartDate"] <= on.isoformat() < listed["effectiveEndDate"]:
            raise rule(f"The rate plan '{listed['name']}' is not sold on {on}.")
        overrides = {
            override["productRatePlanChargeId"]: override
            for override in asked.get("chargeOverrides", [])
        }
        known = {charge["id"] for charge in listed["charges"]}
        for charge_id in overrides:
            if charge_id not in known:
                raise not_found("product rate plan charge", charge_id)
        plan = {
            "id": self._supply.fresh_id(),
            "lastChangeType": "Add",
            "productId": listed["productId"],
            "productName": listed["productName"],
            "productRatePlanId": listed["id"],
            "ratePlanName": listed["name"],
            "charges": [
                self._charge(charge, overrides.get(charge["id"], {}), on)
                for charge in listed["charges"]
            ],
        }
        self.version["ratePlans"].append(plan)
        self.touched |= {charge["number"] for charge in plan["charges"]}

    def remove_plan(self, rate_plan_id: str, on: date) -> None:
        plan = self._plan(rate_plan_id)
        plan["lastChangeType"] = "Remove"
        for charge in plan["charges"]:
            self._end(plan, charge, on)

    def update_plan(self, asked: dict[str, Any], on: date) -> None:
        """Gives charges another quantity from a day on; the time before is billed as it was."""
        plan = self._plan(asked["ratePlanId"])
        plan["lastChangeType"] = "Update"
        charges = {charge["number"]: charge for charge in plan["charges"]}
        for change in asked["chargeUpdates"]:
            charge = charges.get(change["chargeNumber"])
            if charge is None:
                raise not_found("charge", change["chargeNumber"])
            if charge["model"] != "PerUnit":
                raise rule(f"Charge {charge['number']} has no quantity.")
            credit(self.version, plan, charge, max(on, day(charge["effectiveStartDate"])))
            charge["quantity"] = change["pricing"]["recurringPerUnit"]["quantity"]
            if on > day(charge["effectiveStartDate"]):
                charge |= {
                    "effectiveStartDate": on.isoformat(),
                    "chargedThroughDate": None,
                    "segment": charge["segment"] + 1,
                    "id": self._supply.fresh_id(),
                }
            self.touched.add(charge["number"])

    def set_terms(self, asked: dict[str, Any]) -> None:
        """`asked` has `autoRenew` and, for a term that renews, its setting and length."""
        self.version["autoRenew"] = asked.get("autoRenew", self.version["autoRenew"])
        if "renewalSetting" in asked:
            self.version["renewalSetting"] = asked["renewalSetting"]
        for term in asked.get("renewalTerms", [])[:1]:
            self.version["renewalTerm"] = term["period"]
            self.version["renewalTermPeriodType"] = term["periodType"]

    def cancel(self, on: date) -> None:
        """Says `Cancelled` at once, whenever the day is, as Zuora does."""
        self._check_within_term(on)
        for plan, charge in charges_of(self.version):
            self._end(plan, charge, on)
        self.version |= {
            "status": "Cancelled",
            "subscriptionEndDate": on.isoformat(),
            "cancelledDate": on.isoformat(),
            "scheduledCancelDate": None,
        }
        self._enter("Cancelled", on)

    def schedule_cancellation(self, on: date) -> None:
        """Leaves the status as it is until the day has come."""
        self._check_within_term(on)
        self.version["scheduledCancelDate"] = on.isoformat()

    def activate(self, on: date) -> None:
        """Ends the waiting of a version that is a draft or lacks dates."""
        self.version |= {
            "status": "Active",
            "serviceActivationDate": on.isoformat(),
            "customerAcceptanceDate": on.isoformat(),
        }
        self._enter("Active", on)

    def suspend(self, on: date) -> None:
        self.version["status"] = "Suspended"
        self._enter("Suspended", on)

    def resume(self, on: date) -> None:
        self.version["status"] = "Active"
        self._enter("Active", on)

    def renew(self) -> None:
        """Lengthens the term and with it every charge that ran to its end."""
        ended = self.version["termEndDate"]
        if self.version["termType"] != "TERMED" or ended is None:
            raise rule("An evergreen subscription has no term to renew.")
        if not self.version["renewalTerm"]:
            raise rule("The subscription has no renewal term.")
        if self.version["renewalSetting"] == "RENEW_TO_EVERGREEN":
            end = None
            self.version["termType"] = "EVERGREEN"
        else:
            length, unit = self.version["renewalTerm"], self.version["renewalTermPeriodType"]
            end = add_term(day(ended), length, unit).isoformat()
            self.version |= {"currentTerm": length, "currentTermPeriodType": unit}
        self.version |= {
            "termStartDate": ended,
            "termEndDate": end,
            "subscriptionEndDate": end,
        }
        self.version["statusHistory"][-1]["endDate"] = end
        for plan, charge in charges_of(self.version):
            goes_on = charge["endDateCondition"] == "Subscription_End" or (
                # The term cut its period short.
                charge["endDateCondition"] == "Fixed_Period" and charge["effectiveEndDate"] == ended
            )
            if goes_on and plan["lastChangeType"] != "Remove":
                begins = day(charge["effectiveStartDate"])
                fixed = _period_end(charge, begins) if "upToPeriods" in charge else None
                wanted = [last for last in (fixed, end) if last is not None]
                charge["effectiveEndDate"] = min(wanted, default=None)
                self.touched.add(charge["number"])

    def _check_within_term(self, on: date) -> None:
        begun, ends = day(self.version["subscriptionStartDate"]), self.version["termEndDate"]
        if on < begun or (ends is not None and on > day(ends)):
            raise rule(f"A cancellation takes effect between {begun} and the term's end {ends}.")

    def _plan(self, rate_plan_id: str) -> Plan:
        """A rate plan by the id it had before; one that was removed is not found."""
        plan = self._before.get(rate_plan_id)
        if plan is None or plan["lastChangeType"] == "Remove":
            raise not_found("rate plan", rate_plan_id)
        return plan

    def _end(self, plan: Plan, charge: dict[str, Any], on: date) -> None:
        end = max(on, day(charge["effectiveStartDate"]))
        if charge["effectiveEndDate"] is not None and day(charge["effectiveEndDate"]) <= end:
            return
        charge["effectiveEndDate"] = end.isoformat()
        charge["endDateCondition"] = "Specific_End_Date"
        credit(self.version, plan, charge, end)

    def _enter(self, status: str, on: date) -> None:
        """Notes in the history that `status` holds from a day on."""
        history = [h for h in self.version["statusHistory"] if h["startDate"] < on.isoformat()]
        if history:
            history[-1]["endDate"] = on.isoformat()
        end = None if status == "Cancelled" else self.version["termEndDate"]
        history.append({"startDate": on.isoformat(), "endDate": end, "status": status})
        self.version["statusHistory"] = history

    def _charge(self, listed: dict[str, Any], override: dict[str, Any], on: date) -> dict[str, Any]:
        model, kind = MODELS[listed["chargeModel"]], listed["chargeType"]
        pricing = override.get("pricing", {})
        wanted = PRICINGS[model, kind]
        if pricing and set(pricing) != {wanted}:
            raise bad_value(f"The pricing of charge {listed['id']} must be '{wanted}'.")
        priced = pricing.get(wanted, {})
        discount = model.startswith("Discount")
        currency = self.version["currency"]
        price = priced.get("listPrice", listed["prices"].get(currency))
        if price is None and not discount:
            raise rule(f"Charge {listed['id']} has no price in {currency}.")
        ends = override.get("endDate")
        return {
            "id": self._supply.fresh_id(),
            "number": self._supply.next_number("charge"),
            "name": listed["name"],
            "productRatePlanChargeId": listed["id"],
            "type": kind,
            "model": model,
            "price": None if discount else price,
            "quantity": None if discount else priced.get("quantity", 1),
            "discountPercentage": priced.get("discountPercentage", listed["discountPercentage"]),
            "discountAmount": priced.get("discountAmount"),
            "currency": currency,
            "billingPeriod": listed["billingPeriod"],
            "effectiveStartDate": on.isoformat(),
            "effectiveEndDate": self._charge_end(ends, on),
            **(_as_read(ends) if ends else {"endDateCondition": "Subscription_End"}),
            "chargedThroughDate": None,
            "segment": 1,
        }

    def _charge_end(self, asked: dict[str, Any] | None, on: date) -> str | None:
        latest: str | None = self.version["termEndDate"]
        if asked is None:
            return latest
        end = _period_end(asked, on)
        return end if latest is None else min(end, latest)


def _period_end(fixed: dict[str, Any], on: date) -> str:
    """Of a charge for a fixed period that begins on a day, however long the term is."""
    return add_term(on, int(fixed["upToPeriods"]), fixed["upToPeriodsType"]).isoformat()


def _as_read(fixed: dict[str, Any]) -> dict[str, Any]:
    """An order says for how many periods as a number; a subscription is read with a text."""
    return {**fixed, "upToPeriods": str(fixed["upToPeriods"])}


def started(
    *,
    supply: Supply,
    number: str,
    account: dict[str, Any],
    invoice_owner: dict[str, Any],
    terms: dict[str, Any],
    on: date,
    status: str,
) -> Revision:
    """The first version of a subscription, still without rate plans; `terms` as in an order."""
    initial = terms["initialTerm"]
    begins = day(initial.get("startDate", on.isoformat()))
    termed = initial["termType"] == "TERMED"
    renewal: dict[str, Any] = next(iter(terms.get("renewalTerms", [])), {})
    end = add_term(begins, initial["period"], initial["periodType"]) if termed else None
    ends = end.isoformat() if end else None
    return Revision(
        {
            "id": supply.fresh_id(),
            "previousId": None,
            "number": number,
            "version": 1,
            "status": status,
            "currency": account["currency"],
            "accountId": account["id"],
            "invoiceOwnerId": invoice_owner["id"],
            "orderNumber": None,
            "contractEffectiveDate": on.isoformat(),
            "serviceActivationDate": None if status == "Pending Activation" else on.isoformat(),
            "customerAcceptanceDate": on.isoformat() if status == "Active" else None,
            "subscriptionStartDate": begins.isoformat(),
            "subscriptionEndDate": ends,
            "termType": initial["termType"],
            "termStartDate": begins.isoformat(),
            "termEndDate": ends,
            "initialTerm": initial.get("period", 0),
            "initialTermPeriodType": initial.get("periodType"),
            "currentTerm": initial.get("period", 0),
            "currentTermPeriodType": initial.get("periodType"),
            "autoRenew": terms.get("autoRenew", False),
            "renewalSetting": terms.get("renewalSetting"),
            "renewalTerm": renewal.get("period", 0),
            "renewalTermPeriodType": renewal.get("periodType"),
            "statusHistory": [{"startDate": begins.isoformat(), "endDate": ends, "status": status}],
            "scheduledCancelDate": None,
            "cancelledDate": None,
            "ratePlans": [],
        },
        supply,
    )
