"""The bucket for documents too large to be answered: each is lent for a minute, kept for a day."""

from typing import cast

from aws_cdk import Acknowledgment, CfnElement, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.needs import Need, permission
from infra.settings import Settings


class DocumentsBucket(Construct):
    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=settings.encrypts_transport,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=Duration.days(1),
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                )
            ],
            # Nothing in it outlives a day.
            removal_policy=RemovalPolicy.DESTROY,
        )
        Validations.of(self.bucket).acknowledge(
            Acknowledgment(
                id="AwsSolutions-S1",
                reason="Who got which document is in the log line of the function that lends it.",
            )
        )
        if not settings.encrypts_transport:
            Validations.of(self.bucket).acknowledge(
                Acknowledgment(id="AwsSolutions-S10", reason="The emulator speaks plain HTTP only.")
            )

    def explain(self, function: Construct) -> None:
        """Beside each function that lends: keys of documents are not known beforehand."""
        made = cast("CfnElement", self.bucket.node.default_child)
        id = Stack.of(self).get_logical_id(made)
        Validations.of(function).acknowledge(
            Acknowledgment(
                id=f"AwsSolutions-IAM5[Resource::<{id}.Arn>/invoices/*]",
                reason="Each document has a random key, which is made when it is put in.",
            )
        )

    def lends(self) -> Need:
        """Put in, and lent: a link has the rights of the one who made it."""
        objects = self.bucket.arn_for_objects("invoices/*")
        return Need(
            {"DOCUMENTS_BUCKET": self.bucket.bucket_name},
            [permission("s3:PutObject", "s3:GetObject", on=[objects])],
        )
