// Lines, and bytes of which the number is known, out of one stream.

export class Incoming {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  /** What has come and is not taken yet. */
  #rest = new Uint8Array(0);

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** The next line, without its end; nothing where the stream ends. */
  async line(): Promise<string | undefined> {
    for (let from = 0; ; ) {
      const end = this.#rest.indexOf(10, from);
      if (end >= 0) {
        const line = new TextDecoder().decode(this.#rest.subarray(0, end));
        this.#rest = this.#rest.subarray(end + 1);
        return line;
      }
      from = this.#rest.length;
      if (!(await this.#more())) {
        if (from > 0) {
          throw new Error('the host stopped in the middle');
        }
        return undefined;
      }
    }
  }

  /** The next `count` bytes, as they come. */
  async *bytes(count: number): AsyncGenerator<Uint8Array> {
    for (let left = count; left > 0; ) {
      if (this.#rest.length === 0 && !(await this.#more())) {
        throw new Error('the host stopped in the middle');
      }
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  /** Takes no more. */
  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#reader.read();
    if (done) {
      return false;
    }
    const joined = new Uint8Array(this.#rest.length + value.length);
    joined.set(this.#rest);
    joined.set(value, this.#rest.length);
    this.#rest = joined;
    return true;
  }
}
