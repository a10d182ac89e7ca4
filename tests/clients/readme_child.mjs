// The page's code, run: node readme_child.mjs URL ALICE SERVICE QUESTKEEP BLOCK...
const [url, alice, service, questkeep, player, game, tests] = process.argv.slice(2);
const { play } = await import(player);
const { reward } = await import(game);
const { handsInAQuest } = await import(tests);

console.log("experience", await play(url, async () => alice));
console.log((await reward(url, () => service)).join(", "));
console.log((await handsInAQuest([questkeep])).join(", "));
process.exit(0);
