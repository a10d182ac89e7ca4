"""`/docs/errors`: every refusal with what it says, what may be sent again, and what to do.

One block for each code, so that it reads on a phone as on a desk; a problem's `type` points at it.

Not for: the table itself (`gateway.problems`).
"""

import html
import re
from functools import cache

from gateway.problems import PROBLEM_TYPES, ProblemType, Retry

_RETRY = {
    Retry.SAME: "the same command, under the same id, later",
    Retry.NEW: "another command, under another id",
    Retry.NEVER: "mend the request, or the program that sends it",
}

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Questkeep: refusals</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<style>
:root { color-scheme: light dark; --line: #8886; --mark: #ffe9a8; }
@media (prefers-color-scheme: dark) { :root { --mark: #5a4a10; } }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 46rem; padding: 1rem; }
code { font-size: 0.95em; overflow-wrap: anywhere; }
section { border-top: 1px solid var(--line); padding: 0.6rem 0; scroll-margin-top: 1rem; }
section:target { background: var(--mark); }
h2 { align-items: baseline; display: flex; flex-wrap: wrap; font-size: 1.05rem; gap: 0 0.8rem;
     justify-content: space-between; margin: 0; }
h2 span { font-weight: normal; opacity: 0.75; }
p, dl { margin: 0.3rem 0; }
dl { display: grid; gap: 0 0.8rem; grid-template-columns: max-content 1fr; }
dt { opacity: 0.75; }
dd { margin: 0; }
</style>
</head>
<body>
<h1>Refusals</h1>
<p>Codes are stable: branch on <code>code</code> and <code>retry</code>, not on sentences.
Where <code>retry_after_ms</code> stands, wait that long. <a href="/docs">The API</a></p>
"""


@cache
def errors_page() -> bytes:
    """The page as HTML."""
    sections = "".join(_section(code, kind) for code, kind in PROBLEM_TYPES.items())
    return f"{_HEAD}{sections}</body>\n</html>\n".encode()


def _section(code: str, kind: ProblemType) -> str:
    return (
        f'<section id="{code}"><h2><code>{code}</code><span>{kind.status}</span></h2>\n'
        f"<p>{_text(kind.title)}</p>\n"
        f"<dl><dt>Again?</dt><dd><code>{kind.retry}</code>: {_RETRY[kind.retry]}</dd>"
        f"<dt>What to do</dt><dd>{_text(kind.advice)}</dd></dl></section>\n"
    )


def _text(text: str) -> str:
    """Plain words as HTML; what stands between backticks becomes code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text))
