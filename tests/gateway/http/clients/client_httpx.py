"""httpx as it comes."""

import json
import sys

import httpx


def grant(command_id: str) -> dict[str, object]:
    return {
        "command_id": command_id,
        "type": "grant_player_progression_experience",
        "amount": 1,
    }


def main(url: str, token: str, size: str, count: str) -> None:
    with httpx.Client(headers={"authorization": f"Bearer {token}"}, timeout=30) as client:
        command = client.post(url, json=grant("httpx")).status_code
        replies = client.post(url, json=[grant(f"httpx-{number}") for number in range(3)])
        json_type = {"content-type": "application/json"}
        too_large = client.post(url, content=b" " * int(size), headers=json_type).status_code
        kept = sum(
            client.post(url, json=grant(f"httpx-kept-{number}")).status_code == 200
            for number in range(int(count))
        )
    report = {"command": command, "list": len(replies.json()), "too_large": too_large}
    print(json.dumps({**report, "kept": kept}))


main(*sys.argv[1:])
