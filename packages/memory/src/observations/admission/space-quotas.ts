import { checkInteger, MillraceError } from "@millrace/core";
import { LANE_BYTES_MAX, LANE_COUNT_MAX } from "./limits.ts";

/** What one space may hold and ask for; what is left out is not limited. */
export type SpaceQuotas = {
  /** Observations admitted and not yet done, in all lanes. */
  readonly queuedCountMax?: number;
  /** Their bytes. */
  readonly queuedBytesMax?: number;
  /** Observations a second, with a burst of one second. */
  readonly perSecondMax?: number;
  /** Observations in the space in all. */
  readonly rowsMax?: number;
};

/** Row numbers are uint32. */
const ROWS_MAX = 2 ** 32;

const QUOTA_RANGES: Readonly<Record<keyof SpaceQuotas, { readonly min: number; readonly max: number }>> = {
  queuedCountMax: { min: 1, max: LANE_COUNT_MAX },
  queuedBytesMax: { min: 1, max: LANE_BYTES_MAX },
  perSecondMax: { min: 1, max: LANE_COUNT_MAX },
  rowsMax: { min: 1, max: ROWS_MAX },
};

export function quotaNames(): string[] {
  return Object.keys(QUOTA_RANGES);
}

/** `quotas` when each is known and in its range; else `invalid_argument`. */
export function checkQuotas(quotas: SpaceQuotas): SpaceQuotas {
  for (const [name, value] of Object.entries(quotas)) {
    const range = QUOTA_RANGES[name as keyof SpaceQuotas];
    if (!range) {
      const known = quotaNames().join(", ");
      throw new MillraceError("invalid_argument", `unknown option "quotas.${name}"; known are ${known}`);
    }
    if (value !== undefined) checkInteger(`quotas.${name}`, value, range);
  }
  return quotas;
}
