provider "aws" {
  account_id = "999999999999"
}
