/** Subscriptions to durable streams, what each has acknowledged, and the keys that sign for them. Runs inside the storage threads. */
import type { DatabaseSync } from "node:sqlite";
import { rowOf, rowsOf, type StorageModule } from "@millrace/stream";
import { matchesGlob } from "./glob.ts";
import {
  type Ack,
  BEFORE_FIRST,
  type LinkedStream,
  type SubscriptionConfig,
  type SubscriptionRecord,
  type WakeState,
} from "./subscription-record.ts";

const SCHEMA = `
CREATE TABLE durable_subscriptions (
  id TEXT PRIMARY KEY,
  config TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  state TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE durable_links (
  subscription TEXT NOT NULL REFERENCES durable_subscriptions (id) ON DELETE CASCADE,
  path TEXT NOT NULL,
  is_explicit INTEGER NOT NULL,
  is_glob INTEGER NOT NULL,
  acked TEXT NOT NULL,
  woken TEXT,
  PRIMARY KEY (subscription, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX durable_links_by_path ON durable_links (path);
CREATE TABLE durable_keys (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
`;

/** Tail of the stream at a path as its offset: what the log holds on top of what a fork shares. */
const TAILS = `SELECT s.path, printf('%016d_%016d', s.generation, s.base + coalesce(l.head, 0)) AS tail,
  s.base + coalesce(l.head, 0) > 0 AS has_messages
  FROM durable_streams s LEFT JOIN streams l ON l.name = s.name WHERE s.is_hidden = 0`;
const ZERO = "0000000000000000_0000000000000000";
/** Offsets have a fixed width, so they compare as text; `-1` is below all of them. */
const LINKS = `SELECT k.path, iif(k.is_explicit, 'explicit', 'glob') AS link_type, k.acked AS acked_offset,
  coalesce(t.tail, '${ZERO}') AS tail_offset, coalesce(t.has_messages AND t.tail > k.acked, 0) AS has_pending
  FROM durable_links k LEFT JOIN (${TAILS}) t ON t.path = k.path WHERE k.subscription = ?`;

export type StoreArgs = { readonly id: string; readonly state: WakeState };
export type WakeArgs = StoreArgs;
export type AckArgs = { readonly id: string; readonly acks: readonly Ack[] };

export type SubscriptionWrites = {
  create: (args: Omit<SubscriptionRecord, "state"> & { readonly state: WakeState }) => void;
  remove: (args: { id: string }) => void;
  /** Links a stream that the pattern matches, before its first message is acknowledged. */
  match: (args: { id: string; path: string }) => void;
  name: (args: { id: string; paths: readonly string[] }) => void;
  unname: (args: { id: string; path: string }) => void;
  unlink: (args: { path: string }) => void;
  state: (args: StoreArgs) => void;
  /** A new wake, and for each stream how far it was then. */
  wake: (args: WakeArgs) => void;
  /** Acknowledges how far the streams were at the wake. */
  ackWoken: (args: { id: string }) => void;
  /** Acknowledges all, or none and says why. */
  ack: (args: AckArgs) => string | undefined;
  key: (args: { name: string; value: Uint8Array }) => void;
};
export type SubscriptionReads = {
  all: (args: null) => readonly (SubscriptionRecord & { readonly named: readonly string[] })[];
  /** Those with something pending first. */
  links: (args: { id: string; limit: number }) => readonly LinkedStream[];
  key: (args: { name: string }) => Uint8Array | undefined;
};

