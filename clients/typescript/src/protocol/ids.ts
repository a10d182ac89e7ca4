let last = 0;
let count = 0;

/** A new command id: a UUIDv7 (RFC 9562) with a counter (method 1), so that a queue sorts as it was made. */
export function commandId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const now = Math.max(Date.now(), last);
  count = now > last ? 0 : count + 1;
  last = now + (count >> 12); // a millisecond has room for 4,096
  count &= 0xfff;
  const time = last.toString(16).padStart(12, "0");
  bytes[6] = 0x70 | (count >> 8);
  bytes[7] = count;
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  const hex = time + Array.from(bytes.subarray(6), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
