module "billing" {
  source = "./billing"
}

output "tool" {
  value = module.billing.tol
}
