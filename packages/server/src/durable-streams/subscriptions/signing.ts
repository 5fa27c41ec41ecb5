import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  timingSafeEqual,
} from "node:crypto";
import type { Storage } from "@millrace/stream";
import { TOKEN_SECONDS } from "../limits.ts";
import { SubscriptionRefusal } from "./subscription-refusal.ts";
import type { SubscriptionReads, SubscriptionWrites } from "./subscriptions-module.ts";

/** The public half of the signing key, as a receiver of webhooks gets it (RFC 8037). */
export type PublicJwk = {
  readonly kty: "OKP";
  readonly crv: "Ed25519";
  readonly x: string;
  readonly kid: string;
  readonly use: "sig";
  readonly alg: "EdDSA";
};

type Claims = { readonly sub: string; readonly generation: number; readonly exp: number };

/** Signs webhooks (Ed25519) and callback tokens (HMAC). Both keys are made once and live in the store, so that what was signed before a restart holds after it. */
export class Signing {
  readonly publicJwk: PublicJwk;
  readonly #privateKey: KeyObject;
  readonly #tokenKey: Uint8Array;

  private constructor(privateKey: KeyObject, tokenKey: Uint8Array) {
    this.#privateKey = privateKey;
    this.#tokenKey = tokenKey;
    this.publicJwk = toPublicJwk(privateKey);
  }

  static async open(storage: Storage): Promise<Signing> {
    const der = await keyOf(storage, "webhook", () =>
      generateKeyPairSync("ed25519").privateKey.export({ format: "der", type: "pkcs8" }),
    );
    const tokenKey = await keyOf(storage, "token", () => randomBytes(32));
    return new Signing(createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" }), tokenKey);
  }

  /** The value of Webhook-Signature: over the time in seconds, a dot and the body. */
  signature(body: string, nowMs: number): string {
    const seconds = Math.floor(nowMs / 1_000);
    const signed = sign(null, Buffer.from(`${seconds}.${body}`), this.#privateKey).toString("base64url");
    return `t=${seconds},kid=${this.publicJwk.kid},ed25519=${signed}`;
  }

  /** A token for one wake of one subscription. */
  token(subscription: string, generation: number, nowMs: number): string {
    const claims: Claims = { sub: subscription, generation, exp: Math.floor(nowMs / 1_000) + TOKEN_SECONDS };
    const payload = Buffer.from(JSON.stringify(claims)).toString("base64url");
    return `${payload}.${this.#mac(payload).toString("base64url")}`;
  }

  /** The generation that the token is for. Throws `TOKEN_INVALID` or `TOKEN_EXPIRED`. */
  check(token: string, subscription: string, nowMs: number): number {
    const [payload = "", mac = "", ...rest] = token.split(".");
    const [given, wanted] = [Buffer.from(mac, "base64url"), this.#mac(payload)];
    if (rest.length > 0 || given.length !== wanted.length || !timingSafeEqual(given, wanted)) throw invalid();
    // Signed by us, so it is what we wrote.
    const { sub, generation, exp } = JSON.parse(Buffer.from(payload, "base64url").toString()) as Claims;
    if (sub !== subscription) throw invalid();
    if (nowMs > exp * 1_000)
      throw new SubscriptionRefusal("TOKEN_EXPIRED", `the token was good for ${TOKEN_SECONDS} s; claim the work again`);
    return generation;
  }

  #mac(payload: string): Buffer {
    return createHmac("sha256", this.#tokenKey).update(payload).digest();
  }
}

function invalid(): SubscriptionRefusal {
  return new SubscriptionRefusal("TOKEN_INVALID", "the token is not one that this engine gave for the subscription");
}

async function keyOf(storage: Storage, name: string, make: () => Uint8Array): Promise<Uint8Array> {
  const known = await storage.read<SubscriptionReads["key"]>("subscriptions.key", { name });
  if (known) return known;
  const value = make();
  await storage.write<SubscriptionWrites["key"]>("subscriptions.key", { name, value });
  return value;
}

function toPublicJwk(privateKey: KeyObject): PublicJwk {
  const { x = "" } = createPublicKey(privateKey).export({ format: "jwk" });
  // The thumbprint of RFC 7638: the required members in this order.
  const thumbprint = createHash("sha256")
    .update(JSON.stringify({ crv: "Ed25519", kty: "OKP", x }))
    .digest("base64url");
  return { kty: "OKP", crv: "Ed25519", x, kid: `ds_${thumbprint}`, use: "sig", alg: "EdDSA" };
}
