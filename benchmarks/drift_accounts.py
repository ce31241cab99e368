"""A drift run over many AWS accounts in one workspace: as signed, and with a hotfix in each account.

python -m benchmarks.drift_accounts [--accounts 20] [--roles 5000]

Everything is real but the cloud: the plan is signed by every owner and applied to moto, every account is reached by
assuming a role, and the run reads with those credentials. Applying takes minutes; only drift is measured: wall and
processor seconds, peak memory, requests.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.compare_apply import make_keys, signed_plan
from benchmarks.plan_no_change import COMMAND, Counter, Figures, endpoint, measure, numbers, run, workspace
from benchmarks.table import Row, show

LIMIT = 30.0
ACCOUNT = """
provider "aws" {{
  alias       = "a{n:02}"
  account_id  = "2222222222{n:02}"
  regions     = ["eu-west-1"]
  environment = "sandbox"
  quotas {{
    roles = {roles}
  }}
}}

agent "far_{n:02}" {{
  for_each    = toset({names})
  name        = "far-{n:02}-${{each.key}}"
  purpose     = "Sort supplier invoices by team; never pay, never delete"
  sponsor     = person.sam
  inputs      = "untrusted"
  environment = "sandbox"
  review_by   = "2027-11-01"
  boundary    = boundary.agents

  runtime "lambda" {{
    functions = ["f-${{each.key}}"]
  }}

  identity "aws" {{
    provider = provider.aws.a{n:02}
  }}
}}

grant "far_{n:02}" {{
  agents = values(agent.far_{n:02})
  tools  = [tool.invoice_inbox]
  reason = "BENCH"
}}
"""
HOTFIX = json.dumps(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}}
)


def accounts_file(repo: Path, accounts: int, each: int) -> None:
    """Every account but the first, each with its agents; a signed commit."""
    text = [ACCOUNT.format(n=n, roles=max(each, 1000) + 1, names=numbers(each)) for n in range(1, accounts)]
    (repo / "accounts.hcl").write_text("\n".join(text))
    settings = repo / "workspace.hcl"
    alone = settings.read_text().replace('path = ".provisioner"', 'path = ".provisioner"\n    single_host = true')
    settings.write_text(alone)


def reach(env: dict[str, str], accounts: int, url: str) -> None:
    """The runner's own file: a chain into each account, through the counting proxy."""
    path = Path(env["PROVISIONER_RUNNER"])
    text = path.read_text().replace(endpoint(env), url)
    for n in range(1, accounts):
        role = f"arn:aws:iam::2222222222{n:02}:role/runner"
        text += f'\n[provider."aws.a{n:02}"]\nendpoint = "{url}"\nprofile = "base"\n'
        text += f'plan_role = "{role}"\napply_role = "{role}"\nsession_name = "bench"\n'
    path.write_text(text)
    credentials = path.parent / "aws"
    credentials.write_text("[base]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = x\n")
    env["AWS_SHARED_CREDENTIALS_FILE"] = str(credentials)


def hotfix(url: str, accounts: int, env: dict[str, str], repo: Path) -> None:
    """Somebody attaches a policy by hand, to one agent of each account but the first."""
    import boto3

    sts = boto3.client(
        "sts",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="x",
    )
    for n in range(1, accounts):
        role = f"arn:aws:iam::2222222222{n:02}:role/runner"
        given = sts.assume_role(RoleArn=role, RoleSessionName="hugo")["Credentials"]
        iam = boto3.client(
            "iam",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )
        (first, *_) = iam.list_roles(PathPrefix="/agents/", MaxItems=1)["Roles"]
        iam.put_role_policy(RoleName=first["RoleName"], PolicyName="hotfix", PolicyDocument=HOTFIX)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--accounts", type=int, default=20)
    parser.add_argument("--roles", type=int, default=5000)
    options = parser.parse_args()
    each = options.roles // options.accounts

    def prepare(repo: Path) -> None:
        accounts_file(repo, options.accounts, each)
        make_keys(repo)

    with workspace(each, prepare) as (repo, env):
        counter = Counter(endpoint(env))
        direct = endpoint(env)
        reach(env, options.accounts, counter.url)
        plan = signed_plan(repo, env)
        print(f"applying {each * options.accounts} agents in {options.accounts} accounts", flush=True)
        run(["apply", str(plan)], repo, env)
        calm = measure([str(COMMAND), "drift"], counter, options.roles, 1, cwd=repo, env=env)
        hotfix(direct, options.accounts, env, repo)
        found = measure_found(counter, options.roles, repo, env, options.accounts - 1)
    title = f"drift over {options.accounts} accounts with {each * options.accounts} agents"
    rows = [
        Row("as signed: wall", calm.wall, "s", LIMIT, f"{calm.requests} requests"),
        Row("as signed: processor", calm.cpu, "s"),
        Row("as signed: peak memory", calm.megabytes, "MB"),
        Row(f"{options.accounts - 1} hotfixes: wall", found.wall, "s", LIMIT, f"{found.requests} requests"),
        Row(f"{options.accounts - 1} hotfixes: peak memory", found.megabytes, "MB"),
    ]
    show(title, rows)


def measure_found(counter: Counter, roles: int, repo: Path, env: dict[str, str], wanted: int) -> Figures:
    """The run that finds what was done by hand; fails unless it finds all of it."""
    report = repo.parent / "drift.json"
    script = f"{COMMAND} drift -out={report}; test $? -eq 5"
    figures = measure(["sh", "-c", script], counter, roles, 1, cwd=repo, env=env)
    kinds = [one["kind"] for one in json.loads(report.read_text())["drift"]["differences"]]
    if kinds.count("out_of_band") != wanted:
        raise SystemExit(f"found {kinds.count('out_of_band')} of {wanted}")
    return figures


if __name__ == "__main__":
    main()
