/** BLAKE2b of a short text (RFC 7693): the dice of battles and loot hang on it. */

const MASK = (1n << 64n) - 1n;
const BLOCK = 128;
const IV = [
  0x6a09e667f3bcc908n, 0xbb67ae8584caa73bn, 0x3c6ef372fe94f82bn, 0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n, 0x9b05688c2b3e6c1fn, 0x1f83d9abfb41bd6bn, 0x5be0cd19137e2179n,
];
const ORDER = [
  "0123456789abcdef", "ea489fd61c02b753", "b8c052fdae367194", "7931dcbe265a40f8", "905724afe1bc683d",
  "2c6a0b834d75fe19", "c51fed4a0763928b", "db7ec13950f4862a", "6fe9b308c2d714a5", "a2847615fb9e3cd0",
].map((row) => [...row].map((digit) => parseInt(digit, 16)));
const ROUNDS = 12;

/** The digest of `text` in UTF-8, `size` bytes, as one big-endian number. */
export function blake2b(text: string, size: number): bigint {
  const content = new TextEncoder().encode(text);
  const state = [...IV];
  state[0]! ^= 0x01010000n ^ BigInt(size);
  const blocks = Math.max(1, Math.ceil(content.length / BLOCK));
  for (let block = 0; block < blocks; block++) {
    const end = Math.min(content.length, (block + 1) * BLOCK);
    compress(state, words(content.subarray(block * BLOCK, end)), BigInt(end), block === blocks - 1);
  }
  let digest = 0n;
  for (let byte = 0; byte < size; byte++) digest = (digest << 8n) | ((state[byte >> 3]! >> BigInt(8 * (byte & 7))) & 255n);
  return digest;
}

/** A block, padded with zeros, as sixteen little-endian words. */
function words(content: Uint8Array): bigint[] {
  const view = new DataView(new ArrayBuffer(BLOCK));
  content.forEach((byte, place) => view.setUint8(place, byte));
  return Array.from({ length: 16 }, (_, word) => view.getBigUint64(8 * word, true));
}

function compress(state: bigint[], block: readonly bigint[], counter: bigint, last: boolean): void {
  const v = [...state, ...IV];
  v[12]! ^= counter;
  if (last) v[14]! ^= MASK;
  for (let round = 0; round < ROUNDS; round++) {
    const order = ORDER[round % 10]!;
    for (let mix = 0; mix < 8; mix++) {
      const column = mix & 3;
      const at = (row: number): number => 4 * row + ((column + (mix < 4 ? 0 : row)) & 3);
      blend(v, at(0), at(1), at(2), at(3), block[order[2 * mix]!]!, block[order[2 * mix + 1]!]!);
    }
  }
  for (let word = 0; word < 8; word++) state[word]! ^= v[word]! ^ v[word + 8]!;
}

function blend(v: bigint[], a: number, b: number, c: number, d: number, x: bigint, y: bigint): void {
  v[a] = (v[a]! + v[b]! + x) & MASK;
  v[d] = rotated(v[d]! ^ v[a]!, 32n);
  v[c] = (v[c]! + v[d]!) & MASK;
  v[b] = rotated(v[b]! ^ v[c]!, 24n);
  v[a] = (v[a]! + v[b]! + y) & MASK;
  v[d] = rotated(v[d]! ^ v[a]!, 16n);
  v[c] = (v[c]! + v[d]!) & MASK;
  v[b] = rotated(v[b]! ^ v[c]!, 63n);
}

const rotated = (word: bigint, bits: bigint): bigint => ((word >> bits) | (word << (64n - bits))) & MASK;
