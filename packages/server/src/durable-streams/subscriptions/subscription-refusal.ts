/** The words that the protocol has for refusals of subscription requests, and their status. */
const STATUS = {
  INVALID_REQUEST: 400,
  WEBHOOK_URL_REJECTED: 400,
  TOKEN_INVALID: 401,
  TOKEN_EXPIRED: 401,
  SUBSCRIPTION_NOT_FOUND: 404,
  SUBSCRIPTION_ALREADY_EXISTS: 409,
  FENCED: 409,
  ALREADY_CLAIMED: 409,
  NO_PENDING_WORK: 409,
  INVALID_OFFSET: 409,
} as const;

export type SubscriptionCode = keyof typeof STATUS;

/** A subscription request that is refused. Its body is ours, with the protocol's own code in the place of the engine's. */
export class SubscriptionRefusal extends Error {
  readonly status: number;
  readonly body: { readonly error: Readonly<Record<string, unknown>> };

  constructor(code: SubscriptionCode, message: string, more: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.status = STATUS[code];
    this.body = { error: { code, message, retryable: false, ...more } };
  }
}
