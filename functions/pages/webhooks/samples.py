"""Code that verifies a signature, for the people who write a receiver."""

from collections.abc import Mapping

_PYTHON = '''\
import base64, hashlib, hmac, time

def is_genuine(headers, body: bytes, secret: str) -> bool:
    """`secret` begins with whsec_; `body` are the bytes as they came."""
    sent_at = headers["webhook-timestamp"]
    if abs(time.time() - int(sent_at)) > 300:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{sent_at}.".encode() + body
    ours = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    theirs = headers["webhook-signature"].split()
    return any(hmac.compare_digest(f"v1,{ours}", one) for one in theirs)
'''
_NODE = """\
const { createHmac, timingSafeEqual } = require("node:crypto");

// `secret` begins with whsec_; `body` is a Buffer of the bytes as they came.
function isGenuine(headers, body, secret) {
  const sentAt = headers["webhook-timestamp"];
  if (Math.abs(Date.now() / 1000 - Number(sentAt)) > 300) return false;
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const ours = Buffer.from("v1," + createHmac("sha256", key)
    .update(`${headers["webhook-id"]}.${sentAt}.`).update(body).digest("base64"));
  return headers["webhook-signature"].split(" ").some((one) => {
    const theirs = Buffer.from(one);
    return theirs.length === ours.length && timingSafeEqual(theirs, ours);
  });
}
"""
_PYTHON_V1A = '''\
import base64, time
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

def is_genuine(headers, body: bytes, public_key: str) -> bool:
    """`public_key` begins with whpk_; `body` are the bytes as they came."""
    sent_at = headers["webhook-timestamp"]
    if abs(time.time() - int(sent_at)) > 300:
        return False
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.removeprefix("whpk_")))
    signed = f"{headers['webhook-id']}.{sent_at}.".encode() + body
    for one in headers["webhook-signature"].split():
        scheme, _, signature = one.partition(",")
        try:
            if scheme == "v1a":
                key.verify(base64.b64decode(signature), signed)
                return True
        except InvalidSignature:
            continue
    return False
'''
_NODE_V1A = """\
const { createPublicKey, verify } = require("node:crypto");

// `publicKey` begins with whpk_; `body` is a Buffer of the bytes as they came.
function isGenuine(headers, body, publicKey) {
  const sentAt = headers["webhook-timestamp"];
  if (Math.abs(Date.now() / 1000 - Number(sentAt)) > 300) return false;
  const raw = Buffer.from(publicKey.replace("whpk_", ""), "base64").toString("base64url");
  const key = createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x: raw } });
  const signed = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${sentAt}.`), body]);
  return headers["webhook-signature"].split(" ").some((one) => {
    const [scheme, signature] = one.split(",");
    return scheme === "v1a" && verify(null, signed, key, Buffer.from(signature, "base64"));
  });
}
"""

SAMPLES: Mapping[str, list[tuple[str, str]]] = {
    "v1": [("Python", _PYTHON), ("Node", _NODE)],
    "v1a": [("Python", _PYTHON_V1A), ("Node", _NODE_V1A)],
}
