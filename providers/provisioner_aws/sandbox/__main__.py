"""`python -m provisioner_aws.sandbox`: the child process of `provisioner sandbox up`."""

from . import main

main()
