provider "aws" {
  alias      = "dev"
  account_id = "210987654321"
}
