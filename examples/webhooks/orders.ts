import type { MoovEvent } from 'express-moov-auth';
import initSqlJs, { type Database, type SqlValue } from 'sql.js';

export interface Order {
  readonly id: string;
  /** `open`, `paid` (the transfer is on its way) or `settled`. */
  readonly status: string;
}

/** An event that is still to be handled. */
export interface StoredEvent {
  readonly eventID: string;
  /** Of the events of transfers. */
  readonly transferID: string | undefined;
}

/**
 * The shop's database, here SQLite in memory. The statements are the same for PostgreSQL, whose driver is asynchronous;
 * `INSERT ... ON CONFLICT DO NOTHING` decides which of several processes stores an event.
 */
export class Orders {
  readonly #db: Database;

  private constructor(db: Database) {
    this.#db = db;
  }

  static async open(): Promise<Orders> {
    const { Database } = await initSqlJs();
    const db = new Database();
    db.run(`
      CREATE TABLE orders (
        id          TEXT PRIMARY KEY,
        status      TEXT NOT NULL
      );
      CREATE TABLE moov_events (
        event_id    TEXT PRIMARY KEY,
        transfer_id TEXT,
        created_on  TEXT NOT NULL,
        handled     INTEGER NOT NULL DEFAULT 0
      );
    `);
    return new Orders(db);
  }

  /** Before the transfer is created, so that a lost response leaves an order that can be paid again. */
  add(id: string): void {
    this.#db.run("INSERT INTO orders (id, status) VALUES (?, 'open') ON CONFLICT (id) DO NOTHING", [id]);
  }

  markPaid(id: string): void {
    this.#db.run("UPDATE orders SET status = 'paid' WHERE id = ? AND status = 'open'", [id]);
  }

  markSettled(id: string): void {
    this.#db.run("UPDATE orders SET status = 'settled' WHERE id = ?", [id]);
  }

  find(id: string): Order | undefined {
    const [row] = this.#rows('SELECT id, status FROM orders WHERE id = ?', [id]);
    return row && { id: String(row.id), status: String(row.status) };
  }

  /** @returns whether the event is new. */
  storeEvent({ eventID, createdOn, data }: MoovEvent): boolean {
    this.#db.run(
      'INSERT INTO moov_events (event_id, transfer_id, created_on) VALUES (?, ?, ?) ON CONFLICT (event_id) DO NOTHING',
      [eventID, transferIDOf(data) ?? null, createdOn],
    );
    return this.#db.getRowsModified() === 1;
  }

  openEvents(): StoredEvent[] {
    return this.#rows('SELECT event_id, transfer_id FROM moov_events WHERE handled = 0').map((row) => ({
      eventID: String(row.event_id),
      transferID: row.transfer_id === null ? undefined : String(row.transfer_id),
    }));
  }

  markHandled(eventID: string): void {
    this.#db.run('UPDATE moov_events SET handled = 1 WHERE event_id = ?', [eventID]);
  }

  #rows(sql: string, values: SqlValue[] = []): Record<string, SqlValue>[] {
    const statement = this.#db.prepare(sql, values);
    const rows: Record<string, SqlValue>[] = [];
    while (statement.step()) rows.push(statement.getAsObject());
    statement.free();
    return rows;
  }
}

/** Moov's SDKs have `{ transferID }`, the sample in Moov's guide nests such fields: `{ transfer: { transferID } }`. */
function transferIDOf(data: unknown): string | undefined {
  const { transferID, transfer } = Object(data);
  const id: unknown = transferID ?? Object(transfer).transferID;
  return typeof id === 'string' ? id : undefined;
}
