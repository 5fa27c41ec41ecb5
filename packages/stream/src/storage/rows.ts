import type { SQLInputValue, StatementSync } from "node:sqlite";

/** All rows of a query, as the type its column list makes them. */
export function rowsOf<Row>(statement: StatementSync, ...values: SQLInputValue[]): Row[] {
  return statement.all(...values) as unknown as Row[];
}

/** The one row of a query, or undefined. */
export function rowOf<Row>(statement: StatementSync, ...values: SQLInputValue[]): Row | undefined {
  return statement.get(...values) as unknown as Row | undefined;
}
