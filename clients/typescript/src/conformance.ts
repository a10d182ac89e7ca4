/** This client in Node under the conformance kit: `node dist/conformance.js [json|msgpack]`. */
import { createInterface } from "node:readline";
import { begin, take, type Told } from "./kit.js";

begin((line) => console.log(line), process.argv[2] ?? "json");
createInterface({ input: process.stdin }).on("line", (line) => {
  const told = JSON.parse(line) as Told;
  take(told);
  if (told.do === "close") process.exit(0);
});