function writes(db: DatabaseSync): SubscriptionWrites {
  const create = db.prepare("INSERT INTO durable_subscriptions VALUES (?, ?, ?, ?)");
  const remove = db.prepare("DELETE FROM durable_subscriptions WHERE id = ?");
  const tails = db.prepare(TAILS);
  const tail = db.prepare(`SELECT tail FROM (${TAILS}) WHERE path = ?`);
  const link =
    db.prepare(`INSERT INTO durable_links (subscription, path, is_explicit, is_glob, acked) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET is_explicit = max(is_explicit, excluded.is_explicit), is_glob = max(is_glob, excluded.is_glob)`);
  // A subscription that was deleted while the append was on its way takes no more links.
  const match = db.prepare(`INSERT INTO durable_links (subscription, path, is_explicit, is_glob, acked)
    SELECT id, ?, 0, 1, ? FROM durable_subscriptions WHERE id = ? ON CONFLICT DO UPDATE SET is_glob = 1`);
  const unname = db.prepare("UPDATE durable_links SET is_explicit = 0 WHERE subscription = ? AND path = ?");
  const drop = db.prepare("DELETE FROM durable_links WHERE subscription = ? AND is_explicit = 0 AND is_glob = 0");
  const unlink = db.prepare("DELETE FROM durable_links WHERE path = ?");
  const setState = db.prepare("UPDATE durable_subscriptions SET state = ? WHERE id = ?");
  const snapshot = db.prepare(
    `UPDATE durable_links SET woken = (SELECT tail FROM (${TAILS}) t WHERE t.path = durable_links.path) WHERE subscription = ?`,
  );
  const ackWoken = db.prepare(
    "UPDATE durable_links SET acked = max(acked, woken), woken = NULL WHERE subscription = ? AND woken IS NOT NULL",
  );
  const linked = db.prepare(`${LINKS} AND k.path = ?`);
  const setAcked = db.prepare("UPDATE durable_links SET acked = ? WHERE subscription = ? AND path = ?");
  const setKey = db.prepare("INSERT INTO durable_keys VALUES (?, ?)");
  const store = ({ id, state }: StoreArgs) => void setState.run(JSON.stringify(state), id);
  const tailOf = (path: string) => rowOf<{ tail: string }>(tail, path)?.tail ?? ZERO;
  const name = (id: string, paths: readonly string[]) => {
    for (const path of paths) link.run(id, path, 1, 0, tailOf(path));
  };
  return {
    create({ id, config, createdMs, state }) {
      create.run(id, JSON.stringify(config), createdMs, JSON.stringify(state));
      name(id, config.streams);
      const { pattern, wakeStream } = config;
      if (pattern === undefined) return;
      for (const row of rowsOf<{ path: string; tail: string }>(tails)) {
        if (row.path !== wakeStream && matchesGlob(pattern, row.path)) link.run(id, row.path, 0, 1, row.tail);
      }
    },
    remove: ({ id }) => void remove.run(id),
    match: ({ id, path }) => void match.run(path, BEFORE_FIRST, id),
    name: ({ id, paths }) => name(id, paths),
    unname({ id, path }) {
      unname.run(id, path);
      drop.run(id);
    },
    unlink: ({ path }) => void unlink.run(path),
    state: store,
    wake(args) {
      store(args);
      snapshot.run(args.id);
    },
    ackWoken: ({ id }) => void ackWoken.run(id),
    ack({ id, acks }) {
      for (const { path, offset } of acks) {
        const problem = problemOf(rowOf<LinkedStream>(linked, id, path), offset);
        if (problem !== undefined) return `${path.slice(0, 80)}: ${problem}`;
      }
      for (const { path, offset } of acks) setAcked.run(offset, id, path);
      return undefined;
    },
    key({ name: key, value }) {
      setKey.run(key, value);
    },
  };
}

function problemOf(link: LinkedStream | undefined, offset: string): string | undefined {
  if (!link) return "the stream is not one of the subscription";
  if (offset < link.acked_offset) return `the offset ${offset} is before ${link.acked_offset}, which is acknowledged`;
  return offset > link.tail_offset ? `the offset ${offset} is beyond the tail ${link.tail_offset}` : undefined;
}

function reads(db: DatabaseSync): SubscriptionReads {
  const all = db.prepare("SELECT id, config, created_ms AS createdMs, state FROM durable_subscriptions");
  const named = db.prepare("SELECT path FROM durable_links WHERE subscription = ? AND is_explicit = 1");
  const links = db.prepare(`${LINKS} ORDER BY has_pending DESC, k.path LIMIT ?`);
  const key = db.prepare("SELECT value FROM durable_keys WHERE name = ?");
  return {
    all: () =>
      rowsOf<{ id: string; config: string; createdMs: number; state: string }>(all).map((row) => ({
        ...row,
        config: JSON.parse(row.config) as SubscriptionConfig,
        state: JSON.parse(row.state) as WakeState,
        named: rowsOf<{ path: string }>(named, row.id).map(({ path }) => path),
      })),
    links: ({ id, limit }) =>
      rowsOf<Omit<LinkedStream, "has_pending"> & { has_pending: number }>(links, id, limit).map((row) => ({
        ...row,
        has_pending: row.has_pending === 1,
      })),
    key: ({ name }) => rowOf<{ value: Uint8Array }>(key, name)?.value,
  };
}

export const storageModule: StorageModule = { name: "subscriptions", migrations: [SCHEMA], writes, reads };
