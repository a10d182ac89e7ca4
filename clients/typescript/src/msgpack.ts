/** MessagePack for services: the part of the format that the protocol uses. */
import type { Format } from "./line.js";

/** Binary frames: `connect(url, { getToken, format: msgpack })`. */
export const msgpack: Format = {
  name: "msgpack",
  encode: (content) => new Writer().bytes(content),
  decode: (content) => new Reader(content as ArrayBuffer).value(),
};

const utf8 = { encoder: new TextEncoder(), decoder: new TextDecoder() };
const TWO_32 = 2 ** 32;

class Writer {
  private buffer = new Uint8Array(1024);
  private view = new DataView(this.buffer.buffer);
  private at = 0;

  bytes(content: unknown): Uint8Array<ArrayBuffer> {
    this.write(content);
    return this.buffer.slice(0, this.at);
  }

  private write(value: unknown): void {
    if (value === null || value === undefined) this.byte(0xc0);
    else if (typeof value === "boolean") this.byte(value ? 0xc3 : 0xc2);
    else if (typeof value === "number") this.number(value);
    else if (typeof value === "string") this.text(value);
    else if (Array.isArray(value)) {
      this.head(value.length, 0x90, 15, 0xdc);
      for (const one of value) this.write(one);
    } else if (typeof value === "object") this.map(value as Record<string, unknown>);
    else throw new TypeError(`${typeof value} has no place in a frame`);
  }

  private map(value: Record<string, unknown>): void {
    const entries = Object.entries(value).filter(([, one]) => one !== undefined);
    this.head(entries.length, 0x80, 15, 0xde);
    for (const [key, one] of entries) {
      this.text(key);
      this.write(one);
    }
  }

  private number(value: number): void {
    if (!Number.isInteger(value)) {
      this.byte(0xcb);
      this.put(8, () => this.view.setFloat64(this.at, value));
    } else if (value >= 0 && value < 128) this.byte(value);
    else if (value < 0 && value >= -32) this.byte(0x100 + value);
    else if (value >= -(2 ** 31) && value < 2 ** 31) {
      this.byte(0xd2);
      this.put(4, () => this.view.setInt32(this.at, value));
    } else {
      this.byte(0xd3);
      this.put(8, () => this.view.setBigInt64(this.at, BigInt(value)));
    }
  }

  private text(value: string): void {
    const bytes = utf8.encoder.encode(value);
    if (bytes.length < 256 && bytes.length > 31) {
      this.byte(0xd9);
      this.byte(bytes.length);
    } else this.head(bytes.length, 0xa0, 31, 0xda);
    this.put(bytes.length, () => this.buffer.set(bytes, this.at));
  }

  /** A length: in the type's own byte up to `short`, else in 2 bytes or 4. */
  private head(length: number, type: number, short: number, long: number): void {
    if (length <= short) this.byte(type | length);
    else if (length < 0x10000) {
      this.byte(long);
      this.put(2, () => this.view.setUint16(this.at, length));
    } else {
      this.byte(long + 1);
      this.put(4, () => this.view.setUint32(this.at, length));
    }
  }

  private byte(value: number): void {
    this.put(1, () => (this.buffer[this.at] = value));
  }

  private put(size: number, write: () => void): void {
    if (this.at + size > this.buffer.length) {
      const larger = new Uint8Array(Math.max(this.buffer.length * 2, this.at + size));
      larger.set(this.buffer);
      this.buffer = larger;
      this.view = new DataView(larger.buffer);
    }
    write();
    this.at += size;
  }
}

class Reader {
  private readonly view: DataView;
  private at = 0;

  constructor(content: ArrayBuffer) {
    this.view = new DataView(content);
  }

  value(): unknown {
    const type = this.unsigned(1);
    if (type < 0x80) return type;
    if (type < 0x90) return this.map(type & 15);
    if (type < 0xa0) return this.list(type & 15);
    if (type < 0xc0) return this.text(type & 31);
    if (type >= 0xe0) return type - 0x100;
    switch (type) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xca: return this.view.getFloat32(this.move(4));
      case 0xcb: return this.view.getFloat64(this.move(8));
      case 0xcc: return this.unsigned(1);
      case 0xcd: return this.unsigned(2);
      case 0xce: return this.unsigned(4);
      case 0xcf: return this.unsigned(4) * TWO_32 + this.unsigned(4);
      case 0xd0: return this.view.getInt8(this.move(1));
      case 0xd1: return this.view.getInt16(this.move(2));
      case 0xd2: return this.view.getInt32(this.move(4));
      case 0xd3: return this.view.getInt32(this.move(4)) * TWO_32 + this.unsigned(4);
      case 0xd9: return this.text(this.unsigned(1));
      case 0xda: return this.text(this.unsigned(2));
      case 0xdb: return this.text(this.unsigned(4));
      case 0xdc: return this.list(this.unsigned(2));
      case 0xdd: return this.list(this.unsigned(4));
      case 0xde: return this.map(this.unsigned(2));
      case 0xdf: return this.map(this.unsigned(4));
    }
    throw new RangeError(`msgpack type 0x${type.toString(16)} has no place in a frame`);
  }

  private list(length: number): unknown[] {
    return Array.from({ length }, () => this.value());
  }

  private map(length: number): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    for (let left = length; left > 0; left--) map[this.value() as string] = this.value();
    return map;
  }

  private text(length: number): string {
    const from = this.move(length);
    return utf8.decoder.decode(new Uint8Array(this.view.buffer, from, length));
  }

  private unsigned(size: 1 | 2 | 4): number {
    const from = this.move(size);
    return size === 1 ? this.view.getUint8(from) : size === 2 ? this.view.getUint16(from) : this.view.getUint32(from);
  }

  private move(size: number): number {
    const from = this.at;
    this.at += size;
    return from;
  }
}
