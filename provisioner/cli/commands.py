"""Every command and what it is for; a command's module is imported only when it runs."""

from __future__ import annotations

COMMANDS: dict[str, str] = {
    "init": "Record the first trust root and pin it in the runner's own file",
    "get": "Fetch the modules that come from git, and pin them in the lock file",
    "validate": "Check the configuration; reads no cloud",
    "fmt": "Rewrite files in the canonical layout",
    "console": "Evaluate expressions; -json for programs",
    "plan": "Compare the configuration with the live clouds, show what would change and who must sign",
    "show": "Show a plan, or one change with its policy text before and after",
    "publish": "Put a plan, or a sign-off made elsewhere, into the ledger",
    "sign": "Sign a plan as a control owner; needs no cloud access",
    "revoke": "Let a key, or all keys of a person, count no longer",
    "status": "Who has signed a plan and who is missing",
    "inbox": "The plans that wait for your signature",
    "review": "The ledger's plans as pages in a browser, read-only",
    "diff": "What differs between two plans, and which sign-offs still count",
    "apply": "Carry out a signed plan, exactly",
    "stop": "Take all authority from an agent at once; one owner suffices",
    "discover": "Principals that look like agents and are nobody's; the HCL that takes one over",
    "import": "HCL for what a Terraform state holds, and the Terraform code that lets go of it",
    "adopt": "Keep what drift found: an edit of the files, for owners to sign",
    "sweep": "Remove what has ended by its own expiry, as it was signed",
    "release": "Plan to let go of an agent: our mark goes, its authority stays",
    "drift": "Find authority that no signed plan explains; changes nothing",
    "owners": "Who answers for every surface, agent and tool",
    "who-signs": "Who would have to sign a change of a file",
    "graph": "Who can become or call whom, and escalation paths; as text, DOT, Mermaid, SVG",
    "rules": "Every rule, how hard it is here, and the frameworks it refers to",
    "explain": "What one rule is for, what breaks it, and the way out",
    "exceptions": "Which rules are set aside, for whom and until when",
    "audit": "Prove the ledger offline; show who accepted what; export it",
    "access": "What policies allow, and what a change of one allows more; needs no configuration",
    "rightsize": "Narrow an agent's tools to what audit logs show to be used",
    "test": "Judge the boundary tests on the planned policies; reads no cloud",
    "permissions": "The policies that the runner needs, and what sets its roles up",
    "sandbox": "Start, stop or empty the embedded clouds on this machine",
    "completion": "Print the script that completes commands and options in bash, zsh or fish",
    "version": "Print the version",
}

ROOT_HELP = """\
Usage: provisioner [-chdir=DIR] COMMAND [OPTIONS]

Gives AI agents their authority: HCL in, a signed plan, live IAM out.

Commands:
{commands}

Options before the command:
  -chdir=DIR   work in another folder
  -no-color    no colour; so does NO_COLOR in the environment
  -version     print the version
  -help        this text; after a command, that command's

Every command takes -json, -no-color and -help. Long options work with one dash or two.
Shell completion: provisioner completion bash|zsh|fish

Exit codes: 0 fine, 1 error, 2 changes (-detailed-exitcode), 3 sign-off missing, 4 rules or tests
block, 5 out-of-band drift, 6 incomplete.

Example: provisioner plan -out plan.json
"""


def root_help() -> str:
    """The text of `provisioner -help`."""
    width = max(map(len, COMMANDS))
    lines = "\n".join(f"  {name:<{width}}  {summary}" for name, summary in COMMANDS.items())
    return ROOT_HELP.format(commands=lines)
