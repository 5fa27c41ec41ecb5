/** sqlite-vec in an SQLite database in memory: an exact scan of f32 rows, one thread. */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { MillraceError } from "@millrace/core";
import { peerVersion, requirePeer } from "./installed.ts";
import type { CompletePeerOptions, Peer } from "./peer.ts";

type SqliteVecModule = { getLoadablePath(): string };

/** `invalid_argument` for dot, which it does not have. */
export function openSqliteVec({ dims, metric, directory }: CompletePeerOptions): Peer {
  if (metric === "dot") {
    throw new MillraceError("invalid_argument", "sqlite-vec cannot do dot; use cosine or l2, or another peer");
  }
  const extension = requirePeer<SqliteVecModule>("sqlite-vec", directory).getLoadablePath();
  let database = new DatabaseSync(":memory:", { allowExtension: true });
  database.loadExtension(extension);
  database.exec(`create virtual table rows using vec0(vector float[${dims}] distance_metric=${metric})`);
  let statements = prepare(database);
  return {
    name: "sqlite-vec",
    version: peerVersion("sqlite-vec", directory),
    add: (ids, vectors) => {
      database.exec("begin");
      for (const [row, id] of ids.entries()) {
        statements.add.run(BigInt(id), bytesOf(vectors.subarray(row * dims, (row + 1) * dims)));
      }
      database.exec("commit");
    },
    finish: () => {},
    setEffort: () => {},
    search: (query, k) => Uint32Array.from(statements.search.all(bytesOf(query), k), ({ rowid }) => Number(rowid)),
    save: (path) => {
      database.prepare("vacuum into ?").run(path);
    },
    load: (path) => {
      database.close();
      database = new DatabaseSync(path, { allowExtension: true });
      database.loadExtension(extension);
      statements = prepare(database);
    },
    remove: (id) => {
      statements.remove.run(BigInt(id));
    },
    close: () => database.close(),
  };
}

type Statements = { readonly add: StatementSync; readonly search: StatementSync; readonly remove: StatementSync };

function prepare(database: DatabaseSync): Statements {
  return {
    add: database.prepare("insert into rows(rowid, vector) values (?, ?)"),
    search: database.prepare("select rowid from rows where vector match ? and k = ? order by distance"),
    remove: database.prepare("delete from rows where rowid = ?"),
  };
}

function bytesOf(numbers: Float32Array): Uint8Array {
  return new Uint8Array(Float32Array.from(numbers).buffer);
}
