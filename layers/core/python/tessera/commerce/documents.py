"""The bucket for documents too large to be answered: put in, and lent by a link that soon ends."""

import secrets

from tessera.aws import client

LINK_SECONDS = 60


class Documents:
    """Its rule deletes everything after a day."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    def lend(self, content: bytes, *, name: str) -> str:
        """A link for a minute to a PDF that is saved under this name."""
        s3 = client("s3")
        place = {"Bucket": self._bucket, "Key": f"invoices/{secrets.token_hex(16)}"}
        s3.put_object(
            **place,
            Body=content,
            ContentType="application/pdf",
            ContentDisposition=f'attachment; filename="{name}"',
            CacheControl="private, no-store",
        )
        link: str = s3.generate_presigned_url("get_object", Params=place, ExpiresIn=LINK_SECONDS)
        return link
