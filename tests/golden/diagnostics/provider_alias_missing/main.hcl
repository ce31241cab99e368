provider "aws" {
  account_id = "210987654321"
}
