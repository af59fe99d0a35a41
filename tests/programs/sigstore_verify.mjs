// Verify a Sigstore bundle that a key signed: node sigstore_verify.mjs BUNDLE PUBLIC_KEY
import { createHash, createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { bundleFromJSON } from "@sigstore/bundle";
import { PublicKeyDetails } from "@sigstore/protobuf-specs";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";

const [bundlePath, keyPath] = process.argv.slice(2);
const value = JSON.parse(readFileSync(bundlePath));
const pem = readFileSync(keyPath, "utf8");
const key = {
  rawBytes: createPublicKey(pem).export({ type: "spki", format: "der" }),
  keyDetails: PublicKeyDetails.PKIX_ECDSA_P256_SHA_256,
  validFor: { start: new Date(0) },
};
const hint = createHash("sha256").update(pem).digest("hex");
const nobody = { tlogs: [], certificateAuthorities: [], ctlogs: [], timestampAuthorities: [] };
const thresholds = { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 };
const verifier = new Verifier(toTrustMaterial(nobody, { [hint]: key }), thresholds);
verifier.verify(toSignedEntity(bundleFromJSON(value))); // throws where it does not hold
const statement = JSON.parse(Buffer.from(value.dsseEnvelope.payload, "base64"));
console.log(statement.predicateType, statement.subject[0].digest.sha256);
