/** One thing looked at: how it is, what was found, and what to do when it is not as it should be. */
export type Check = {
  readonly name: string;
  readonly state: "ok" | "warn" | "fail";
  readonly found: string;
  readonly fix?: string;
};
