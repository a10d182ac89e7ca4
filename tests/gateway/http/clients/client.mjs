// Node's fetch as it comes.
const [url, token, size, count] = process.argv.slice(2);

const send = (body) =>
  fetch(url, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body,
  });
const grant = (id) => ({
  command_id: id,
  type: "grant_player_progression_experience",
  amount: 1,
});
const status = async (body) => {
  const response = await send(body);
  await response.arrayBuffer();
  return response.status;
};

const command = await status(JSON.stringify(grant("node")));
const replies = await send(JSON.stringify(["node-1", "node-2", "node-3"].map(grant)));
const list = (await replies.json()).length;
const too_large = await status(" ".repeat(Number(size)));
let kept = 0;
for (let number = 0; number < Number(count); number++) {
  if ((await status(JSON.stringify(grant(`node-kept-${number}`)))) === 200) kept++;
}
console.log(JSON.stringify({ command, list, too_large, kept }));
