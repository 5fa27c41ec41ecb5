import type { Code } from "@millrace/core";

/** How a code looks outside: the HTTP status of a response and the close code of a WebSocket (4000–4999 are an application's). */
export type ErrorStatus = { readonly http: number; readonly ws: number };

/** The one table from codes to HTTP and WebSocket. A full record: a new code does not compile until it is here. */
export const ERROR_STATUS: Readonly<Record<Code, ErrorStatus>> = {
  invalid_argument: { http: 400, ws: 4400 },
  unauthenticated: { http: 401, ws: 4401 },
  forbidden: { http: 403, ws: 4403 },
  blocked_address: { http: 403, ws: 4403 },
  robots_disallowed: { http: 403, ws: 4403 },
  not_found: { http: 404, ws: 4404 },
  method_not_allowed: { http: 405, ws: 4405 },
  conflict: { http: 409, ws: 4409 },
  stale_epoch: { http: 409, ws: 4409 },
  sequence_gap: { http: 409, ws: 4409 },
  gone: { http: 410, ws: 4410 },
  terminal: { http: 409, ws: 4409 },
  too_large: { http: 413, ws: 4413 },
  unsupported_type: { http: 415, ws: 4415 },
  unreadable_document: { http: 422, ws: 4422 },
  encrypted_document: { http: 422, ws: 4422 },
  needs_ocr: { http: 422, ws: 4422 },
  needs_render: { http: 422, ws: 4422 },
  no_text: { http: 422, ws: 4422 },
  fetch_failed: { http: 502, ws: 4502 },
  fetch_unreachable: { http: 502, ws: 4502 },
  provider_failed: { http: 502, ws: 4502 },
  dimension_mismatch: { http: 422, ws: 4422 },
  rate_limited: { http: 429, ws: 4429 },
  overloaded: { http: 503, ws: 4503 },
  slow_consumer: { http: 408, ws: 4008 },
  timeout: { http: 504, ws: 4504 },
  cancelled: { http: 499, ws: 4499 },
  unavailable: { http: 503, ws: 4503 },
  storage_full: { http: 507, ws: 4507 },
  storage_failed: { http: 500, ws: 4500 },
  data_too_new: { http: 500, ws: 4500 },
  data_in_use: { http: 500, ws: 4500 },
  port_in_use: { http: 500, ws: 4500 },
  internal: { http: 500, ws: 4500 },
};
