/** How long messages take to reach this screen, as measured here: the last minute, and the hub's clock beside ours. */

export const STAGES = ["stored", "published", "received", "handled", "rendered", "painted"];
export const BUDGET_MS = [5, 10, 20, 30, 40, 50];
export const LIMIT_MS = 100;

const WINDOW_MS = 60_000;
const ERROR_MS = 5; // a clock known less well than this is not used

/** Where a duration stands on the scale, 0 to 1: the square root gives the first 5 ms a fifth of the width. */
export function place(ms) {
  return Math.sqrt(Math.min(Math.max(ms, 0), LIMIT_MS) / LIMIT_MS);
}

/** This computer's clock in ms since the epoch, which never jumps while the page is open. */
export function now() {
  return performance.timeOrigin + performance.now();
}

/** The hub's clock less ours, by the shortest of several exchanges `{sentAt, receivedAt, hubTime}`. */
export class Clock {
  #error = Infinity;
  #offset = 0;

  constructor(exchanges = []) {
    for (const { sentAt, receivedAt, hubTime } of exchanges) {
      const error = (receivedAt - sentAt) / 2;
      if (error >= this.#error) continue;
      this.#error = error;
      this.#offset = whole(hubTime) - (sentAt + receivedAt) / 2;
    }
  }

  /** How far it may be off, in ms; Infinity while nothing is known. */
  get error() {
    return this.#error;
  }

  /** The hub's time in our clock, or null while the offset is not known well enough. */
  ours(hubTime) {
    return this.#error > ERROR_MS ? null : whole(hubTime) - this.#offset;
  }
}

/** The hub tells whole milliseconds, cut off: half of one is the likeliest rest. */
function whole(hubTime) {
  return hubTime + 0.5;
}

/**
 * `{stage: ms}` of one message for the stages that were measured, or null when the zero is not known.
 * A message of ours counts from sending it, another's from the hub's own time stamp.
 */
export function hopsOf(row, clock) {
  const { seen } = row;
  if (!seen?.painted) return null;
  const zero = seen.sent ?? clock.ours(row.message.timestamp);
  if (zero === null) return null;
  const hops = {};
  for (const stage of STAGES) {
    if (seen[stage] !== undefined) hops[stage] = Math.max(0, seen[stage] - zero);
  }
  return hops;
}

/** The last minute's paintings. */
export class Pulse {
  #rows = [];
  #unreported = [];

  add(row) {
    this.#rows.push(row);
    if (this.#unreported.length < 5000) this.#unreported.push(row);
    if (this.#rows.length > 20_000) this.#rows.splice(0, 10_000);
  }

  /** Rows that were painted since the last time that this was asked. */
  unreported() {
    return this.#unreported.splice(0);
  }

  /** The hops of each message painted in the last minute, oldest first. */
  recent(clock) {
    const since = now() - WINDOW_MS;
    const first = this.#rows.findIndex((row) => row.seen.painted >= since);
    this.#rows = first < 0 ? [] : this.#rows.slice(first);
    return this.#rows.map((row) => hopsOf(row, clock)).filter(Boolean);
  }
}

/** The middle value, or null of nothing. */
export function median(values) {
  if (!values.length) return null;
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
