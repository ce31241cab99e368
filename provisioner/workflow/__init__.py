"""The commands' work as short functions: each reads what it needs, calls the rooms in order, returns a result.

Nothing here prints, exits or reads the environment by itself; the command line hands all of that in.

| command | functions |
|---|---|
| any with a configuration | `project.open_project(Inputs(root, environ, var_files, variables)) -> Project` |
| validate | `validating.validate(project)` |
| init | `initialising.prepare(project)`, show its keys and pin, `initialising.carry_out` |
| plan | `planning.plan(project, targets) -> PlanRun` |
| test | `testing.test(project) -> TestRun` |
| drift | `drifting.drift(project) -> DriftReport` |
| show, publish, sign, status, apply | `signing.open_plan(name, runner, root) -> Opened` |
| publish | `signing.publish(opened)`; a file of sign-offs: `signing.take_in` |
| sign | `signing.prepare(opened, Wish)`, show its texts, `signing.sign`, `signing.record` or `write_envelopes` |
| status | `signing.status(opened) -> SignOffs` |
| apply | `applying.judge(opened)`, then with its verified plan `applying.apply` |
"""
