// Holds predictions to vectors: node prediction_child.mjs DIST < {"documents": [...]} and a vector a line.
import assert from "node:assert/strict";
import { createInterface } from "node:readline";

const { decide } = await import(`${process.argv[2]}/predict/decide.js`);
const { Mirror } = await import(`${process.argv[2]}/protocol/mirror.js`);

let documents;
const counts = { vectors: 0, refused: 0, unknown: 0, wrong: 0 };
for await (const line of createInterface({ input: process.stdin })) {
  if (!documents) {
    documents = JSON.parse(line).documents;
    continue;
  }
  const { rules, state, command, now, expected } = JSON.parse(line);
  const mirror = new Mirror("alice");
  mirror.replace(state);
  const decision = decide(mirror.rows, command, now, documents[rules]) ?? null;
  counts.vectors += 1;
  if (expected === null) counts.unknown += 1;
  else if ("code" in expected) counts.refused += 1;
  try {
    assert.deepStrictEqual(decision, expected);
  } catch (error) {
    if (!counts.wrong) console.error(`rules ${rules}, ${JSON.stringify(command)}: ${error.message}`);
    counts.wrong += 1;
  }
}
console.log(JSON.stringify(counts));
