"""Sealed texts: signing keys and credentials are KMS ciphertext, bound to what they serve.

Reading the table, a backup or an export reveals nothing, and a ciphertext moved to another endpoint
opens no more.
"""

from datetime import timedelta

from tessera.aws import client
from tessera.webhooks.recent import Recent


class Seal:
    def __init__(self, key: str) -> None:
        self._key = key
        self._opened: Recent[bytes, str] = Recent(most=2_000, kept=timedelta(minutes=5))

    def close(self, text: str, **context: str) -> bytes:
        """`close(key, endpoint="endpoint-…")`: opens only with the same context."""
        answer = client("kms").encrypt(
            KeyId=self._key, Plaintext=text.encode(), EncryptionContext=context
        )
        return answer["CiphertextBlob"]

    def open(self, ciphertext: bytes, **context: str) -> str:
        """The text, from memory for five minutes."""
        known = self._opened.get(ciphertext)
        if known is not None:
            return known
        answer = client("kms").decrypt(CiphertextBlob=ciphertext, EncryptionContext=context)
        return self._opened.keep(ciphertext, answer["Plaintext"].decode())
