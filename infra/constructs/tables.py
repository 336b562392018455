"""The tables, made from their one declaration in `tessera/tables.py`."""

from collections.abc import Sequence

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.constructs.needs import Need, permission
from infra.constructs.part import Part
from infra.settings import Settings
from tessera import tables as declared
from tessera.tables import ALL, Index, KeyType, Table

_KINDS = {"S": dynamodb.AttributeType.STRING, "N": dynamodb.AttributeType.NUMBER}


class DataTable(Construct):
    def __init__(self, scope: Construct, declaration: Table, *, settings: Settings) -> None:
        super().__init__(scope, declaration.name)
        self.name = declaration.name
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=_attribute(declaration.pk),
            sort_key=_attribute(declaration.sk) if declaration.sk else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.DEFAULT,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute=declaration.ttl,
            stream=dynamodb.StreamViewType.NEW_IMAGE if declaration.streams_inserts else None,
            deletion_protection=settings.keeps_data,
            removal_policy=RemovalPolicy.RETAIN if settings.keeps_data else RemovalPolicy.DESTROY,
        )
        self._indexes = {index.name for index in declaration.indexes}
        for index in declaration.indexes:
            self._add(index)

    def uses(self, *actions: str, queries: Sequence[str] = ()) -> Need:
        """These actions on the table itself, and `Query` on the indexes that are named.

        A transaction needs the action of each of its parts. No action: the name alone.
        """
        unknown = set(queries) - self._indexes
        if unknown:
            raise ValueError(f"{self.name} has no index {', '.join(sorted(unknown))}")
        statements = []
        if actions:
            named = [f"dynamodb:{action}" for action in actions]
            statements.append(permission(*named, on=[self.table.table_arn]))
        if queries:
            arns = [f"{self.table.table_arn}/index/{index}" for index in queries]
            statements.append(permission("dynamodb:Query", on=arns))
        return Need({f"{self.name.upper()}_TABLE": self.table.table_name}, statements)

    def _add(self, index: Index) -> None:
        kind = dynamodb.ProjectionType.KEYS_ONLY
        if index.includes == ALL:
            kind = dynamodb.ProjectionType.ALL
        elif index.includes:
            kind = dynamodb.ProjectionType.INCLUDE
        self.table.add_global_secondary_index(
            index_name=index.name,
            partition_key=_attribute(index.pk, index.pk_type),
            sort_key=_attribute(index.sk, index.sk_type),
            projection_type=kind,
            non_key_attributes=(
                list(index.includes)
                if index.includes and kind == dynamodb.ProjectionType.INCLUDE
                else None
            ),
        )


class Tables(Part):
    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id)
        made = {table.name: DataTable(self, table, settings=settings) for table in declared.TABLES}
        self.all = tuple(made.values())
        self.catalog = made[declared.CATALOG.name]
        self.commerce = made[declared.COMMERCE.name]
        self.partners = made[declared.PARTNERS.name]
        self.webhooks = made[declared.WEBHOOKS.name]
        self.events = made[declared.EVENTS.name]
        self.sessions = made[declared.SESSIONS.name]
        self.idempotency = made[declared.IDEMPOTENCY.name]


def _attribute(name: str, kind: KeyType = "S") -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=_KINDS[kind])
