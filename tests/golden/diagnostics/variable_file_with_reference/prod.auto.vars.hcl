region = local.region
