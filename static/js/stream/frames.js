/** Frames out of the bytes of a stream of server-sent events. */

/** Splits the bytes of a stream into frames `{id, event, data, retry}`; what a frame lacks is undefined. */
export class FrameReader {
  #rest = "";
  #frame = {};
  #decoder = new TextDecoder();

  /** The frames completed by these bytes, in order. */
  push(bytes) {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#rest = lines.pop();
    const frames = [];
    for (const line of lines) {
      const text = line.endsWith("\r") ? line.slice(0, -1) : line;
      if (text) this.#field(text);
      else {
        if (Object.keys(this.#frame).length) frames.push(this.#frame);
        this.#frame = {};
      }
    }
    return frames;
  }

  #field(line) {
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.#frame.data = this.#frame.data === undefined ? value : `${this.#frame.data}\n${value}`;
    else if (name === "id" && !value.includes("\0")) this.#frame.id = value;
    else if (name === "event") this.#frame.event = value;
    else if (name === "retry" && /^\d+$/.test(value)) this.#frame.retry = Number(value);
  }
}

/** The number in a cursor `EPOCH:SEQ`, or 0. */
export function seqOf(cursor) {
  return Number(/:(\d+)$/.exec(cursor || "")?.[1] || 0);
}
