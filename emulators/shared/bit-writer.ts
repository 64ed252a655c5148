/** Writes bits, highest first, as video codecs do. */
export class BitWriter {
  readonly #bytes: number[] = [];
  #current = 0;
  #filled = 0;

  /** The lowest `width` bits of a number below 2^31. */
  bits(value: number, width: number): this {
    for (let place = width - 1; place >= 0; place--) {
      this.#current = (this.#current << 1) | ((value >> place) & 1);
      if (++this.#filled === 8) this.#flush();
    }
    return this;
  }

  /** Unsigned Exp-Golomb code; the signed code of 0 is the same. */
  ue(value: number): this {
    const width = 32 - Math.clz32(value + 1);
    return this.bits(0, width - 1).bits(value + 1, width);
  }

  /** Zeros up to the next whole byte. */
  align(): this {
    return this.#filled === 0 ? this : this.bits(0, 8 - this.#filled);
  }

  /** Whole bytes; only where the writer is aligned. */
  raw(bytes: Uint8Array): this {
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }

  /** Ends with a one and zeros. */
  end(): Buffer {
    this.bits(1, 1).align();
    return Buffer.from(this.#bytes);
  }

  #flush(): void {
    this.#bytes.push(this.#current);
    this.#current = 0;
    this.#filled = 0;
  }
}
